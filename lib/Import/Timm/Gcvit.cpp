//===- Gcvit.cpp - GC ViT of timm -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention in windows; in every other block all windows of a picture have the
// same queries, which convolutions and pools of the stage's whole map give.
// Source: Hatamizadeh et al. 2023 (GC ViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kGcvits[] = {{"gcvit_base"},
                                       {"gcvit_small"},
                                       {"gcvit_tiny"},
                                       {"gcvit_xtiny"},
                                       {"gcvit_xxtiny"}};

static constexpr double kNormEps = 1e-5;
/// How many windows of each stage a picture's side has as pixels.
static constexpr int64_t kWindowRatios[] = {32, 32, 16, 32};

/// A depthwise convolution, squeeze and excitation, a convolution of 1x1.
static Value mbConv(TimmLayers &layers, Value map, const std::string &layer) {
  Value branch = layers.activate(layers.conv(map, layer + ".conv_dw"),
                                 TimmActivation::Gelu, layer + ".act");
  branch = layers.squeezeExcite(branch, layer + ".se", TimmActivation::Gelu);
  return layers.add(map, layers.conv(branch, layer + ".conv_pw"), layer);
}

static Value downsample(TimmLayers &layers, Value map,
                        const std::string &layer) {
  map = layers.mapNorm(map, layer + ".norm1", kNormEps);
  map = mbConv(layers, map, layer + ".conv_block");
  map = layers.conv(map, layer + ".reduction", {/*stride=*/2});
  return layers.mapNorm(map, layer + ".norm2", kNormEps);
}

/// The queries of all windows, as a map of a window's size.
static Value buildQueries(TimmLayers &layers, Value map,
                          const std::string &stage,
                          std::array<int64_t, 2> window) {
  std::string blocks = stage + "global_block.blocks.conv";
  for (int64_t i = 1;
       layers.contains(blocks + std::to_string(i) + ".conv_dw.weight"); ++i) {
    std::string layer = blocks + std::to_string(i);
    map = mbConv(layers, map, layer);
    if (TimmLayers::getHeight(map) > window[0])
      map = layers.maxPool(map, layer, /*kernel=*/3, {/*stride=*/2});
  }
  if (map && (TimmLayers::getHeight(map) != window[0] ||
              TimmLayers::getWidth(map) != window[1]))
    return layers.fail() << "'" << stage << "global_block' gives a map of "
                         << TimmLayers::getHeight(map) << "x"
                         << TimmLayers::getWidth(map) << "; its windows are of "
                         << window[0] << "x" << window[1];
  return map;
}

/// The tokens [B, N, C] for each of `count` windows, [B * count, N, C].
static Value repeat(TimmLayers &layers, Value tokens, int64_t count,
                    const std::string &layer) {
  if (!tokens)
    return {};
  int64_t length = TimmLayers::getSize(tokens, 1),
          channels = TimmLayers::getSize(tokens, 2);
  Value once = layers.reshape(tokens, {1, length, channels}, layer);
  onnx::Shape shape = layers.b.getShape(once);
  shape[1] = count;
  return layers.reshape(layers.b.broadcastTo(once, shape), {length, channels},
                        layer);
}

/// Attention in windows [B', N, C]; `queries` are null for windows that have
/// their own.
static Value attention(TimmLayers &layers, Value windows, Value queries,
                       const std::string &layer,
                       std::array<int64_t, 2> window) {
  std::string table = layer + ".rel_pos.relative_position_bias_table";
  auto shape = layers.getWeightShape(table, 2);
  if (!shape)
    return {};
  int64_t numHeads = (*shape)[1];
  Value bias = layers.tableBias(table, window[0], window[1]);
  if (!queries)
    return layers.selfAttention(windows, layer, numHeads, bias);
  Value rows = layers.linear(windows, layer + ".qkv");
  int64_t width = TimmLayers::getSize(windows, 2);
  if (rows && TimmLayers::getSize(rows, 2) != 2 * width)
    return layers.fail() << "'" << layer << ".qkv' has a width of "
                         << TimmLayers::getSize(rows, 2)
                         << "; keys and values need " << width << " each";
  auto part = [&](int64_t begin) {
    return layers.splitHeads(layers.slice(rows, 2, begin, width, layer),
                             numHeads, layer);
  };
  Value attended = layers.attend(layers.splitHeads(queries, numHeads, layer),
                                 part(0), part(width), layer, bias);
  return layers.linear(attended, layer + ".proj");
}

static Value buildBlock(TimmLayers &layers, Value tokens, Value queries,
                        const std::string &block, std::array<int64_t, 2> size,
                        std::array<int64_t, 2> window) {
  std::string layer = block + "attn";
  Value branch = layers.layerNorm(tokens, block + "norm1", kNormEps);
  branch = layers.partition(layers.toMap(branch, size[0], size[1], layer),
                            window, /*grid=*/false, layer);
  int64_t count = size[0] / window[0] * (size[1] / window[1]);
  branch = attention(layers, branch, repeat(layers, queries, count, layer),
                     layer, window);
  branch = layers.unpartition(branch, window, size, /*grid=*/false, layer);
  branch = layers.scale(layers.toTokens(branch, layer), block + "ls1.gamma");
  tokens = layers.add(tokens, branch, layer);
  branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  branch = layers.scale(layers.mlp(branch, block + "mlp"), block + "ls2.gamma");
  return layers.add(tokens, branch, block + "mlp");
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        std::array<int64_t, 2> window) {
  if (layers.contains(stage + "downsample.norm1.weight"))
    map = downsample(layers, map, stage + "downsample");
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  Value queries = layers.toTokens(buildQueries(layers, map, stage, window),
                                  stage + "global_block");
  Value tokens = layers.toTokens(map, stage);
  std::string blocks = stage + "blocks.";
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth && queries; ++i)
    tokens = buildBlock(layers, tokens, i % 2 == 0 ? Value() : queries,
                        blocks + std::to_string(i) + ".", size, window);
  if (layers.contains(stage + "norm.weight"))
    tokens = layers.layerNorm(tokens, stage + "norm", kNormEps);
  return queries ? layers.toMap(tokens, size[0], size[1], stage) : Value();
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  SmallVector<int64_t, 4> ratios =
      layers.arguments.getSizes("window_ratio", kWindowRatios, kMaxPixels);
  int64_t numStages = layers.count("stages.", ".blocks.0.norm1.weight");
  if (!layers.verifyStages("window_ratio", ratios, numStages))
    return {};
  Value map =
      downsample(layers, layers.conv(image, "stem.conv1", {2}), "stem.down");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".",
                     {TimmLayers::getHeight(image) / ratios[i],
                      TimmLayers::getWidth(image) / ratios[i]});
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kArguments[] = {"img_size", "window_ratio"};
/// Heads are the biases'.
static constexpr StringLiteral kDecided[] = {"num_heads", "layer_scale"};

const TimmFamily import_::kGcvitFamily = {getTimmNames<kGcvits>,
                                          "stem.conv1.weight",
                                          "head.fc.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          build};
