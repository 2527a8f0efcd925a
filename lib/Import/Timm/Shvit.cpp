//===- Shvit.cpp - SHViT of timm ------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Depthwise convolutions and MLPs; in the later stages attention with one head
// for some of the channels. Source: Yun and Ro 2024 (SHViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"
#include "SandwichBlocks.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kShvits[] = {
    {"shvit_s1"}, {"shvit_s2"}, {"shvit_s3"}, {"shvit_s4"}};

/// What layers call their convolutions.
static constexpr StringLiteral kConv = "c";
static constexpr SandwichNames kDownsample = {"0", "1", "2", "3", "4"};

/// The first channels, as many as LAYER.pre_norm has, attend.
static Value addAttention(TimmLayers &layers, Value map,
                          const std::string &block) {
  std::string layer = block + ".m.";
  auto shape = layers.getWeightShape(layer + "pre_norm.weight", 1);
  if (!map || !shape)
    return {};
  int64_t valueDim = shape->front(), channels = TimmLayers::getSize(map, 1);
  if (valueDim >= channels)
    return layers.fail() << "'" << layer << "pre_norm' has a width of "
                         << valueDim << "; it needs to leave some of "
                         << channels << " channels";
  Value part = layers.slice(map, 1, 0, valueDim, layer + "pre_norm");
  Value rest = layers.slice(map, 1, valueDim, channels - valueDim, layer);
  Value rows = layers.convNorm(layers.groupNorm(part, layer + "pre_norm"),
                               layer + "qkv", TimmActivation::None,
                               /*stride=*/1, kConv);
  int64_t keyDim = (TimmLayers::getSize(rows, 1) - valueDim) / 2;
  auto parts =
      layers.splitByHead(layers.toTokens(rows, layer + "qkv"), /*numHeads=*/1,
                         {keyDim, keyDim, valueDim}, layer + "qkv");
  Value attended = layers.attend(parts[0], parts[1], parts[2], layer);
  attended = layers.toMap(attended, TimmLayers::getHeight(map),
                          TimmLayers::getWidth(map), layer);
  Value merged = layers.activate(layers.concat({attended, rest}, 1, layer),
                                 TimmActivation::Relu, layer + "proj.0");
  merged = layers.convNorm(merged, layer + "proj.1", TimmActivation::None,
                           /*stride=*/1, kConv);
  return layers.add(map, merged, block);
}

static Value buildStage(TimmLayers &layers, Value map,
                        const std::string &stage) {
  map = downsampleSandwich(layers, map, stage + "downsample.", kDownsample,
                           kConv);
  int64_t depth = layers.count(stage + "blocks.", ".conv.m.c.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    map = addSandwichConv(layers, map, block + "conv", kConv);
    if (layers.contains(block + "mixer.m.qkv.c.weight"))
      map = addAttention(layers, map, block + "mixer");
    map = addSandwichMlp(layers, map, block + "ffn", kConv);
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  // Activations have numbers, too.
  Value map = image;
  for (int64_t i = 0; i <= 6; i += 2)
    map = layers.convNorm(map, "patch_embed." + std::to_string(i),
                          i < 6 ? TimmActivation::Relu : TimmActivation::None,
                          /*stride=*/2, kConv);
  int64_t numStages = layers.count("stages.", ".blocks.0.conv.m.c.weight");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".");
  Value features = layers.mean(map, "head");
  if (!layers.contains("head.l.weight"))
    return features;
  return layers.linear(layers.batchNorm(features, "head.bn"), "head.l");
}

static constexpr StringLiteral kDecided[] = {"partial_dim", "qk_dim", "types"};

const TimmFamily import_::kShvitFamily = {getTimmNames<kShvits>,
                                          "patch_embed.0.c.weight",
                                          "head.l.weight",
                                          kMeanPooling,
                                          /*arguments=*/{},
                                          kDecided,
                                          build};
