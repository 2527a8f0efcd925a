//===- EdgeNext.cpp - EdgeNeXt of timm ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of ConvNeXt; at the end of the later stages depthwise convolutions of
// the channels' parts, one after the other, and attention between channels.
// Source: Maaz et al. 2022 (EdgeNeXt), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "XcitBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kEdgeNexts[] = {{"edgenext_base"},
                                          {"edgenext_small"},
                                          {"edgenext_small_rw"},
                                          {"edgenext_x_small"},
                                          {"edgenext_xx_small"}};

static constexpr double kNormEps = 1e-6;

/// The block's MLP behind its norm, [B, N, C] back to a map, to `shortcut`.
static Value addMlp(TimmLayers &layers, Value shortcut, Value tokens,
                    const std::string &block) {
  Value branch = layers.layerNorm(tokens, block + "norm", kNormEps);
  branch = layers.scale(layers.mlp(branch, block + "mlp"), block + "gamma");
  branch = layers.toMap(branch, TimmLayers::getHeight(shortcut),
                        TimmLayers::getWidth(shortcut), block + "mlp");
  return layers.add(shortcut, branch, block + "mlp");
}

static Value convBlock(TimmLayers &layers, Value map, const std::string &block,
                       int64_t stride) {
  Value shortcut = map;
  map = layers.conv(map, block + "conv_dw", {stride});
  // One that changes the map's size or width is its own shortcut.
  if (map && map.getType() != shortcut.getType())
    shortcut = map;
  return addMlp(layers, shortcut, layers.toTokens(map, block + "conv_dw"),
                block);
}

/// Waves of each place through a linear layer.
static Value addPositions(TimmLayers &layers, Value tokens, int64_t height,
                          int64_t width, const std::string &layer) {
  onnx::TensorBuilder &b = layers.b;
  b.setLoc(layers.layers.getLoc(layer));
  auto type =
      RankedTensorType::get({1, height * width, kFourierWidth}, b.getF32Type());
  Value waves = arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             type, ArrayRef<float>(getFourierPositions(height, width))));
  return layers.addBroadcast(tokens, layers.linear(waves, layer), layer);
}

/// Each part of the channels but the last is convolved together with what came
/// of the one before it.
static Value convolveParts(TimmLayers &layers, Value map,
                           const std::string &block) {
  std::string convs = block + "convs.";
  auto shape = layers.getWeightShape(convs + "0.weight", 4);
  if (!map || !shape)
    return {};
  int64_t width = (*shape)[0], channels = TimmLayers::getSize(map, 1);
  int64_t numConvs = layers.count(convs, ".weight");
  if (numConvs * width >= channels)
    return layers.fail() << "'" << convs << "' are " << numConvs
                         << " convolutions of " << width
                         << " channels; they need to leave some of "
                         << channels;
  SmallVector<Value> parts;
  for (int64_t i = 0; i < numConvs; ++i) {
    std::string conv = convs + std::to_string(i);
    Value part = layers.slice(map, 1, i * width, width, conv);
    if (i > 0)
      part = layers.add(parts.back(), part, conv);
    parts.push_back(layers.conv(part, conv));
  }
  int64_t begin = numConvs * width;
  parts.push_back(layers.slice(map, 1, begin, channels - begin, convs));
  return layers.concat(parts, 1, convs);
}

static Value attentionBlock(TimmLayers &layers, Value map,
                            const std::string &block) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value tokens =
      layers.toTokens(convolveParts(layers, map, block), block + "convs");
  std::string positions = block + "pos_embd.token_projection";
  if (layers.contains(positions + ".weight"))
    tokens = addPositions(layers, tokens, height, width, positions);
  Value branch = layers.layerNorm(tokens, block + "norm_xca", kNormEps);
  branch = layers.scale(layers.crossCovariance(branch, block + "xca"),
                        block + "gamma_xca");
  tokens = layers.add(tokens, branch, block + "xca");
  return addMlp(layers, map, tokens, block);
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        bool isFirst) {
  std::string downsample = stage + "downsample.";
  bool downsamples = layers.contains(downsample + "1.weight");
  if (downsamples) {
    map = layers.mapNorm(map, downsample + "0", kNormEps);
    map = layers.conv(map, downsample + "1", {/*stride=*/2, /*pad=*/0},
                      layers.contains(downsample + "1.bias"));
  }
  int64_t depth = layers.count(stage + "blocks.", ".norm.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    if (layers.contains(block + "xca.qkv.weight"))
      map = attentionBlock(layers, map, block);
    else
      map = convBlock(layers, map, block,
                      i == 0 && !isFirst && !downsamples ? 2 : 1);
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  auto shape = layers.getWeightShape("stem.0.weight", 4);
  if (!shape)
    return {};
  // Patches, or windows that overlap.
  int64_t pad = (*shape)[2] % 2 == 0 ? 0 : (*shape)[2] / 2;
  Value map = layers.conv(image, "stem.0", {/*stride=*/4, pad},
                          layers.contains("stem.0.bias"));
  map = layers.mapNorm(map, "stem.1", kNormEps);
  int64_t numStages = layers.count("stages.", ".blocks.0.norm.weight");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".",
                     /*isFirst=*/i == 0);
  if (layers.contains("head.norm.weight"))
    return layers.normMlpHead(map, "head", kNormEps);
  map = layers.mapNorm(map, "norm_pre", kNormEps);
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kDecided[] = {
    "conv_bias",        "d2_scales",    "dims",
    "downsample_block", "expand_ratio", "global_block_counts",
    "head_norm_first",  "heads",        "kernel_sizes",
    "ls_init_value",    "stem_type",    "use_pos_emb"};

const TimmFamily import_::kEdgeNextFamily = {getTimmNames<kEdgeNexts>,
                                             "stem.0.weight",
                                             "head.fc.weight",
                                             kMeanPooling,
                                             /*arguments=*/{},
                                             kDecided,
                                             build};
