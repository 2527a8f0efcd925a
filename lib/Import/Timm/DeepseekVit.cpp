//===- DeepseekVit.cpp - Vision encoders of DeepSeek of timm --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain transformers with rotary positions, norms of the root mean square and
// gated MLPs; behind them a classifier, or a layer that merges patches into a
// language model's tokens.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kClassifiers[] = {{"deepseek_vit_412m"},
                                            {"deepseek_vit_412m_align"}};
static constexpr TimmName kEncoders[] = {{"deepseek_vit_412m_enc"}};

static constexpr double kNormEps = 1e-6;
static constexpr int64_t kNumHeads = 16;

/// LAYER.fc1 gives gates before what they multiply.
static Value gatedMlp(TimmLayers &layers, Value tokens,
                      const std::string &layer) {
  Value rows = layers.linear(tokens, layer + ".fc1");
  std::optional<int64_t> width = layers.getPartWidth(rows, 2, layer + ".fc1");
  if (!width)
    return {};
  Value gate = layers.activate(layers.slice(rows, 2, 0, *width, layer),
                               TimmActivation::Silu, layer + ".act");
  return layers.linear(
      layers.multiply(gate, layers.slice(rows, 2, *width, *width, layer),
                      layer),
      layer + ".fc2");
}

/// Each square of patches becomes a token, one channel's behind another's; what
/// is missing of the last ones is zeros.
static Value align(TimmLayers &layers, Value tokens, const std::string &layer,
                   std::array<int64_t, 2> size) {
  std::optional<int64_t> mergedSide =
      layers.getMergedSide(tokens, layer + ".fc1.weight");
  if (!mergedSide)
    return {};
  int64_t width = TimmLayers::getSize(tokens, 2), side = *mergedSide,
          merged = side * side * width;
  auto rows = int64_t(llvm::divideCeil(size[0], side));
  auto columns = int64_t(llvm::divideCeil(size[1], side));
  Value map = layers.padMap(layers.toMap(tokens, size[0], size[1], layer),
                            rows * side, columns * side, layer);
  map = layers.reshape(map, {width, rows, side, columns, side}, layer);
  map = layers.transpose(map, {0, 2, 4, 1, 3, 5}, layer);
  return layers.mlp(layers.reshape(map, {rows * columns, merged}, layer),
                    layer);
}

/// Of all patches, or of what they are aligned to.
static Value encode(TimmLayers &layers, Value image,
                    const std::string &prefix) {
  int64_t numHeads =
      layers.arguments.getSize("num_heads", kNumHeads, kMaxWidth);
  const std::string embed = prefix + "patch_embed";
  Value map = layers.embedPatches(image, embed + ".proj");
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value tokens = layers.toTokens(map, embed);
  if (!tokens)
    return {};
  auto tables = layers.axialRotary(prefix + "rope", size,
                                   TimmLayers::getSize(tokens, 2), numHeads);
  if (!tables)
    return {};
  const std::string blocks = prefix + "blocks.";
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = blocks + std::to_string(i) + ".";
    Value branch = layers.rmsNorm(tokens, block + "norm1", kNormEps);
    branch =
        layers.rotarySelfAttention(branch, block + "attn", numHeads, *tables);
    tokens = layers.add(tokens, branch, block + "attn");
    branch = layers.rmsNorm(tokens, block + "norm2", kNormEps);
    branch = gatedMlp(layers, branch, block + "mlp");
    tokens = layers.add(tokens, branch, block + "mlp");
  }
  tokens = layers.rmsNorm(tokens, prefix + "norm", kNormEps);
  const std::string aligner = prefix + "aligner";
  return layers.contains(aligner + ".fc1.weight")
             ? align(layers, tokens, aligner, size)
             : tokens;
}

static Value buildClassifier(TimmLayers &layers, StringRef /*name*/,
                             StringRef pooling, Value image) {
  Value tokens = encode(layers, image, "encoder.");
  Value pooled =
      layers.poolTokens(tokens, pooling, /*numPrefixTokens=*/0, "head");
  if (layers.arguments.getBool("final_norm", true))
    pooled = layers.rmsNorm(pooled, "norm", kNormEps);
  return layers.classify(pooled, "head");
}

static Value buildEncoder(TimmLayers &layers, StringRef /*name*/,
                          StringRef pooling, Value image) {
  Value tokens = encode(layers, image, /*prefix=*/"");
  return pooling == "align" ? tokens
                            : layers.poolTokens(tokens, pooling, 0, "head");
}

static constexpr StringLiteral kEncoderPoolings[] = {"align", "avg"};
static constexpr StringLiteral kArguments[] = {"final_norm", "img_size",
                                               "num_heads"};
static constexpr StringLiteral kDecided[] = {"downsample_ratio", "encoder_pool",
                                             "out_features"};

const TimmFamily import_::kDeepseekVitFamily = {
    getTimmNames<kClassifiers>,
    "encoder.patch_embed.proj.weight",
    "head.weight",
    kMeanPooling,
    kArguments,
    kDecided,
    buildClassifier};

const TimmFamily import_::kDeepseekVitEncoderFamily = {
    getTimmNames<kEncoders>,
    "patch_embed.proj.weight",
    "head.weight",
    kEncoderPoolings,
    kArguments,
    kDecided,
    buildEncoder};
