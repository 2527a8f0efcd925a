//===- EfficientVitMsra.cpp - EfficientViT of MSRA in timm ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between MLPs and depthwise convolutions attention in windows, whose heads see
// a part of the channels each, to which is added what the head before gave.
// Source: Liu et al. 2023 (EfficientViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"
#include "SandwichBlocks.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kEfficientVits[] = {
    {"efficientvit_m0"}, {"efficientvit_m1"}, {"efficientvit_m2"},
    {"efficientvit_m3"}, {"efficientvit_m4"}, {"efficientvit_m5"}};

/// What layers call their convolutions.
static constexpr StringLiteral kConv = "conv";
static constexpr SandwichNames kDownsample = {"res1.0", "res1.1", "patchmerge",
                                              "res2.0", "res2.1"};

/// One head of the windows [B * windows, C / heads, side, side]; the same of
/// its values.
static Value attend(TimmLayers &layers, Value map, Value bias, int64_t head,
                    const std::string &layer) {
  std::string number = std::to_string(head);
  std::string convolved = layer + "dws." + number;
  Value rows = layers.convNorm(map, layer + "qkvs." + number);
  auto shape = layers.getWeightShape(convolved + ".conv.weight", 4);
  if (!rows || !shape)
    return {};
  int64_t keyDim = (*shape)[0];
  int64_t valueDim = TimmLayers::getSize(rows, 1) - 2 * keyDim;
  if (valueDim < 1)
    return layers.fail() << "'" << layer << "qkvs." << number
                         << "' has a width of " << TimmLayers::getSize(rows, 1)
                         << "; its query and key have " << keyDim << " each";
  auto part = [&](int64_t begin, int64_t size) {
    return layers.slice(rows, 1, begin, size, layer);
  };
  auto split = [&](Value part) {
    return layers.splitHeads(layers.toTokens(part, layer), /*numHeads=*/1,
                             layer);
  };
  Value query = layers.convNorm(part(0, keyDim), convolved);
  Value attended =
      layers.attend(split(query), split(part(keyDim, keyDim)),
                    split(part(2 * keyDim, valueDim)), layer,
                    layers.slice(bias, 1, head, 1, layer + "attention_biases"));
  return layers.toMap(attended, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), layer);
}

/// Attention in windows, whose side the number of distances tells.
static Value addAttention(TimmLayers &layers, Value map,
                          const std::string &block) {
  const std::string layer = block + "m.attn.";
  const std::string biases = layer + "attention_biases";
  std::optional<int64_t> windowSide = layers.getDistanceSide(biases);
  if (!map || !windowSide)
    return {};
  int64_t side = *windowSide;
  Value bias = layers.distanceBias(biases, side, side);
  int64_t numHeads = TimmLayers::getSize(bias, 1),
          channels = TimmLayers::getSize(map, 1);
  if (channels % numHeads != 0)
    return layers.fail() << "'" << layer << "' has a width of " << channels
                         << ", no multiple of its " << numHeads << " heads";
  int64_t width = channels / numHeads;
  Value branch = layers.inWindows(map, side, block, [&](Value tokens) {
    Value window = layers.toMap(tokens, side, side, layer);
    SmallVector<Value> heads;
    for (int64_t i = 0; i < numHeads; ++i) {
      Value part = layers.slice(window, 1, i * width, width, layer);
      if (i > 0)
        part = layers.add(heads.back(), part, layer);
      heads.push_back(attend(layers, part, bias, i, layer));
    }
    Value merged = layers.activate(layers.concat(heads, 1, layer),
                                   TimmActivation::Relu, layer + "proj.0");
    return layers.toTokens(layers.convNorm(merged, layer + "proj.1"), layer);
  });
  return layers.add(map, branch, block + "m");
}

static Value buildStage(TimmLayers &layers, Value map,
                        const std::string &stage) {
  map = downsampleSandwich(layers, map, stage + "downsample.", kDownsample,
                           kConv);
  int64_t depth = layers.count(stage + "blocks.", ".dw0.m.conv.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    map = addSandwichConv(layers, map, block + "dw0", kConv);
    map = addSandwichMlp(layers, map, block + "ffn0", kConv);
    map = addAttention(layers, map, block + "mixer.");
    map = addSandwichConv(layers, map, block + "dw1", kConv);
    map = addSandwichMlp(layers, map, block + "ffn1", kConv);
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = image;
  for (int64_t i = 1; i <= 4; ++i)
    map = layers.convNorm(map, "patch_embed.conv" + std::to_string(i),
                          i < 4 ? TimmActivation::Relu : TimmActivation::None,
                          /*stride=*/2);
  int64_t numStages = layers.count("stages.", ".blocks.0.dw0.m.conv.weight");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".");
  Value features = layers.mean(map, "head");
  if (!layers.contains("head.linear.weight"))
    return features;
  return layers.linear(layers.batchNorm(features, "head.bn"), "head.linear");
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {"key_dim", "kernels", "num_heads",
                                             "window_size"};

const TimmFamily import_::kEfficientVitMsraFamily = {
    getTimmNames<kEfficientVits>,
    "patch_embed.conv1.conv.weight",
    "head.linear.weight",
    kMeanPooling,
    kArguments,
    kDecided,
    build};
