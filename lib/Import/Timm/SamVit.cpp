//===- SamVit.cpp - Image encoders of Segment Anything of timm ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain transformers on maps, most of whose blocks attend in windows, all with
// a bias of the query and the distance to the key; behind them convolutions.
// Source: Kirillov et al. 2023 (SAM), appendix A; Li et al. 2022 (ViTDet),
// section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct SamVitEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
  std::array<int64_t, 4> globalBlocks;
};

struct SamBlocks {
  int64_t numHeads, window;
  SmallVector<int64_t, 4> globalBlocks;
};
} // namespace

static constexpr SamVitEntry kSamVits[] = {
    {"samvit_base_patch16", 12, {2, 5, 8, 11}},
    {"samvit_base_patch16_224", 12, {2, 5, 8, 11}},
    {"samvit_huge_patch16", 16, {7, 15, 23, 31}},
    {"samvit_large_patch16", 16, {5, 11, 17, 23}},
};

static constexpr double kNormEps = 1e-5, kNeckNormEps = 1e-6;
static constexpr int64_t kWindow = 14;

/// Attention of the tokens of a map, or of windows, of this size.
static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, std::array<int64_t, 2> size,
                       int64_t numHeads) {
  auto [query, key, value] = layers.splitQkv(
      layers.linear(tokens, layer + ".qkv"), numHeads, layer + ".qkv");
  if (layers.contains(layer + ".q_norm.weight")) {
    query = layers.layerNorm(query, layer + ".q_norm", kNormEps);
    key = layers.layerNorm(key, layer + ".k_norm", kNormEps);
  }
  Value attended = layers.attendRelative(query, key, value, layer, size, size);
  return layers.linear(attended, layer + ".proj");
}

/// A map's tokens, those of windows with zeros where they leave the map.
static Value attendOnMap(TimmLayers &layers, Value tokens,
                         const std::string &layer, std::array<int64_t, 2> size,
                         const SamBlocks &blocks, bool inWindows) {
  if (!inWindows)
    return attention(layers, tokens, layer, size, blocks.numHeads);
  Value map = layers.toMap(tokens, size[0], size[1], layer);
  map = layers.inWindows(map, blocks.window, layer, [&](Value windows) {
    return attention(layers, windows, layer, {blocks.window, blocks.window},
                     blocks.numHeads);
  });
  return layers.toTokens(map, layer);
}

/// A norm, or two convolutions with one each.
static Value buildNeck(TimmLayers &layers, Value map) {
  if (!layers.contains("neck.0.weight"))
    return layers.contains("neck.weight")
               ? layers.mapNorm(map, "neck", kNeckNormEps)
               : map;
  for (int64_t i : {0, 2}) {
    std::string conv = "neck." + std::to_string(i);
    std::string norm = "neck." + std::to_string(i + 1);
    map = layers.conv(map, conv, /*steps=*/{}, /*bias=*/false);
    map = layers.mapNorm(map, norm, kNeckNormEps);
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  const SamVitEntry &entry = getTimmEntry(kSamVits, name);
  SamBlocks blocks;
  blocks.numHeads =
      layers.arguments.getSize("num_heads", entry.numHeads, kMaxWidth);
  blocks.window = layers.arguments.getSize("window_size", kWindow, kMaxPixels);
  blocks.globalBlocks = readTimmIndices(layers.arguments, "global_attn_indexes",
                                        entry.globalBlocks);
  Value map = layers.embedPatches(image, "patch_embed.proj");
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value tokens = layers.transpose(map, {0, 2, 3, 1}, "patch_embed");
  if (layers.contains("pos_embed"))
    tokens = layers.addWeight(tokens, "pos_embed");
  tokens = layers.reshape(tokens,
                          {size[0] * size[1], TimmLayers::getSize(tokens, 3)},
                          "patch_embed");
  if (layers.contains("norm_pre.weight"))
    tokens = layers.layerNorm(tokens, "norm_pre", kNormEps);
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens = layers.transformerBlock(
        tokens, "blocks." + std::to_string(i) + ".", kNormEps,
        [&](Value normed, const std::string &layer) {
          bool inWindows = !llvm::is_contained(blocks.globalBlocks, i);
          return attendOnMap(layers, normed, layer, size, blocks, inWindows);
        });
  map = buildNeck(layers, layers.toMap(tokens, size[0], size[1], "neck"));
  if (layers.contains("head.norm.weight"))
    return layers.normMlpHead(map, "head", kNeckNormEps);
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kArguments[] = {
    "global_attn_indexes", "img_size", "num_heads", "window_size"};
static constexpr StringLiteral kDecided[] = {"neck_chans", "use_abs_pos",
                                             "use_rel_pos"};

const TimmFamily import_::kSamVitFamily = {getTimmNames<kSamVits>,
                                           "patch_embed.proj.weight",
                                           "head.fc.weight",
                                           kMeanPooling,
                                           kArguments,
                                           kDecided,
                                           build};
