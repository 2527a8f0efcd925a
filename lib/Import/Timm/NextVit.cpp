//===- NextVit.cpp - Next-ViT of timm -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped convolutions; at the end of the later stages attention whose keys are
// means of tokens, and a convolution of as many more channels beside it.
// Source: Li et al. 2022 (Next-ViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kNextVits[] = {
    {"nextvit_small"}, {"nextvit_base"}, {"nextvit_large"}};

/// Of every published size.
static constexpr int64_t kReductions[] = {8, 4, 2, 1};
static constexpr int64_t kHeadDim = 32;

/// A projection where the file has one, for a stride of 2 of the mean of each
/// window of 2x2.
static Value embed(TimmLayers &layers, Value map, const std::string &layer,
                   int64_t stride = 1) {
  if (stride > 1)
    map = layers.averagePool(map, layer + "pool", /*kernel=*/2,
                             {stride, /*pad=*/std::nullopt, /*same=*/true});
  if (!layers.contains(layer + "conv.weight"))
    return map;
  return layers.convNorm(map, layer + "conv", layer + "norm");
}

static Value addConv(TimmLayers &layers, Value map, const std::string &layer) {
  Value branch = layers.convNorm(map, layer + "group_conv3x3", layer + "norm",
                                 TimmActivation::Relu);
  return layers.add(map, layers.conv(branch, layer + "projection"), layer);
}

static Value addMlp(TimmLayers &layers, Value map, const std::string &block,
                    const std::string &norm) {
  std::string mlp = block + "mlp";
  Value branch = layers.conv(layers.batchNorm(map, block + norm), mlp + ".fc1");
  branch = layers.activate(branch, TimmActivation::Relu, mlp + ".act");
  return layers.add(map, layers.conv(branch, mlp + ".fc2"), mlp);
}

/// The means of `count` tokens each, without what is left at the end.
static Value poolTokens(TimmLayers &layers, Value tokens, int64_t count,
                        const std::string &layer) {
  int64_t width = TimmLayers::getSize(tokens, 2);
  int64_t pooled = TimmLayers::getSize(tokens, 1) / count;
  if (tokens && pooled < 1)
    return layers.fail() << "the picture's size leaves '" << layer << "' "
                         << TimmLayers::getSize(tokens, 1)
                         << " tokens; it needs " << count << " or more";
  tokens = layers.slice(tokens, 1, 0, pooled * count, layer);
  Value means =
      layers.meanTokens(layers.reshape(tokens, {count, width}, layer), layer);
  return layers.reshape(means, {pooled, width}, layer);
}

static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, int64_t reduction) {
  Value others = tokens;
  if (layers.contains(layer + ".norm.weight")) {
    others = poolTokens(layers, tokens, reduction * reduction, layer + ".sr");
    others = layers.batchNorm(others, layer + ".norm");
  }
  int64_t width = TimmLayers::getSize(tokens, 2);
  if (tokens && width % kHeadDim != 0)
    return layers.fail() << "'" << layer << "' has a width of " << width
                         << "; heads of " << kHeadDim
                         << " need a multiple of that";
  return layers.attendTo(tokens, others, layer, width / kHeadDim);
}

static Value attentionBlock(TimmLayers &layers, Value map,
                            const std::string &block, int64_t stride,
                            int64_t reduction) {
  map = embed(layers, map, block + "patch_embed.", stride);
  std::string layer = block + "e_mhsa";
  Value normed = layers.batchNorm(map, block + "norm1");
  Value branch =
      attention(layers, layers.toTokens(normed, layer), layer, reduction);
  branch = layers.toMap(branch, TimmLayers::getHeight(map),
                        TimmLayers::getWidth(map), layer);
  map = layers.add(map, branch, layer);
  Value convolved = embed(layers, map, block + "projection.");
  convolved = addConv(layers, convolved, block + "mhca.");
  map = layers.concat({map, convolved}, 1, block + "mhca");
  return addMlp(layers, map, block, "norm2");
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        int64_t stride, int64_t reduction) {
  int64_t depth = layers.count(stage + "blocks.", ".mlp.fc1.weight");
  for (int64_t i = 0; i < depth; ++i, stride = 1) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    if (layers.contains(block + "e_mhsa.q.weight")) {
      map = attentionBlock(layers, map, block, stride, reduction);
      continue;
    }
    map = embed(layers, map, block + "patch_embed.", stride);
    map = addConv(layers, map, block + "mhca.");
    map = addMlp(layers, map, block, "norm");
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  int64_t numStages = layers.count("stages.", ".blocks.0.mlp.fc1.weight");
  SmallVector<int64_t, 4> reductions =
      layers.arguments.getSizes("sr_ratios", kReductions, kMaxWidth);
  if (!layers.verifyStages("sr_ratios", reductions, numStages))
    return {};
  Value map = image;
  for (int64_t i = 0; i < 4; ++i) {
    std::string layer = "stem." + std::to_string(i);
    map = layers.convNorm(map, layer + ".conv", layer + ".norm",
                          TimmActivation::Relu, {i == 0 || i == 3 ? 2 : 1});
  }
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".",
                     i == 0 ? 1 : 2, reductions[i]);
  map = layers.batchNorm(map, "norm");
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kArguments[] = {"sr_ratios"};
static constexpr StringLiteral kDecided[] = {"mix_block_ratio", "stem_chs"};

const TimmFamily import_::kNextVitFamily = {getTimmNames<kNextVits>,
                                            "stem.0.conv.weight",
                                            "head.fc.weight",
                                            kMeanPooling,
                                            kArguments,
                                            kDecided,
                                            build};
