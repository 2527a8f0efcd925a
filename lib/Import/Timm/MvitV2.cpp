//===- MvitV2.cpp - MViT v2 of timm ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose queries, keys and values are maps that depthwise convolutions
// make smaller, the same filters for each head, and whose scores gain the
// queries' products with positions.
// Source: Li et al. 2022 (MViTv2), section 4.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kMvitV2s[] = {
    {"mvitv2_base"}, {"mvitv2_large"}, {"mvitv2_small"}, {"mvitv2_tiny"}};

/// With a class token.
static constexpr TimmName kMvitV2Classes[] = {{"mvitv2_base_cls"},
                                              {"mvitv2_huge_cls"},
                                              {"mvitv2_large_cls"},
                                              {"mvitv2_small_cls"}};

static constexpr double kNormEps = 1e-6;
/// How much smaller keys and values are than the first stage's map.
static constexpr int64_t kKeyStride = 4;

namespace {

class MvitV2Builder {
public:
  explicit MvitV2Builder(TimmLayers &layers)
      : layers(layers), numPrefix(layers.contains("cls_token") ? 1 : 0) {}
  Value build(StringRef pooling, Value image);

private:
  /// `pool` of the tokens behind the prefix as a map, [N, tokens, C]; their
  /// grid becomes `size`.
  Value poolMap(Value tokens, std::array<int64_t, 2> &size,
                const std::string &layer, function_ref<Value(Value)> pool);
  /// The heads [B, H, tokens, D], pooled by LAYER.pool_PART and normed.
  Value poolHeads(Value heads, const std::string &layer, const char *part,
                  int64_t stride, std::array<int64_t, 2> &size);
  Value attention(Value tokens, const std::string &layer, int64_t stride,
                  int64_t keyStride);
  Value buildBlock(Value tokens, const std::string &block, int64_t stride,
                   int64_t keyStride);

  TimmLayers &layers;
  int64_t numPrefix;
  /// Of the tokens' grid, height and width.
  std::array<int64_t, 2> grid = {1, 1};
};

} // namespace

Value MvitV2Builder::poolMap(Value tokens, std::array<int64_t, 2> &size,
                             const std::string &layer,
                             function_ref<Value(Value)> pool) {
  if (!tokens)
    return {};
  Value places = layers.slice(tokens, 1, numPrefix, size[0] * size[1], layer);
  Value map = pool(layers.toMap(places, size[0], size[1], layer));
  size = {TimmLayers::getHeight(map), TimmLayers::getWidth(map)};
  Value pooled = layers.toTokens(map, layer);
  if (numPrefix == 0)
    return pooled;
  return layers.concat({layers.slice(tokens, 1, 0, numPrefix, layer), pooled},
                       1, layer);
}

Value MvitV2Builder::poolHeads(Value heads, const std::string &layer,
                               const char *part, int64_t stride,
                               std::array<int64_t, 2> &size) {
  int64_t numHeads = TimmLayers::getSize(heads, 1),
          headDim = TimmLayers::getSize(heads, 3);
  std::string pool = layer + ".pool_" + part;
  Value rows =
      layers.reshape(heads, {TimmLayers::getSize(heads, 2), headDim}, pool);
  rows = poolMap(rows, size, pool, [&](Value map) {
    Value pooled = layers.conv(map, pool, {stride}, /*bias=*/false);
    if (pooled && TimmLayers::getSize(pooled, 1) != headDim)
      return Value(layers.fail() << "'" << pool << "' gives "
                                 << TimmLayers::getSize(pooled, 1)
                                 << " channels; heads need " << headDim);
    return pooled;
  });
  heads = layers.reshape(
      rows, {numHeads, TimmLayers::getSize(rows, 1), headDim}, pool);
  return layers.layerNorm(heads, layer + ".norm_" + part, kNormEps);
}

Value MvitV2Builder::attention(Value tokens, const std::string &layer,
                               int64_t stride, int64_t keyStride) {
  auto pool = layers.getWeightShape(layer + ".pool_q.weight", 4);
  Value rows = layers.linear(tokens, layer + ".qkv");
  if (!pool || !rows)
    return {};
  int64_t width = TimmLayers::getSize(rows, 2) / 3;
  int64_t numHeads = std::max<int64_t>(width / (*pool)[0], 1);
  auto [query, key, value] = layers.splitQkv(rows, numHeads, layer + ".qkv");
  std::array<int64_t, 2> querySize = grid, keySize = grid, valueSize = grid;
  query = poolHeads(query, layer, "q", stride, querySize);
  key = poolHeads(key, layer, "k", keyStride, keySize);
  value = poolHeads(value, layer, "v", keyStride, valueSize);
  Value attended = layers.attendRelative(query, key, value, layer, querySize,
                                         keySize, numPrefix);
  if (!attended)
    return {};
  Value residual = layers.transpose(query, {0, 2, 1, 3}, layer);
  residual = layers.reshape(
      residual, {TimmLayers::getSize(query, 2), numHeads * (*pool)[0]}, layer);
  return layers.linear(layers.add(attended, residual, layer), layer + ".proj");
}

Value MvitV2Builder::buildBlock(Value tokens, const std::string &block,
                                int64_t stride, int64_t keyStride) {
  std::string layer = block + "attn", projection = block + "shortcut_proj_attn";
  Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
  Value shortcut = layers.contains(projection + ".weight")
                       ? layers.linear(normed, projection)
                       : tokens;
  std::array<int64_t, 2> size = grid;
  if (stride > 1)
    shortcut = poolMap(shortcut, size, layer, [&](Value map) {
      return layers.maxPool(map, layer, stride + 1, {stride});
    });
  Value branch = attention(normed, layer, stride, keyStride);
  grid = size;
  tokens = layers.add(shortcut, branch, layer);
  normed = layers.layerNorm(tokens, block + "norm2", kNormEps);
  projection = block + "shortcut_proj_mlp";
  shortcut = layers.contains(projection + ".weight")
                 ? layers.linear(normed, projection)
                 : tokens;
  return layers.add(shortcut, layers.mlp(normed, block + "mlp"), block + "mlp");
}

Value MvitV2Builder::build(StringRef pooling, Value image) {
  Value map = layers.conv(image, "patch_embed.proj", {/*stride=*/4});
  grid = {TimmLayers::getHeight(map), TimmLayers::getWidth(map)};
  Value tokens = layers.toTokens(map, "patch_embed");
  if (numPrefix > 0)
    tokens = layers.prepend(tokens, "cls_token");
  int64_t numStages = layers.count("stages.", ".blocks.0.norm1.weight");
  int64_t keyStride = kKeyStride;
  for (int64_t i = 0; i < numStages; ++i) {
    std::string blocks = "stages." + std::to_string(i) + ".blocks.";
    int64_t depth = layers.count(blocks, ".norm1.weight");
    if (i > 0)
      keyStride = std::max<int64_t>(keyStride / 2, 1);
    for (int64_t j = 0; j < depth; ++j)
      tokens = buildBlock(tokens, blocks + std::to_string(j) + ".",
                          /*stride=*/i > 0 && j == 0 ? 2 : 1, keyStride);
  }
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.poolTokens(tokens, pooling, numPrefix, "head"),
                         "head.fc");
}

static Value build(TimmLayers &layers, StringRef /*name*/, StringRef pooling,
                   Value image) {
  return MvitV2Builder(layers).build(pooling, image);
}

static constexpr StringLiteral kArguments[] = {"img_size"};

const TimmFamily import_::kMvitV2Family = {getTimmNames<kMvitV2s>,
                                           "patch_embed.proj.weight",
                                           "head.fc.weight",
                                           kMeanPooling,
                                           kArguments,
                                           /*decided=*/{},
                                           build};

const TimmFamily import_::kMvitV2ClassFamily = {getTimmNames<kMvitV2Classes>,
                                                "patch_embed.proj.weight",
                                                "head.fc.weight",
                                                kTokenOrMeanPooling,
                                                kArguments,
                                                /*decided=*/{},
                                                build};
