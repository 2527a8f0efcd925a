//===- Pit.cpp - Pooling-based vision transformer of timm ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Transformers whose patches become a map between stages, which a depthwise
// convolution makes smaller and wider; class tokens go through a linear layer.
// Source: Heo et al. 2021 (PiT), section 3.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct PitEntry {
  llvm::StringLiteral name;
  int64_t headDim;
};
} // namespace

static constexpr PitEntry kPits[] = {
    {"pit_b_224", 64},
    {"pit_s_224", 48},
    {"pit_xs_224", 48},
    {"pit_ti_224", 32},
    {"pit_b_distilled_224", 64},
    {"pit_s_distilled_224", 48},
    {"pit_xs_distilled_224", 48},
    {"pit_ti_distilled_224", 32},
};

static constexpr double kNormEps = 1e-6;

static Value buildBlock(TimmLayers &layers, Value tokens,
                        const std::string &block, int64_t numHeads) {
  Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
  Value branch = layers.selfAttention(normed, block + "attn", numHeads);
  tokens = layers.add(tokens, branch, block + "attn");
  normed = layers.layerNorm(tokens, block + "norm2", kNormEps);
  return layers.add(tokens, layers.mlp(normed, block + "mlp"), block + "mlp");
}

/// All stages on a map [B, C, H, W]; the class tokens of the last.
static Value buildStages(TimmLayers &layers, Value map, ArrayRef<int64_t> heads,
                         int64_t headDim) {
  // That of the distilled head is behind the class token.
  Value tokens =
      layers.prepend(layers.toTokens(map, "pos_embed"), "cls_token",
                     /*count=*/layers.contains("head_dist.weight") ? 2 : 1);
  if (!tokens)
    return {};
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  int64_t numClassTokens = TimmLayers::getSize(tokens, 1) - height * width;
  int64_t numStages = layers.count("transformers.", ".blocks.0.norm1.weight");
  if (!heads.empty() && !layers.verifyStages("heads", heads, numStages))
    return {};
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "transformers." + std::to_string(i) + ".";
    if (i > 0) {
      std::string pool = stage + "pool.";
      Value patches = layers.slice(tokens, 1, numClassTokens, height * width,
                                   pool + "conv");
      Value before = layers.slice(tokens, 1, 0, numClassTokens, pool + "fc");
      map = layers.conv(layers.toMap(patches, height, width, pool + "conv"),
                        pool + "conv", {/*stride=*/2});
      height = TimmLayers::getHeight(map);
      width = TimmLayers::getWidth(map);
      tokens = layers.concat({layers.linear(before, pool + "fc"),
                              layers.toTokens(map, pool + "conv")},
                             1, stage);
    }
    int64_t channels = TimmLayers::getSize(tokens, 2);
    int64_t numHeads = heads.empty() ? channels / headDim : heads[i];
    int64_t depth = layers.count(stage + "blocks.", ".norm1.weight");
    for (int64_t j = 0; j < depth; ++j)
      tokens = buildBlock(layers, tokens,
                          stage + "blocks." + std::to_string(j) + ".",
                          std::max<int64_t>(numHeads, 1));
  }
  tokens = layers.slice(tokens, 1, 0, numClassTokens, "norm");
  return layers.layerNorm(tokens, "norm", kNormEps);
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  auto shape = layers.getWeightShape("patch_embed.conv.weight", 4);
  if (!shape)
    return {};
  // Patches overlap by half.
  int64_t stride = std::max<int64_t>((*shape)[2] / 2, 1);
  stride = layers.arguments.getSize("stride", stride, kMaxPixels);
  SmallVector<int64_t, 4> heads;
  if (layers.arguments.contains("heads"))
    heads = layers.arguments.getSizes("heads", {}, kMaxWidth);
  Value map = layers.conv(image, "patch_embed.conv", {stride, /*pad=*/0});
  Value tokens = buildStages(layers, layers.addWeight(map, "pos_embed"), heads,
                             getTimmEntry(kPits, name).headDim);
  Value first = layers.row(tokens, 0, "head");
  Value logits = layers.classify(first, "head");
  if (!layers.contains("head_dist.weight"))
    return logits;
  if (TimmLayers::getSize(tokens, 1) < 2)
    return layers.fail() << "tensor 'cls_token' has 1 token; 'head_dist' needs "
                            "a second one";
  Value second = layers.row(tokens, 1, "head_dist");
  return layers.average(logits, layers.classify(second, "head_dist"),
                        "head_dist");
}

static constexpr StringLiteral kPoolings[] = {"token"};
static constexpr StringLiteral kArguments[] = {"heads", "img_size", "stride"};
static constexpr StringLiteral kDecided[] = {"base_dims", "distilled",
                                             "mlp_ratio"};

const TimmFamily import_::kPitFamily = {getTimmNames<kPits>,
                                        "patch_embed.conv.weight",
                                        "head.weight",
                                        kPoolings,
                                        kArguments,
                                        kDecided,
                                        build};
