//===- EfficientFormerV2.cpp - EfficientFormer v2 of timm -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Convolutions everywhere; in the last stages also attention with a bias for
// each distance, in the third stage of a map of half the size, and between the
// stages with fewer queries than keys. Heads are mixed before and after the
// softmax. Source: Li et al. 2023 (EfficientFormerV2), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kEfficientFormersV2[] = {{"efficientformerv2_s0"},
                                                   {"efficientformerv2_s1"},
                                                   {"efficientformerv2_s2"},
                                                   {"efficientformerv2_l"}};

/// [B, H, N, D] of a map [B, H * D, ...].
static Value getHeads(TimmLayers &layers, Value map, int64_t numHeads,
                      const std::string &layer) {
  return layers.splitHeads(layers.toTokens(map, layer), numHeads, layer);
}

/// What the heads gave, [B, N, H * D], beside a convolution of the values, and
/// through the projection.
static Value project(TimmLayers &layers, Value merged, Value local,
                     std::array<int64_t, 2> size, const std::string &layer) {
  Value map = layers.toMap(merged, TimmLayers::getHeight(local),
                           TimmLayers::getWidth(local), layer);
  map = layers.add(map, local, layer + "v_local");
  map = layers.resize(map, layer + "upsample", size[0], size[1]);
  map = layers.activate(map, TimmActivation::Gelu, layer + "act");
  return layers.convNorm(map, layer + "proj");
}

static Value attention(TimmLayers &layers, Value map,
                       const std::string &layer) {
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  if (layers.contains(layer + "stride_conv.conv.weight")) {
    if (map && (size[0] % 2 != 0 || size[1] % 2 != 0))
      return layers.fail() << "the picture's size leaves '" << layer
                           << "stride_conv' a map of " << size[0] << "x"
                           << size[1] << "; it needs multiples of 2";
    map = layers.convNorm(map, layer + "stride_conv", TimmActivation::None,
                          /*stride=*/2);
  }
  Value bias = layers.distanceBias(layer + "attention_biases",
                                   TimmLayers::getHeight(map),
                                   TimmLayers::getWidth(map));
  if (!bias)
    return {};
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  auto part = [&](const char *name) {
    return layers.convNorm(map, layer + name);
  };
  Value query = getHeads(layers, part("q"), numHeads, layer + "q");
  Value key = getHeads(layers, part("k"), numHeads, layer + "k");
  Value values = part("v");
  Value scores = layers.scores(query, key, layer);
  scores = layers.addBroadcast(scores, bias, layer + "attention_biases");
  scores = layers.conv(scores, layer + "talking_head1");
  scores = layers.conv(layers.softmax(scores, layer), layer + "talking_head2");
  Value merged = layers.mergeHeads(
      layers.matmul(scores, getHeads(layers, values, numHeads, layer + "v"),
                    layer),
      layer);
  return project(layers, merged, layers.convNorm(values, layer + "v_local"),
                 size, layer);
}

/// Every other place of every other row attends to all.
static Value downsampleAttention(TimmLayers &layers, Value map,
                                 const std::string &layer) {
  Value bias = layers.distanceBias(layer + "attention_biases",
                                   TimmLayers::getHeight(map),
                                   TimmLayers::getWidth(map), /*stride=*/2);
  if (!bias)
    return {};
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  Value fewer = layers.stride(layers.stride(map, 2, 2, layer), 3, 2, layer);
  fewer = layers.add(layers.conv(map, layer + "q.local", {/*stride=*/2}), fewer,
                     layer + "q");
  Value query = layers.convNorm(fewer, layer + "q.proj");
  Value key = layers.convNorm(map, layer + "k");
  Value values = layers.convNorm(map, layer + "v");
  Value local = layers.convNorm(values, layer + "v_local", TimmActivation::None,
                                /*stride=*/2);
  Value merged = layers.attend(getHeads(layers, query, numHeads, layer + "q"),
                               getHeads(layers, key, numHeads, layer + "k"),
                               getHeads(layers, values, numHeads, layer + "v"),
                               layer, bias);
  return project(layers, merged, local,
                 {TimmLayers::getHeight(local), TimmLayers::getWidth(local)},
                 layer);
}

static Value downsample(TimmLayers &layers, Value map,
                        const std::string &layer) {
  Value shortcut = layers.convNorm(map, layer + "conv", TimmActivation::None,
                                   /*stride=*/2);
  if (!layers.contains(layer + "attn.attention_biases"))
    return shortcut;
  Value branch = downsampleAttention(layers, map, layer + "attn.");
  return layers.add(branch, shortcut, layer + "conv");
}

static Value buildBlock(TimmLayers &layers, Value map,
                        const std::string &block) {
  std::string mixer = block + "token_mixer.", mlp = block + "mlp.";
  Value branch;
  if (layers.contains(mixer + "attention_biases")) {
    branch = layers.scale(attention(layers, map, mixer), block + "ls1.gamma");
    map = layers.add(map, branch, block + "token_mixer");
  }
  branch = layers.convNorm(map, mlp + "fc1", TimmActivation::Gelu);
  branch = layers.convNorm(branch, mlp + "mid", TimmActivation::Gelu);
  branch = layers.convNorm(branch, mlp + "fc2");
  return layers.add(map, layers.scale(branch, block + "ls2.gamma"),
                    block + "mlp");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = image;
  for (const char *layer : {"stem.conv1", "stem.conv2"})
    map = layers.convNorm(map, layer, TimmActivation::Gelu, /*stride=*/2);
  int64_t numStages = layers.count("stages.", ".blocks.0.mlp.fc1.conv.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (layers.contains(stage + "downsample.conv.conv.weight"))
      map = downsample(layers, map, stage + "downsample.");
    std::string blocks = stage + "blocks.";
    int64_t depth = layers.count(blocks, ".mlp.fc1.conv.weight");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBlock(layers, map, blocks + std::to_string(j) + ".");
  }
  map = layers.batchNorm(map, "norm");
  return layers.classifyDistilled(layers.mean(map, "head"), "head",
                                  "head_dist");
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {
    "distillation",           "downsamples", "embed_dims",
    "layer_scale_init_value", "mlp_ratios",  "num_vit"};

const TimmFamily import_::kEfficientFormerV2Family = {
    getTimmNames<kEfficientFormersV2>,
    "stem.conv1.conv.weight",
    "head.weight",
    kMeanPooling,
    kArguments,
    kDecided,
    build};
