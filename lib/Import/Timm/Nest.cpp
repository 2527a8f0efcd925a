//===- Nest.cpp - NesT of timm --------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention within the blocks of a map, of which each level has a quarter as
// many, a convolution and a pool between levels.
// Source: Zhang et al. 2022 (NesT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct NestEntry {
  llvm::StringLiteral name;
  std::array<int64_t, 3> heads;
  /// Pads as TensorFlow does.
  bool same = false;
};
} // namespace

static constexpr NestEntry kNests[] = {
    {"nest_base", {4, 8, 16}},  {"nest_base_jx", {4, 8, 16}, /*same=*/true},
    {"nest_small", {3, 6, 12}}, {"nest_small_jx", {3, 6, 12}, /*same=*/true},
    {"nest_tiny", {3, 6, 12}},  {"nest_tiny_jx", {3, 6, 12}, /*same=*/true},
};

/// Each has half as many blocks along a side as the one before.
static constexpr int64_t kMaxLevels = 16;
static constexpr double kNormEps = 1e-6;

/// Of tokens [B * blocks, N, C]. What heads give stands side by side for each
/// of their channels, not a head behind the other.
static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, int64_t numHeads) {
  auto [query, key, value] = layers.splitQkv(
      layers.linear(tokens, layer + ".qkv"), numHeads, layer + ".qkv");
  Value attended = layers.attend(query, key, value, layer);
  int64_t length = TimmLayers::getSize(attended, 1),
          width = TimmLayers::getSize(attended, 2);
  attended =
      layers.reshape(attended, {length, numHeads, width / numHeads}, layer);
  attended = layers.transpose(attended, {0, 1, 3, 2}, layer);
  return layers.linear(layers.reshape(attended, {length, width}, layer),
                       layer + ".proj");
}

static Value buildBlock(TimmLayers &layers, Value tokens,
                        const std::string &block, int64_t numHeads) {
  Value branch = layers.layerNorm(tokens, block + "norm1", kNormEps);
  branch = attention(layers, branch, block + "attn", numHeads);
  tokens = layers.add(tokens, branch, block + "attn");
  branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  return layers.add(tokens, layers.mlp(branch, block + "mlp"), block + "mlp");
}

/// A map of `side` blocks along each of its sides.
static Value buildLevel(TimmLayers &layers, Value map, const std::string &level,
                        int64_t side, int64_t numHeads) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map),
          channels = TimmLayers::getSize(map, 1);
  if (map && (height % side != 0 || width % side != 0))
    return layers.fail() << "the picture's size leaves '" << level
                         << "pos_embed' a map of " << height << "x" << width
                         << "; its " << side << "x" << side
                         << " blocks need multiples of that";
  std::array<int64_t, 2> block = {height / side, width / side};
  int64_t length = block[0] * block[1];
  Value tokens = layers.partition(map, block, /*grid=*/false, level);
  tokens = layers.reshape(tokens, {side * side, length, channels}, level);
  tokens = layers.addWeight(tokens, level + "pos_embed");
  tokens = layers.reshape(tokens, {length, channels}, level);
  std::string blocks = level + "transformer_encoder.";
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens =
        buildBlock(layers, tokens, blocks + std::to_string(i) + ".", numHeads);
  return layers.unpartition(tokens, block, {height, width}, /*grid=*/false,
                            level);
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  const NestEntry &entry = getTimmEntry(kNests, name);
  SmallVector<int64_t, 4> heads =
      layers.arguments.getSizes("num_heads", entry.heads, kMaxWidth);
  int64_t numLevels =
      layers.count("levels.", ".transformer_encoder.0.norm1.weight");
  if (!layers.verifyStages("num_heads", heads, numLevels))
    return {};
  if (numLevels > kMaxLevels)
    return layers.fail() << "the weights have " << numLevels
                         << " levels; vitc imports at most " << kMaxLevels;
  TimmSteps whole, halve = {/*stride=*/2};
  whole.same = halve.same = entry.same;
  Value map = layers.embedPatches(image, "patch_embed.proj");
  for (int64_t i = 0; i < numLevels; ++i) {
    std::string level = "levels." + std::to_string(i) + ".";
    if (i > 0) {
      map = layers.conv(map, level + "pool.conv", whole);
      map = layers.mapNorm(map, level + "pool.norm", kNormEps);
      map = layers.maxPool(map, level + "pool", /*kernel=*/3, halve);
    }
    map = buildLevel(layers, map, level, int64_t(1) << (numLevels - 1 - i),
                     heads[i]);
  }
  map = layers.mapNorm(map, "norm", kNormEps);
  return layers.classify(layers.mean(map, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"embed_dims", "num_levels"};

const TimmFamily import_::kNestFamily = {getTimmNames<kNests>,
                                         "patch_embed.proj.weight",
                                         "head.weight",
                                         kMeanPooling,
                                         kArguments,
                                         kDecided,
                                         build};
