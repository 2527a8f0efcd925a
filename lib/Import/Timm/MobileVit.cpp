//===- MobileVit.cpp - MobileViT and MobileViT v2 of timm ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverted bottlenecks; in the last stages also attention between the places
// that are at the same position of their 2x2 patches. MobileViT v2 has one
// score for each place instead of one for each pair. Source: Mehta and
// Rastegari 2022 (MobileViT), section 3.1; the same 2022, "Separable
// self-attention", section 3.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kMobileVits[] = {
    {"mobilevit_s"},     {"mobilevit_xs"},    {"mobilevit_xxs"},
    {"mobilevitv2_050"}, {"mobilevitv2_075"}, {"mobilevitv2_100"},
    {"mobilevitv2_125"}, {"mobilevitv2_150"}, {"mobilevitv2_175"},
    {"mobilevitv2_200"},
};

static constexpr int64_t kNumHeads = 4, kPatch = 2;
static constexpr double kNormEps = 1e-5;

static Value convNorm(TimmLayers &layers, Value map, const std::string &layer,
                      TimmActivation activation = TimmActivation::Silu,
                      int64_t stride = 1) {
  return layers.convNorm(map, layer, activation, stride);
}

static Value bottleneck(TimmLayers &layers, Value map, const std::string &block,
                        int64_t stride) {
  Value shortcut = map;
  map = convNorm(layers, map, block + "conv1_1x1");
  map =
      convNorm(layers, map, block + "conv2_kxk", TimmActivation::Silu, stride);
  map = convNorm(layers, map, block + "conv3_1x1", TimmActivation::None);
  bool keepsShape = map && shortcut && map.getType() == shortcut.getType();
  return keepsShape ? layers.add(shortcut, map, block + "conv3_1x1") : map;
}

/// The tokens [B * 4, patches, C] of a map, whose patches are `patches` in
/// height and width, those at one position of a patch together.
static Value unfold(TimmLayers &layers, Value map,
                    std::array<int64_t, 2> patches, const std::string &layer) {
  return layers.partition(map, patches, /*grid=*/true, layer);
}

static std::array<int64_t, 2> countPatches(Value map) {
  return {(TimmLayers::getHeight(map) + kPatch - 1) / kPatch,
          (TimmLayers::getWidth(map) + kPatch - 1) / kPatch};
}

//===----------------------------------------------------------------------===//
// MobileViT
//===----------------------------------------------------------------------===//

static Value transform(TimmLayers &layers, Value tokens,
                       const std::string &block) {
  Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
  Value branch = layers.selfAttention(normed, block + "attn", kNumHeads);
  tokens = layers.add(tokens, branch, block + "attn");
  normed = layers.layerNorm(tokens, block + "norm2", kNormEps);
  branch = layers.mlp(normed, block + "mlp", TimmActivation::Silu);
  return layers.add(tokens, branch, block + "mlp");
}

static Value mobileVitBlock(TimmLayers &layers, Value map,
                            const std::string &block) {
  Value shortcut = map;
  map = convNorm(layers, map, block + "conv_kxk");
  map = layers.conv(map, block + "conv_1x1");
  // A map of odd sides grows for whole patches.
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  std::array<int64_t, 2> patches = countPatches(map);
  std::array<int64_t, 2> whole = {patches[0] * kPatch, patches[1] * kPatch};
  std::string transformer = block + "transformer.";
  map = layers.resize(map, transformer, whole[0], whole[1]);
  Value tokens = unfold(layers, map, patches, transformer);
  int64_t depth = layers.count(transformer, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens = transform(layers, tokens, transformer + std::to_string(i) + ".");
  tokens = layers.layerNorm(tokens, block + "norm", kNormEps);
  map = layers.unpartition(tokens, patches, whole, /*grid=*/true, transformer);
  map = layers.resize(map, transformer, size[0], size[1]);
  map = convNorm(layers, map, block + "conv_proj");
  if (!layers.contains(block + "conv_fusion.conv.weight"))
    return map;
  return convNorm(layers,
                  layers.concat({shortcut, map}, 1, block + "conv_fusion"),
                  block + "conv_fusion");
}

//===----------------------------------------------------------------------===//
// MobileViT v2
//===----------------------------------------------------------------------===//

/// relu(value) times the keys' mean, weighted by the softmax of the scores;
/// LAYER.qkv_proj has scores, keys and values side by side.
static Value separableAttention(TimmLayers &layers, Value map,
                                const std::string &layer) {
  std::array<int64_t, 2> patches = countPatches(map);
  Value rows =
      layers.linear(unfold(layers, map, patches, layer), layer + ".qkv_proj");
  int64_t channels = TimmLayers::getSize(map, 1);
  if (!rows)
    return {};
  if (TimmLayers::getSize(rows, 2) != 1 + 2 * channels)
    return layers.fail() << "'" << layer << ".qkv_proj' has a width of "
                         << TimmLayers::getSize(rows, 2) << "; a score, "
                         << channels << " keys and as many values need "
                         << 1 + 2 * channels;
  int64_t count = patches[0] * patches[1];
  auto part = [&](int64_t begin, int64_t size) {
    return layers.slice(rows, 2, begin, size, layer);
  };
  Value scores = layers.reshape(part(0, 1), {1, 1, count}, layer);
  Value keys = layers.reshape(part(1, channels), {1, count, channels}, layer);
  Value context = layers.reshape(layers.weightedMean(scores, keys, layer),
                                 {1, channels}, layer);
  Value values = layers.activate(part(1 + channels, channels),
                                 TimmActivation::Relu, layer + ".relu");
  Value result = layers.linear(layers.multiply(values, context, layer),
                               layer + ".out_proj");
  return layers.unpartition(
      result, patches, {TimmLayers::getHeight(map), TimmLayers::getWidth(map)},
      /*grid=*/true, layer);
}

static Value mobileVitV2Block(TimmLayers &layers, Value map,
                              const std::string &block) {
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  if (map && (size[0] % kPatch != 0 || size[1] % kPatch != 0))
    return layers.fail() << "the picture's size leaves '" << block
                         << "transformer' a map of " << size[0] << "x"
                         << size[1] << "; its patches of " << kPatch << "x"
                         << kPatch << " need multiples of that";
  map = convNorm(layers, map, block + "conv_kxk");
  map = layers.conv(map, block + "conv_1x1");
  std::string transformer = block + "transformer.";
  int64_t depth = layers.count(transformer, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string layer = transformer + std::to_string(i) + ".";
    Value normed = layers.groupNorm(map, layer + "norm1");
    map = layers.add(map, separableAttention(layers, normed, layer + "attn"),
                     layer + "attn");
    Value hidden =
        layers.conv(layers.groupNorm(map, layer + "norm2"), layer + "mlp.fc1");
    hidden = layers.activate(hidden, TimmActivation::Silu, layer + "mlp.act");
    map =
        layers.add(map, layers.conv(hidden, layer + "mlp.fc2"), layer + "mlp");
  }
  map = layers.groupNorm(map, block + "norm");
  return convNorm(layers, map, block + "conv_proj", TimmActivation::None);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = convNorm(layers, image, "stem", TimmActivation::Silu,
                       /*stride=*/2);
  auto blockOf = [](int64_t stage, int64_t block) {
    return "stages." + std::to_string(stage) + "." + std::to_string(block) +
           ".";
  };
  auto isBottleneck = [&](const std::string &block) {
    return layers.contains(block + "conv1_1x1.conv.weight");
  };
  for (int64_t stage = 0; isBottleneck(blockOf(stage, 0)); ++stage)
    for (int64_t i = 0;; ++i) {
      std::string block = blockOf(stage, i);
      if (isBottleneck(block))
        map = bottleneck(layers, map, block, i == 0 && stage > 0 ? 2 : 1);
      else if (layers.contains(block + "transformer.0.attn.qkv.weight"))
        map = mobileVitBlock(layers, map, block);
      else if (layers.contains(block + "transformer.0.attn.qkv_proj.weight"))
        map = mobileVitV2Block(layers, map, block);
      else
        break;
    }
  if (layers.contains("final_conv.conv.weight"))
    map = convNorm(layers, map, "final_conv");
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

const TimmFamily import_::kMobileVitFamily = {getTimmNames<kMobileVits>,
                                              "stem.conv.weight",
                                              "head.fc.weight",
                                              kMeanPooling,
                                              /*arguments=*/{},
                                              /*decided=*/{},
                                              build};
