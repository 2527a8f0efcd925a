//===- Qwen3Vit.cpp - Vision encoders of Qwen3-VL of timm -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain transformers with learned positions and with rotary ones; behind them a
// classifier, or a layer that merges patches into a language model's tokens.
// Source: Qwen Team 2025 (Qwen3-VL), section 2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct Qwen3Entry {
  llvm::StringLiteral name;
  int64_t numHeads;
};
} // namespace

static constexpr Qwen3Entry kClassifiers[] = {
    {"qwen3_vit_306m", 16}, {"qwen3_vit_306m_merge", 16},
    {"qwen3_vit_416m", 16}, {"qwen3_vit_416m_merge", 16},
    {"qwen3_vit_88m", 12},  {"qwen3_vit_88m_merge", 12},
};

static constexpr Qwen3Entry kEncoders[] = {
    {"qwen3_vit_306m_enc", 16},
    {"qwen3_vit_416m_enc", 16},
    {"qwen3_vit_88m_enc", 12},
};

static constexpr double kNormEps = 1e-6;

/// Each square of patches becomes a token, which two linear layers widen.
static Value merge(TimmLayers &layers, Value tokens, const std::string &layer,
                   std::array<int64_t, 2> size) {
  tokens = layers.layerNorm(tokens, layer + ".norm", kNormEps);
  std::optional<int64_t> mergedSide =
      layers.getMergedSide(tokens, layer + ".fc1.weight");
  if (!mergedSide)
    return {};
  int64_t width = TimmLayers::getSize(tokens, 2), side = *mergedSide,
          merged = side * side * width;
  Value map = layers.toMap(tokens, size[0], size[1], layer);
  tokens = layers.partition(map, {side, side}, /*grid=*/false, layer);
  tokens = layers.reshape(tokens, {size[0] / side * (size[1] / side), merged},
                          layer);
  tokens = layers.activate(layers.linear(tokens, layer + ".fc1"),
                           TimmActivation::Gelu, layer + ".act");
  return layers.classify(tokens, layer + ".fc2");
}

/// Of all patches, or of what they are merged to.
static Value encode(TimmLayers &layers, Value image, const std::string &prefix,
                    int64_t numHeads) {
  const std::string embed = prefix + "patch_embed";
  Value map = layers.embedPatches(image, embed + ".proj");
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value tokens =
      layers.addPositions(layers.toTokens(map, embed), prefix + "pos_embed",
                          size, PositionResize::BilinearAligned);
  if (!tokens)
    return {};
  auto tables = layers.axialRotary(prefix + "rope", size,
                                   TimmLayers::getSize(tokens, 2), numHeads);
  if (!tables)
    return {};
  const std::string blocks = prefix + "blocks.";
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens = layers.transformerBlock(
        tokens, blocks + std::to_string(i) + ".", kNormEps,
        [&](Value normed, const std::string &layer) {
          return layers.rotarySelfAttention(normed, layer, numHeads, *tables);
        },
        TimmActivation::GeluTanh);
  const std::string merger = prefix + "merger";
  return layers.contains(merger + ".fc1.weight")
             ? merge(layers, tokens, merger, size)
             : tokens;
}

static Value buildClassifier(TimmLayers &layers, StringRef name,
                             StringRef pooling, Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kClassifiers, name).numHeads, kMaxWidth);
  Value tokens = encode(layers, image, "encoder.", numHeads);
  Value pooled =
      layers.poolTokens(tokens, pooling, /*numPrefixTokens=*/0, "head");
  if (layers.arguments.getBool("final_norm", true))
    pooled = layers.normalize(pooled, "norm", kNormEps);
  return layers.classify(pooled, "head");
}

static Value buildEncoder(TimmLayers &layers, StringRef name, StringRef pooling,
                          Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kEncoders, name).numHeads, kMaxWidth);
  Value tokens = encode(layers, image, /*prefix=*/"", numHeads);
  return pooling == "merge" ? tokens
                            : layers.poolTokens(tokens, pooling, 0, "head");
}

static constexpr StringLiteral kEncoderPoolings[] = {"merge", "avg"};
static constexpr StringLiteral kArguments[] = {"final_norm", "img_size",
                                               "num_heads"};
static constexpr StringLiteral kDecided[] = {
    "encoder_pool", "merge_size", "out_features", "pos_embed_grid_size"};

const TimmFamily import_::kQwen3VitFamily = {getTimmNames<kClassifiers>,
                                             "encoder.patch_embed.proj.weight",
                                             "head.weight",
                                             kMeanPooling,
                                             kArguments,
                                             kDecided,
                                             buildClassifier};

const TimmFamily import_::kQwen3VitEncoderFamily = {getTimmNames<kEncoders>,
                                                    "patch_embed.proj.weight",
                                                    "head.weight",
                                                    kEncoderPoolings,
                                                    kArguments,
                                                    kDecided,
                                                    buildEncoder};
