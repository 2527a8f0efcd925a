//===- Tnt.cpp - Transformer in transformer of timm -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small transformer for the pixels of each patch, whose result is added to
// the patch before a block of the transformer of patches.
// Source: Han et al. 2021 (TNT), section 2.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct TntEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
  /// Pixels come from a convolution of the picture, not of each patch; they are
  /// normed one by one, and what is added to a patch is not.
  bool legacy = false;
};
} // namespace

static constexpr TntEntry kTnts[] = {
    {"tnt_b_patch16_224", 10},
    {"tnt_s_legacy_patch16_224", 6, /*legacy=*/true},
    {"tnt_s_patch16_224", 6},
};

static constexpr double kNormEps = 1e-5;
static constexpr int64_t kInnerHeads = 4, kPatch = 16, kStride = 4;
/// Of a patch's map of pixels.
static constexpr int64_t kSide = kPatch / kStride;

/// LAYER.qk, LAYER.v and LAYER.proj.
static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, int64_t numHeads) {
  Value rows = layers.linear(tokens, layer + ".qk");
  std::optional<int64_t> width = layers.getPartWidth(rows, 2, layer + ".qk");
  if (!width)
    return {};
  auto part = [&](int64_t begin) {
    return layers.splitHeads(
        layers.slice(rows, 2, begin, *width, layer + ".qk"), numHeads,
        layer + ".qk");
  };
  Value value = layers.splitHeads(layers.linear(tokens, layer + ".v"), numHeads,
                                  layer + ".v");
  return layers.linear(layers.attend(part(0), part(*width), value, layer),
                       layer + ".proj");
}

static Value buildBlock(TimmLayers &layers, Value tokens,
                        const std::string &block, const std::string &kind,
                        const std::string &mlp, int64_t numHeads) {
  Value branch = layers.layerNorm(tokens, block + "norm_" + kind, kNormEps);
  branch = attention(layers, branch, block + "attn_" + kind, numHeads);
  tokens = layers.add(tokens, branch, block + "attn_" + kind);
  branch = layers.layerNorm(tokens, block + "norm_" + mlp, kNormEps);
  return layers.add(tokens, layers.mlp(branch, block + mlp), block + mlp);
}

/// The pixels [B * patches, 16, C] of all patches.
static Value embedPixels(TimmLayers &layers, Value image, bool legacy) {
  const std::string layer = "pixel_embed.proj";
  Value map = image;
  if (legacy) {
    map = layers.conv(map, layer, {kStride});
    map = layers.partition(map, {kSide, kSide}, /*grid=*/false, layer);
  } else {
    map = layers.partition(map, {kPatch, kPatch}, /*grid=*/false, layer);
    map = layers.toMap(map, kPatch, kPatch, layer);
    map = layers.toTokens(layers.conv(map, layer, {kStride}), layer);
  }
  if (!map)
    return {};
  onnx::TensorBuilder &b = layers.b;
  int64_t channels = TimmLayers::getSize(map, 2);
  Value positions = layers.parameter("pixel_pos", {1, channels, kSide, kSide});
  positions =
      b.transpose(b.reshape(positions, {channels, kSide * kSide}), {1, 0});
  return layers.addBroadcast(map, positions, layer);
}

/// What the pixels of each patch give, [B, patches, C]; those of a block of a
/// legacy model are normed one by one.
static Value projectPixels(TimmLayers &layers, Value pixels,
                           const std::string &block, int64_t numPatches,
                           bool normsEach) {
  const std::string norm = block + "norm1_proj";
  if (normsEach)
    pixels = layers.layerNorm(pixels, norm, kNormEps);
  pixels = layers.reshape(
      pixels, {numPatches, kSide * kSide * TimmLayers::getSize(pixels, 2)},
      norm);
  if (normsEach)
    return layers.linear(pixels, block + "proj");
  pixels = layers.layerNorm(pixels, norm, kNormEps);
  return layers.layerNorm(layers.linear(pixels, block + "proj"),
                          block + "norm2_proj", kNormEps);
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  const TntEntry &entry = getTimmEntry(kTnts, name);
  int64_t innerHeads =
      layers.arguments.getSize("num_heads_inner", kInnerHeads, kMaxWidth);
  int64_t outerHeads =
      layers.arguments.getSize("num_heads_outer", entry.numHeads, kMaxWidth);
  for (int64_t side : {2, 3})
    if (TimmLayers::getSize(image, side) % kPatch != 0)
      return layers.fail() << "pictures of " << TimmLayers::getHeight(image)
                           << "x" << TimmLayers::getWidth(image)
                           << "; patches of pixels need multiples of "
                           << kPatch;
  Value pixels = embedPixels(layers, image, entry.legacy);
  int64_t numPatches = TimmLayers::getHeight(image) / kPatch *
                       (TimmLayers::getWidth(image) / kPatch);
  Value tokens =
      projectPixels(layers, pixels, "", numPatches, /*normsEach=*/false);
  tokens = layers.addWeight(layers.prepend(tokens, "cls_token"), "patch_pos");
  int64_t depth = layers.count("blocks.", ".norm_in.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = "blocks." + std::to_string(i) + ".";
    pixels = buildBlock(layers, pixels, block, "in", "mlp_in", innerHeads);
    Value added =
        projectPixels(layers, pixels, block, numPatches, entry.legacy);
    Value patches = layers.add(layers.slice(tokens, 1, 1, numPatches, block),
                               added, block + "proj");
    tokens = layers.concat({layers.slice(tokens, 1, 0, 1, block), patches}, 1,
                           block);
    tokens = buildBlock(layers, tokens, block, "out", "mlp", outerHeads);
  }
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.poolTokens(tokens, pooling, 1, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads_inner",
                                               "num_heads_outer"};
static constexpr StringLiteral kDecided[] = {"inner_dim"};

const TimmFamily import_::kTntFamily = {getTimmNames<kTnts>,
                                        "pixel_embed.proj.weight",
                                        "head.weight",
                                        kTokenOrMeanPooling,
                                        kArguments,
                                        kDecided,
                                        build};
