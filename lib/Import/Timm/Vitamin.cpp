//===- Vitamin.cpp - ViTamin of timm --------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two stages of inverted bottlenecks, then a plain transformer with gated MLPs.
// Source: Chen et al. 2024 (ViTamin), section 3.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct VitaminEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
};
} // namespace

static constexpr VitaminEntry kVitamins[] = {
    {"vitamin_base_224", 12},   {"vitamin_large2_224", 16},
    {"vitamin_large2_256", 16}, {"vitamin_large2_336", 16},
    {"vitamin_large2_384", 16}, {"vitamin_large_224", 16},
    {"vitamin_large_256", 16},  {"vitamin_large_336", 16},
    {"vitamin_large_384", 16},  {"vitamin_small_224", 6},
    {"vitamin_xlarge_256", 16}, {"vitamin_xlarge_336", 16},
    {"vitamin_xlarge_384", 16},
};

static constexpr double kNormEps = 1e-6;
static constexpr TimmSteps kHalve = {/*stride=*/2};

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// An inverted bottleneck; its shortcut is pooled where it halves the map, and
/// has a filter where its channels are others.
static Value buildBottleneck(TimmLayers &layers, Value map,
                             const std::string &block, bool halves) {
  Value shortcut = map;
  if (halves) {
    const std::string layer = block + "shortcut";
    shortcut = layers.averagePool(map, layer + ".pool", /*kernel=*/3, kHalve);
    if (layers.contains(layer + ".expand.weight"))
      shortcut = layers.conv(shortcut, layer + ".expand");
  }
  map = layers.mapNorm(map, block + "pre_norm", kNormEps);
  map = layers.activate(layers.conv(map, block + "conv1_1x1"),
                        TimmActivation::Gelu, block + "act1");
  map = layers.conv(map, block + "conv2_kxk", halves ? kHalve : TimmSteps());
  map = layers.activate(map, TimmActivation::Gelu, block + "act2");
  return layers.add(shortcut, layers.conv(map, block + "conv3_1x1"), block);
}

static constexpr StringLiteral kBackbone = "patch_embed.backbone.";

static int64_t countStages(TimmLayers &layers) {
  return layers.count(kBackbone + Twine("stages."), ".0.pre_norm.weight");
}

static Value buildBackbone(TimmLayers &layers, Value image) {
  const std::string prefix = kBackbone.str();
  Value map = layers.conv(image, prefix + "stem.conv1", kHalve);
  map = layers.activate(layers.mapNorm(map, prefix + "stem.norm1", kNormEps),
                        TimmActivation::Gelu, prefix + "stem.act");
  map = layers.conv(map, prefix + "stem.conv2");
  const std::string stages = prefix + "stages.";
  int64_t numStages = countStages(layers);
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = stages + std::to_string(i) + ".";
    int64_t depth = layers.count(stage, ".pre_norm.weight");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBottleneck(layers, map, stage + std::to_string(j) + ".",
                            /*halves=*/j == 0);
  }
  map = layers.mapNorm(map, prefix + "pool.norm", kNormEps);
  return layers.conv(map, prefix + "pool.proj", kHalve);
}

//===----------------------------------------------------------------------===//
// Transformer
//===----------------------------------------------------------------------===//

/// What the backbone leaves of pictures of img_size; zeros without it.
static std::array<int64_t, 2> getLearnedGrid(TimmLayers &layers) {
  if (!layers.arguments.contains("img_size"))
    return {0, 0};
  auto [height, width] =
      layers.arguments.getSizePair("img_size", /*defaultValue=*/1, kMaxPixels);
  // The stem, each stage and the pooling halve it.
  for (int64_t i = countStages(layers) + 2; i > 0; --i) {
    height = llvm::divideCeil(height, 2);
    width = llvm::divideCeil(width, 2);
  }
  return {height, width};
}

/// Source: Shazeer 2020 (GLU variants), eq. (6): GEGLU.
static Value gatedMlp(TimmLayers &layers, Value tokens,
                      const std::string &layer) {
  tokens = layers.layerNorm(tokens, layer + ".norm", kNormEps);
  Value gate = layers.activate(layers.linear(tokens, layer + ".w0"),
                               TimmActivation::Gelu, layer + ".act");
  Value hidden =
      layers.multiply(gate, layers.linear(tokens, layer + ".w1"), layer);
  return layers.linear(hidden, layer + ".w2");
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kVitamins, name).numHeads, kMaxWidth);
  Value map = buildBackbone(layers, image);
  Value tokens = layers.toTokens(map, "patch_embed");
  if (layers.contains("pos_embed"))
    tokens = layers.addPositions(
        tokens, "pos_embed",
        {TimmLayers::getHeight(map), TimmLayers::getWidth(map)},
        PositionResize::Antialiased, /*cropped=*/false, getLearnedGrid(layers));
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = "blocks." + std::to_string(i) + ".";
    Value branch = layers.layerNorm(tokens, block + "norm1", kNormEps);
    branch = layers.selfAttention(branch, block + "attn", numHeads);
    tokens = layers.add(tokens, branch, block + "attn");
    branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
    branch = gatedMlp(layers, branch, block + "mlp");
    tokens = layers.add(tokens, branch, block + "mlp");
  }
  Value pooled =
      layers.poolTokens(tokens, pooling, /*numPrefixTokens=*/0, "head");
  return layers.classify(layers.layerNorm(pooled, "fc_norm", kNormEps), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};

const TimmFamily import_::kVitaminFamily = {
    getTimmNames<kVitamins>,
    "patch_embed.backbone.stem.conv1.weight",
    "head.weight",
    kMeanPooling,
    kArguments,
    /*decided=*/{},
    build};
