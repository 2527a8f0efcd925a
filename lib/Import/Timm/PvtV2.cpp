//===- PvtV2.cpp - Pyramid Vision Transformer v2 of timm -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries of all places, keys and values of a map that a strided convolution
// has made smaller; the MLP has a depthwise convolution in its middle.
// Source: Wang et al. 2022 (PVT v2), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kPvtV2s[] = {
    {"pvt_v2_b0"}, {"pvt_v2_b1"}, {"pvt_v2_b2"}, {"pvt_v2_b2_li"},
    {"pvt_v2_b3"}, {"pvt_v2_b4"}, {"pvt_v2_b5"},
};

/// Of every published size.
static constexpr int64_t kHeads[] = {1, 2, 5, 8};
static constexpr double kNormEps = 1e-6, kInnerNormEps = 1e-5;
/// Sides of the map that keys are pooled to where attention is linear.
static constexpr int64_t kPooled = 7;

static Value embed(TimmLayers &layers, Value map, const std::string &layer,
                   int64_t stride) {
  map = layers.conv(map, layer + ".proj", {stride});
  return layers.mapNorm(map, layer + ".norm", kInnerNormEps);
}

/// The tokens that become keys and values.
static Value reduce(TimmLayers &layers, Value tokens, const std::string &layer,
                    int64_t height, int64_t width) {
  std::string filter = layer + "sr.weight";
  if (!layers.contains(filter))
    return tokens;
  auto shape = layers.getWeightShape(filter, 4);
  if (!shape)
    return {};
  int64_t kernel = (*shape)[2];
  Value map = layers.toMap(tokens, height, width, layer + "sr");
  if (kernel == 1) {
    if (height != width || height % kPooled != 0)
      return layers.fail() << "the picture's size leaves '" << layer
                           << "pool' a map of " << height << "x" << width
                           << "; both sides need to be one multiple of "
                           << kPooled;
    int64_t window = height / kPooled;
    map = layers.averagePool(map, layer + "pool", window, {window, 0});
  }
  map = layers.conv(map, layer + "sr", {kernel, 0});
  Value reduced = layers.layerNorm(layers.toTokens(map, layer + "sr"),
                                   layer + "norm", kInnerNormEps);
  return kernel == 1
             ? layers.activate(reduced, TimmActivation::Gelu, layer + "act")
             : reduced;
}

static Value mlp(TimmLayers &layers, Value tokens, const std::string &layer,
                 int64_t height, int64_t width, bool isLinear) {
  Value map = layers.toMap(layers.linear(tokens, layer + "fc1"), height, width,
                           layer + "dwconv");
  if (isLinear)
    map = layers.activate(map, TimmActivation::Relu, layer + "relu");
  map = layers.conv(map, layer + "dwconv");
  Value hidden = layers.activate(layers.toTokens(map, layer + "dwconv"),
                                 TimmActivation::Gelu, layer + "act");
  return layers.linear(hidden, layer + "fc2");
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        int64_t numHeads, bool isLinear) {
  if (layers.contains(stage + "downsample.proj.weight"))
    map = embed(layers, map, stage + "downsample", /*stride=*/2);
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value tokens = layers.toTokens(map, stage);
  int64_t depth = layers.count(stage + "blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
    Value fewer = reduce(layers, normed, block + "attn.", height, width);
    Value branch =
        layers.crossAttention(normed, fewer, block + "attn", numHeads);
    tokens = layers.add(tokens, branch, block + "attn");
    normed = layers.layerNorm(tokens, block + "norm2", kNormEps);
    branch = mlp(layers, normed, block + "mlp.", height, width, isLinear);
    tokens = layers.add(tokens, branch, block + "mlp");
  }
  tokens = layers.layerNorm(tokens, stage + "norm", kNormEps);
  return layers.toMap(tokens, height, width, stage);
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  int64_t numStages = layers.count("stages.", ".norm.weight");
  SmallVector<int64_t, 4> heads =
      layers.arguments.getSizes("num_heads", kHeads, kMaxWidth);
  if (!layers.verifyStages("num_heads", heads, numStages))
    return {};
  bool isLinear = layers.arguments.getBool("linear", name == "pvt_v2_b2_li");
  Value map = embed(layers, image, "patch_embed", /*stride=*/4);
  for (int64_t stage = 0; stage < numStages; ++stage)
    map = buildStage(layers, map, "stages." + std::to_string(stage) + ".",
                     heads[stage], isLinear);
  return layers.classify(layers.mean(map, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"linear", "num_heads"};
static constexpr StringLiteral kDecided[] = {"depths", "embed_dims",
                                             "mlp_ratios", "sr_ratios"};

const TimmFamily import_::kPvtV2Family = {getTimmNames<kPvtV2s>,
                                          "patch_embed.proj.weight",
                                          "head.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          build};
