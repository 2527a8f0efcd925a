//===- NaflexVit.cpp - Transformers of flexible pictures of timm ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain transformers whose patches are linear layers of their pixels and whose
// positions are resized to the picture's grid. timm's models also take patches
// of several pictures; here they take whole pictures.
// Source: Dehghani et al. 2023 (NaViT), section 2.1; Tschannen et al. 2025
// (SigLIP 2), section 2.4.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct NaflexEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
  PositionResize resize = PositionResize::Antialiased;
  /// Positions are resized for a square of the grid's longer side.
  bool cropped = false;
  vit::GeluForm gelu = vit::GeluForm::Exact;
};
} // namespace

static constexpr NaflexEntry siglip(llvm::StringLiteral name,
                                    int64_t numHeads) {
  return {name, numHeads, PositionResize::BilinearAntialiased,
          /*cropped=*/false, vit::GeluForm::Tanh};
}

static constexpr NaflexEntry kNaflexVits[] = {
    {"naflexvit_base_patch16_gap", 12},
    {"naflexvit_base_patch16_map", 12},
    {"naflexvit_base_patch16_par_gap", 12, PositionResize::Antialiased,
     /*cropped=*/true},
    {"naflexvit_base_patch16_parfac_gap", 12, PositionResize::Bilinear,
     /*cropped=*/true},
    {"naflexvit_base_patch16_radio_v3", 12, PositionResize::BilinearAligned,
     /*cropped=*/true},
    siglip("naflexvit_base_patch16_siglip", 12),
    {"naflexvit_giant_patch16_radio_v3", 24, PositionResize::Bilinear,
     /*cropped=*/true},
    {"naflexvit_huge_patch16_radio_v3", 16, PositionResize::BilinearAligned,
     /*cropped=*/true},
    {"naflexvit_huge_patch16_radio_v4", 16, PositionResize::Bilinear,
     /*cropped=*/true},
    {"naflexvit_large_patch16_radio_v3", 16, PositionResize::Bilinear,
     /*cropped=*/true},
    {"naflexvit_so150m2_patch16_reg1_gap", 13},
    {"naflexvit_so150m2_patch16_reg1_map", 13},
    {"naflexvit_so400m_patch16_radio_v4", 16, PositionResize::Bilinear,
     /*cropped=*/true},
    siglip("naflexvit_so400m_patch16_siglip", 16),
};

static constexpr double kNormEps = 1e-6;

/// The positions of rows and of columns.
static Value addFactors(TimmLayers &layers, Value tokens,
                        std::array<int64_t, 2> size, const NaflexEntry &entry) {
  Value map = layers.reshape(
      tokens, {size[0], size[1], TimmLayers::getSize(tokens, 2)}, "embeds");
  int64_t longer = std::max(size[0], size[1]);
  for (size_t side : {0, 1}) {
    int64_t length = entry.cropped ? longer : size[side];
    Value places = layers.linePositions(
        side == 0 ? "embeds.pos_embed_y" : "embeds.pos_embed_x",
        TimmLayers::getSize(tokens, 2), length, size[side], entry.resize);
    if (!map || !places)
      return {};
    if (side == 0)
      places = layers.b.reshape(places,
                                {size[0], 1, TimmLayers::getSize(tokens, 2)});
    map = layers.addBroadcast(map, places, "embeds");
  }
  return layers.reshape(
      map, {size[0] * size[1], TimmLayers::getSize(tokens, 2)}, "embeds");
}

/// The tokens of patches with their positions, behind those of no patch.
static Value embed(TimmLayers &layers, Value image, const NaflexEntry &entry) {
  const std::string positions = "embeds.pos_embed";
  Value map = layers.embedPixels(image, "embeds.proj");
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value tokens = layers.toTokens(map, "embeds");
  if (layers.contains(positions))
    tokens = layers.addPositions(tokens, positions, size, entry.resize,
                                 entry.cropped);
  else if (layers.contains(positions + "_y"))
    tokens = addFactors(layers, tokens, size, entry);
  for (const char *weight : {"embeds.reg_token", "embeds.cls_token"})
    if (layers.contains(weight))
      if (auto shape = layers.getWeightShape(weight, 3))
        tokens = layers.prepend(tokens, weight, (*shape)[1]);
  return tokens;
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  NaflexEntry entry = getTimmEntry(kNaflexVits, name);
  entry.cropped =
      layers.arguments.getBool("pos_embed_ar_preserving", entry.cropped);
  int64_t numHeads =
      layers.arguments.getSize("num_heads", entry.numHeads, kMaxWidth);
  Value tokens = embed(layers, image, entry);
  if (pooling == "token" && !layers.contains("embeds.cls_token"))
    return layers.fail() << "global_pool = 'token', and the weights lack "
                            "'embeds.cls_token'";
  int64_t numPrefix = 0;
  for (const char *weight : {"embeds.reg_token", "embeds.cls_token"})
    if (layers.contains(weight))
      if (auto shape = layers.getWeightShape(weight, 3))
        numPrefix += (*shape)[1];
  auto activation = entry.gelu == vit::GeluForm::Tanh ? TimmActivation::GeluTanh
                                                      : TimmActivation::Gelu;
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens = layers.transformerBlock(
        tokens, "blocks." + std::to_string(i) + ".", kNormEps,
        [&](Value normed, const std::string &layer) {
          return layers.selfAttention(normed, layer, numHeads);
        },
        activation);
  if (layers.contains("norm.weight"))
    tokens = layers.layerNorm(tokens, "norm", kNormEps);
  Value pooled;
  if (pooling == "map")
    pooled = layers.attentionPooling(
        layers.slice(tokens, 1, numPrefix,
                     TimmLayers::getSize(tokens, 1) - numPrefix, "attn_pool"),
        "attn_pool", numHeads, kNormEps, entry.gelu);
  else
    pooled = layers.poolTokens(tokens, pooling, numPrefix, "head");
  if (layers.contains("fc_norm.weight"))
    pooled = layers.layerNorm(pooled, "fc_norm", kNormEps);
  return layers.classify(pooled, "head");
}

static constexpr StringLiteral kPoolings[] = {"avg", "map", "token"};
static constexpr StringLiteral kArguments[] = {
    "img_size", "num_heads", "patch_size", "pos_embed_ar_preserving"};
static constexpr StringLiteral kDecided[] = {"pos_embed_grid_size"};

const TimmFamily import_::kNaflexVitFamily = {getTimmNames<kNaflexVits>,
                                              "embeds.proj.weight",
                                              "head.weight",
                                              kPoolings,
                                              kArguments,
                                              kDecided,
                                              build};
