//===- MaxxVit.cpp - CoAtNet and MaxViT of timm --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverted bottlenecks or ConvNeXt blocks, then attention: of the whole map in
// CoAtNet, of its windows and of a grid in MaxViT.
// Source: Dai et al. 2021 (CoAtNet), section 2; Tu et al. 2022 (MaxViT),
// section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"
#include "MaxxVitNames.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Of every published size.
static constexpr int64_t kHeadDim = 32;
/// How many times the picture's sides are those of a window.
static constexpr int64_t kPartitionRatio = 32;

namespace {

class MaxxVitBuilder {
public:
  MaxxVitBuilder(TimmLayers &layers, const MaxxVitStyle &style, Value image)
      : layers(layers), style(style),
        window{TimmLayers::getHeight(image) / kPartitionRatio,
               TimmLayers::getWidth(image) / kPartitionRatio} {}

  Value build(Value image);

private:
  /// A batch norm or one of the channels at each place, as the file has it.
  Value norm(Value map, const std::string &layer, double epsilon) {
    return layers.contains(layer + ".running_mean")
               ? layers.batchNorm(map, layer, epsilon)
               : layers.mapNorm(map, layer, epsilon);
  }
  Value normActivate(Value map, const std::string &layer) {
    return layers.activate(norm(map, layer, style.convEps),
                           style.convActivation, layer + ".act");
  }
  Value pool(Value map, const std::string &layer, bool isMax = false) {
    return isMax ? layers.maxPool(map, layer, 3, {2})
                 : layers.averagePool(map, layer, 2, {2, /*pad=*/0});
  }
  /// A map of half the size, of other channels where the file has a filter.
  Value downsample(Value map, const std::string &layer) {
    map = pool(map, layer, style.maxPool);
    return layers.contains(layer + ".expand.weight")
               ? layers.conv(map, layer + ".expand")
               : map;
  }

  Value mbConv(Value map, const std::string &block, int64_t stride);
  Value convNeXt(Value map, const std::string &block, int64_t stride);
  Value convBlock(Value map, const std::string &block, int64_t stride);
  Value relativeBias(const std::string &layer, int64_t height, int64_t width);
  /// Of tokens of a map or a window of this size.
  Value attention(Value tokens, const std::string &layer, int64_t height,
                  int64_t width, bool headFirst);
  Value addMlp(Value map, const std::string &block);
  Value transformerBlock(Value map, const std::string &block, int64_t stride);
  Value partitionAttention(Value map, const std::string &block, bool grid);
  /// Windows and the grid side by side, of half the channels each.
  Value parallelAttention(Value map, const std::string &block);
  Value buildBlock(Value map, const std::string &block, int64_t stride);

  TimmLayers &layers;
  const MaxxVitStyle &style;
  std::array<int64_t, 2> window;
};

} // namespace

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

Value MaxxVitBuilder::mbConv(Value map, const std::string &block,
                             int64_t stride) {
  bool strides = stride == 2;
  Value shortcut = strides ? downsample(map, block + "shortcut") : map;
  map = layers.batchNorm(map, block + "pre_norm", style.convEps);
  if (style.activatesFirst)
    map = layers.activate(map, style.convActivation, block + "pre_norm.act");
  if (strides && style.stridesByPool)
    map = pool(map, block + "down");
  map = normActivate(layers.conv(map, block + "conv1_1x1"), block + "norm1");
  TimmSteps steps;
  steps.stride = style.stridesByPool ? 1 : stride;
  steps.same = style.samePadding;
  map = layers.conv(map, block + "conv2_kxk", steps);
  if (layers.contains(block + "se_early.fc1.weight"))
    map = layers.squeezeExcite(map, block + "se_early", style.gateActivation);
  map = normActivate(map, block + "norm2");
  if (layers.contains(block + "se.fc1.weight"))
    map = layers.squeezeExcite(map, block + "se", style.gateActivation);
  map = layers.conv(map, block + "conv3_1x1");
  return layers.add(shortcut, map, block + "conv3_1x1");
}

Value MaxxVitBuilder::convNeXt(Value map, const std::string &block,
                               int64_t stride) {
  Value shortcut = stride == 2 ? downsample(map, block + "shortcut") : map;
  map = layers.conv(map, block + "conv_dw", {stride});
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value tokens = layers.toTokens(map, block + "norm");
  tokens = layers.layerNorm(tokens, block + "norm", style.convEps);
  tokens = layers.mlp(tokens, block + "mlp", style.convActivation);
  tokens = layers.scale(tokens, block + "ls.gamma");
  map = layers.toMap(tokens, height, width, block + "mlp");
  return layers.add(shortcut, map, block + "mlp");
}

Value MaxxVitBuilder::convBlock(Value map, const std::string &block,
                                int64_t stride) {
  return layers.contains(block + "conv_dw.weight")
             ? convNeXt(map, block, stride)
             : mbConv(map, block, stride);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Value MaxxVitBuilder::relativeBias(const std::string &layer, int64_t height,
                                   int64_t width) {
  if (layers.contains(layer + "mlp.fc1.weight"))
    return layers.logDistanceBias(layer + "mlp", height, width);
  std::string table = layer + "relative_position_bias_table";
  return layers.contains(table) ? layers.tableBias(table, height, width)
                                : Value();
}

Value MaxxVitBuilder::attention(Value tokens, const std::string &layer,
                                int64_t height, int64_t width, bool headFirst) {
  Value rows = layers.linear(tokens, layer + "qkv");
  if (!rows)
    return {};
  int64_t numHeads =
      std::max<int64_t>(TimmLayers::getSize(rows, 2) / (3 * kHeadDim), 1);
  Value bias = relativeBias(layer + "rel_pos.", height, width);
  if (bias && TimmLayers::getSize(bias, 1) != numHeads)
    return layers.fail() << "'" << layer << "rel_pos' has "
                         << TimmLayers::getSize(bias, 1) << " heads; '" << layer
                         << "qkv' needs " << numHeads;
  if (headFirst) {
    auto parts = layers.splitByHead(rows, numHeads,
                                    {kHeadDim, kHeadDim, kHeadDim}, layer);
    rows = layers.attend(parts[0], parts[1], parts[2], layer, bias);
  } else {
    auto [query, key, value] = layers.splitQkv(rows, numHeads, layer);
    rows = layers.attend(query, key, value, layer, bias);
  }
  return layers.linear(rows, layer + "proj");
}

/// Through norm2 and the MLP, which reads each place alone.
Value MaxxVitBuilder::addMlp(Value map, const std::string &block) {
  Value normed = norm(map, block + "norm2", style.transformerEps);
  Value hidden = layers.mlp(layers.toTokens(normed, block + "mlp"),
                            block + "mlp", style.transformerActivation);
  hidden = layers.scale(hidden, block + "ls2.gamma");
  Value branch = layers.toMap(hidden, TimmLayers::getHeight(map),
                              TimmLayers::getWidth(map), block + "mlp");
  return layers.add(map, branch, block + "mlp");
}

Value MaxxVitBuilder::transformerBlock(Value map, const std::string &block,
                                       int64_t stride) {
  bool strides = stride == 2;
  Value shortcut = strides ? downsample(map, block + "shortcut") : map;
  map = norm(map, strides ? block + "norm1.norm" : block + "norm1",
             style.transformerEps);
  if (strides)
    map = pool(map, block + "norm1.down", style.maxPool);
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value tokens = attention(layers.toTokens(map, block + "attn"),
                           block + "attn.", height, width, /*headFirst=*/true);
  tokens = layers.scale(tokens, block + "ls1.gamma");
  Value branch = layers.toMap(tokens, height, width, block + "attn");
  return addMlp(layers.add(shortcut, branch, block + "attn"), block);
}

Value MaxxVitBuilder::partitionAttention(Value map, const std::string &block,
                                         bool grid) {
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value normed = norm(map, block + "norm1", style.transformerEps);
  Value tokens = layers.partition(normed, window, grid, block + "attn");
  tokens =
      attention(tokens, block + "attn.", window[0], window[1], style.headFirst);
  tokens = layers.scale(tokens, block + "ls1.gamma");
  Value branch = layers.unpartition(tokens, window, size, grid, block + "attn");
  return addMlp(layers.add(map, branch, block + "attn"), block);
}

Value MaxxVitBuilder::parallelAttention(Value map, const std::string &block) {
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value normed = norm(map, block + "norm1", style.transformerEps);
  auto attend = [&](bool grid, const std::string &layer) {
    Value tokens = layers.partition(normed, window, grid, layer);
    tokens = attention(tokens, layer, window[0], window[1], style.headFirst);
    return layers.unpartition(tokens, window, size, grid, layer);
  };
  Value branch = layers.concat({attend(/*grid=*/false, block + "attn_block."),
                                attend(/*grid=*/true, block + "attn_grid.")},
                               1, block + "attn");
  branch = layers.scale(branch, block + "ls1.gamma");
  return addMlp(layers.add(map, branch, block + "attn"), block);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

Value MaxxVitBuilder::buildBlock(Value map, const std::string &block,
                                 int64_t stride) {
  if (layers.contains(block + "attn.qkv.weight"))
    return transformerBlock(map, block, stride);
  if (layers.contains(block + "attn.norm1.weight")) {
    int64_t depth = layers.count(block + "conv.", ".pre_norm.weight");
    for (int64_t i = 0; i < depth; ++i)
      map = convBlock(map, block + "conv." + std::to_string(i) + ".",
                      i == 0 ? stride : 1);
    return parallelAttention(map, block + "attn.");
  }
  if (!layers.contains(block + "attn_grid.norm1.weight"))
    return convBlock(map, block, stride);
  map = convBlock(map, block + "conv.", stride);
  if (layers.contains(block + "attn_block.norm1.weight"))
    map = partitionAttention(map, block + "attn_block.", /*grid=*/false);
  return partitionAttention(map, block + "attn_grid.", /*grid=*/true);
}

Value MaxxVitBuilder::build(Value image) {
  TimmSteps halves, keeps;
  halves.stride = 2;
  halves.same = keeps.same = style.samePadding;
  Value map =
      normActivate(layers.conv(image, "stem.conv1", halves), "stem.norm1");
  map = layers.conv(map, "stem.conv2", keeps);
  auto blockOf = [](int64_t stage, int64_t block) {
    return "stages." + std::to_string(stage) + ".blocks." +
           std::to_string(block) + ".";
  };
  // A block of each kind has one of these.
  auto isBlock = [&](const std::string &block) {
    return llvm::any_of(
        ArrayRef{"pre_norm.weight", "conv_dw.weight", "attn.qkv.weight",
                 "attn_grid.norm1.weight", "attn.norm1.weight"},
        [&](const char *weight) { return layers.contains(block + weight); });
  };
  for (int64_t stage = 0; isBlock(blockOf(stage, 0)); ++stage)
    for (int64_t i = 0; isBlock(blockOf(stage, i)); ++i)
      map = buildBlock(map, blockOf(stage, i), i == 0 ? 2 : 1);
  if (layers.contains("head.norm.weight"))
    return layers.normMlpHead(map, "head", style.transformerEps);
  map = norm(map, "norm", style.transformerEps);
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  return MaxxVitBuilder(layers, getTimmEntry(maxxvit::kEntries, name).style,
                        image)
      .build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {"head_hidden_size", "stem_bias",
                                             "stem_width"};

const TimmFamily import_::kMaxxVitFamily = {getTimmNames<maxxvit::kEntries>,
                                            "stem.conv1.weight",
                                            "head.fc.weight",
                                            kMeanPooling,
                                            kArguments,
                                            kDecided,
                                            build};
