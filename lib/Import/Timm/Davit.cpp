//===- Davit.cpp - DaViT of timm -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks in pairs: attention between the tokens of windows, then between the
// channels of all tokens, each with depthwise convolutions before its parts.
// Source: Ding et al. 2022 (DaViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct DavitEntry {
  llvm::StringLiteral name;
  int64_t window = 7;
  /// The image towers of Florence-2.
  bool florence = false;
};
} // namespace

static constexpr DavitEntry kDavits[] = {
    {"davit_base"},
    {"davit_base_fl", 12, /*florence=*/true},
    {"davit_giant"},
    {"davit_huge"},
    {"davit_huge_fl", 12, /*florence=*/true},
    {"davit_large"},
    {"davit_small"},
    {"davit_tiny"},
};

static constexpr double kNormEps = 1e-5;
/// Of every published size.
static constexpr int64_t kHeadDim = 32;
static constexpr int64_t kStemStride = 4;

namespace {

class DavitBuilder {
public:
  DavitBuilder(TimmLayers &layers, const DavitEntry &entry)
      : layers(layers), entry(entry),
        window(
            layers.arguments.getSize("window_size", entry.window, kMaxPixels)) {
    if (layers.arguments.contains("num_heads"))
      heads = layers.arguments.getSizes("num_heads", {}, kMaxWidth);
  }

  Value build(Value image);

private:
  /// The map with zeros up to multiples of `side`.
  Value align(Value map, int64_t side, const std::string &layer) {
    return layers.padMap(map, llvm::alignTo(TimmLayers::getHeight(map), side),
                         llvm::alignTo(TimmLayers::getWidth(map), side), layer);
  }
  Value downsample(Value map, const std::string &layer);
  Value addPositions(Value map, const std::string &layer) {
    return layers.add(map, layers.conv(map, layer + ".proj"), layer);
  }
  Value channelAttention(Value tokens, const std::string &layer,
                         int64_t numHeads);
  Value buildBlock(Value map, const std::string &block, int64_t numHeads,
                   bool ofChannels);

  TimmLayers &layers;
  const DavitEntry &entry;
  int64_t window;
  /// Of each stage; empty: as many as its width tells.
  SmallVector<int64_t, 4> heads;
};

} // namespace

Value DavitBuilder::downsample(Value map, const std::string &layer) {
  auto shape = layers.getWeightShape(layer + "conv.weight", 4);
  if (!shape)
    return {};
  map = layers.mapNorm(map, layer + "norm", kNormEps);
  int64_t kernel = (*shape)[2];
  if (kernel % 2 != 0)
    return layers.conv(map, layer + "conv", {/*stride=*/2});
  return layers.conv(align(map, kernel, layer), layer + "conv",
                     {/*stride=*/2, /*pad=*/0});
}

Value DavitBuilder::channelAttention(Value tokens, const std::string &layer,
                                     int64_t numHeads) {
  auto [query, key, value] =
      layers.splitQkv(layers.linear(tokens, layer + ".qkv"), numHeads, layer);
  double ofTokens = 1.0 / std::sqrt(double(TimmLayers::getSize(query, 2)));
  double ofChannels = 1.0 / std::sqrt(double(TimmLayers::getSize(query, 3)));
  // Keys ask values for queries, but in Florence-2's.
  Value merged =
      entry.florence
          ? layers.attendChannels(query, key, value, ofTokens, layer)
          : layers.attendChannels(key, value, query, ofChannels, layer);
  return layers.linear(merged, layer + ".proj");
}

Value DavitBuilder::buildBlock(Value map, const std::string &block,
                               int64_t numHeads, bool ofChannels) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  map = addPositions(map, block + "cpe1");
  std::string layer = block + "attn";
  Value tokens = layers.toTokens(map, layer);
  Value branch = layers.layerNorm(tokens, block + "norm1", kNormEps);
  if (ofChannels) {
    branch = channelAttention(branch, layer, numHeads);
  } else {
    branch = layers.inWindows(layers.toMap(branch, height, width, layer),
                              window, layer, [&](Value windows) {
                                return layers.selfAttention(windows, layer,
                                                            numHeads);
                              });
    branch = layers.toTokens(branch, layer);
  }
  tokens = layers.add(tokens, branch, layer);
  map = layers.toMap(tokens, height, width, layer);
  map = addPositions(map, block + "cpe2");
  if (!layers.contains(block + "norm2.weight"))
    return map;
  tokens = layers.toTokens(map, block + "mlp");
  branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  tokens = layers.add(tokens, layers.mlp(branch, block + "mlp"), block + "mlp");
  return layers.toMap(tokens, height, width, block + "mlp");
}

Value DavitBuilder::build(Value image) {
  Value map = layers.conv(align(image, kStemStride, "stem.conv"), "stem.conv",
                          {kStemStride});
  map = layers.mapNorm(map, "stem.norm", kNormEps);
  std::string spatial = entry.florence ? ".spatial_block." : ".0.";
  std::string channel = entry.florence ? ".channel_block." : ".1.";
  int64_t numStages =
      layers.count("stages.", ".blocks.0" + spatial + "norm1.weight");
  if (!heads.empty() && !layers.verifyStages("num_heads", heads, numStages))
    return {};
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    std::string blocks = stage + "blocks.";
    if (layers.contains(stage + "downsample.norm.weight"))
      map = downsample(map, stage + "downsample.");
    int64_t numHeads =
        heads.empty() ? TimmLayers::getSize(map, 1) / kHeadDim : heads[i];
    numHeads = std::max<int64_t>(numHeads, 1);
    int64_t depth = layers.count(blocks, spatial + "norm1.weight");
    for (int64_t j = 0; j < depth; ++j) {
      std::string block = blocks + std::to_string(j);
      map = buildBlock(map, block + spatial, numHeads, /*ofChannels=*/false);
      map = buildBlock(map, block + channel, numHeads, /*ofChannels=*/true);
    }
  }
  return layers.normMlpHead(map, "head", kNormEps);
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  return DavitBuilder(layers, getTimmEntry(kDavits, name)).build(image);
}

static constexpr StringLiteral kArguments[] = {"num_heads", "window_size"};
static constexpr StringLiteral kDecided[] = {"down_kernel_size", "embed_dims",
                                             "ffn"};

const TimmFamily import_::kDavitFamily = {getTimmNames<kDavits>,
                                          "stem.conv.weight",
                                          "head.fc.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          build};
