//===- Twins.cpp - Twins of timm -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pyramid whose blocks attend in windows, or to a map that a strided
// convolution has made smaller; a depthwise convolution behind each stage's
// first block gives the positions.
// Source: Chu et al. 2021 (Twins), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

#include <array>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct TwinsEntry {
  llvm::StringLiteral name;
  std::array<int64_t, 4> numHeads;
};
} // namespace

static constexpr TwinsEntry kTwins[] = {
    {"twins_pcpvt_base", {1, 2, 5, 8}},  {"twins_pcpvt_large", {1, 2, 5, 8}},
    {"twins_pcpvt_small", {1, 2, 5, 8}}, {"twins_svt_base", {3, 6, 12, 24}},
    {"twins_svt_large", {4, 8, 16, 32}}, {"twins_svt_small", {2, 4, 8, 16}},
};

static constexpr double kNormEps = 1e-6, kInnerNormEps = 1e-5;
static constexpr int64_t kWindow = 7;

/// A convolution whose stride is its kernel, and a norm.
static Value embed(TimmLayers &layers, Value map, const std::string &layer) {
  auto shape = layers.getWeightShape(layer + ".proj.weight", 4);
  if (!shape)
    return {};
  map = layers.conv(map, layer + ".proj", {(*shape)[2], /*pad=*/0});
  return layers.mapNorm(map, layer + ".norm", kInnerNormEps);
}

/// Attention of a map's normed tokens.
static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, int64_t numHeads,
                       std::array<int64_t, 2> size) {
  auto toMap = [&](Value value) {
    return layers.toMap(value, size[0], size[1], layer);
  };
  if (layers.contains(layer + ".qkv.weight")) {
    Value map =
        layers.inWindows(toMap(tokens), kWindow, layer, [&](Value windows) {
          return layers.selfAttention(windows, layer, numHeads);
        });
    return layers.toTokens(map, layer);
  }
  Value others = tokens;
  if (layers.contains(layer + ".sr.weight")) {
    auto shape = layers.getWeightShape(layer + ".sr.weight", 4);
    if (!shape)
      return {};
    Value map =
        layers.conv(toMap(tokens), layer + ".sr", {(*shape)[2], /*pad=*/0});
    others = layers.layerNorm(layers.toTokens(map, layer + ".sr"),
                              layer + ".norm", kInnerNormEps);
  }
  return layers.crossAttention(tokens, others, layer, numHeads);
}

/// The tokens of a stage's last block.
static Value buildStage(TimmLayers &layers, Value map, int64_t stage,
                        int64_t numHeads) {
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  std::string number = std::to_string(stage), blocks = "blocks." + number + ".";
  Value tokens = layers.toTokens(map, "patch_embeds." + number);
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = blocks + std::to_string(i) + ".";
    Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
    Value branch = attention(layers, normed, block + "attn", numHeads, size);
    tokens = layers.add(tokens, branch, block + "attn");
    normed = layers.layerNorm(tokens, block + "norm2", kNormEps);
    tokens =
        layers.add(tokens, layers.mlp(normed, block + "mlp"), block + "mlp");
    if (i > 0)
      continue;
    std::string positions = "pos_block." + number + ".proj.0";
    map = layers.toMap(tokens, size[0], size[1], positions);
    map = layers.add(map, layers.conv(map, positions), positions);
    tokens = layers.toTokens(map, positions);
  }
  return tokens;
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  int64_t numStages = layers.count("blocks.", ".0.norm1.weight");
  SmallVector<int64_t, 4> heads = layers.arguments.getSizes(
      "num_heads", getTimmEntry(kTwins, name).numHeads, kMaxWidth);
  if (!layers.verifyStages("num_heads", heads, numStages))
    return {};
  Value map = image, tokens;
  for (int64_t stage = 0; stage < numStages; ++stage) {
    std::string number = std::to_string(stage);
    map = embed(layers, map, "patch_embeds." + number);
    int64_t height = TimmLayers::getHeight(map);
    int64_t width = TimmLayers::getWidth(map);
    tokens = buildStage(layers, map, stage, heads[stage]);
    map = layers.toMap(tokens, height, width, "blocks." + number);
  }
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.meanTokens(tokens, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"embed_dims", "mlp_ratios",
                                             "sr_ratios"};

const TimmFamily import_::kTwinsFamily = {getTimmNames<kTwins>,
                                          "patch_embeds.0.proj.weight",
                                          "head.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          build};
