//===- SwinV2Cr.cpp - The other Swin v2 of timm ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Christoph Reich's reading of Swin v2: windows are an eighth of the patches'
// grid, a network of the differences' logarithms gives the bias, and some
// blocks end with a norm of their own.
// Source: Liu et al. 2022 (Swin v2), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "CosineAttention.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kSwinV2Crs[] = {
    {"swinv2_cr_base_224"},     {"swinv2_cr_base_384"},
    {"swinv2_cr_base_ns_224"},  {"swinv2_cr_giant_224"},
    {"swinv2_cr_giant_384"},    {"swinv2_cr_huge_224"},
    {"swinv2_cr_huge_384"},     {"swinv2_cr_large_224"},
    {"swinv2_cr_large_384"},    {"swinv2_cr_small_224"},
    {"swinv2_cr_small_384"},    {"swinv2_cr_small_ns_224"},
    {"swinv2_cr_small_ns_256"}, {"swinv2_cr_tiny_224"},
    {"swinv2_cr_tiny_384"},     {"swinv2_cr_tiny_ns_224"},
};

static constexpr double kNormEps = 1e-5;
/// What a score loses between places that were no neighbours before the shift.
static constexpr double kMaskValue = -100.0;
/// Of the patches' grid, in windows.
static constexpr int64_t kWindowRatio = 8;

namespace {

class SwinV2CrBuilder {
public:
  explicit SwinV2CrBuilder(TimmLayers &layers) : layers(layers), b(layers.b) {}
  Value build(Value image);

private:
  Value patchMerging(Value map, const std::string &layer);
  /// Queries or keys [B, H, N, D] as unit vectors times `scale`, or null.
  Value unitVectors(Value heads, Value scale, const std::string &layer);
  /// exp(min(LAYER.logit_scale, ln 100)) of each head.
  Value logitScale(const std::string &layer, int64_t numHeads);
  Value attention(Value windows, const std::string &layer,
                  std::array<int64_t, 2> window, Value mask);
  /// Attention within the windows of a map, shifted by half of one.
  Value windowAttention(Value map, const std::string &layer, bool shifted);
  Value buildBlock(Value map, const std::string &block, bool shifted);

  TimmLayers &layers;
  onnx::TensorBuilder &b;
  /// Height and width; smaller maps have smaller ones.
  std::array<int64_t, 2> largestWindow = {1, 1};
};

} // namespace

Value SwinV2CrBuilder::patchMerging(Value map, const std::string &layer) {
  int64_t channels = TimmLayers::getSize(map, 1);
  map = layers.padMap(map, llvm::alignTo(TimmLayers::getHeight(map), 2),
                      llvm::alignTo(TimmLayers::getWidth(map), 2), layer);
  int64_t height = TimmLayers::getHeight(map) / 2,
          width = TimmLayers::getWidth(map) / 2;
  map = layers.reshape(map, {channels, height, 2, width, 2}, layer);
  map = layers.transpose(map, {0, 2, 4, 5, 3, 1}, layer);
  Value tokens = layers.reshape(map, {height * width, 4 * channels}, layer);
  tokens = layers.layerNorm(tokens, layer + ".norm", kNormEps);
  return layers.toMap(layers.linear(tokens, layer + ".reduction"), height,
                      width, layer);
}

Value SwinV2CrBuilder::unitVectors(Value heads, Value scale,
                                   const std::string &layer) {
  if (!heads)
    return {};
  return b.setShape(buildUnitVectors(layers.layers, heads, scale, layer),
                    b.getShape(heads));
}

Value SwinV2CrBuilder::logitScale(const std::string &layer, int64_t numHeads) {
  return b.generic(layers.parameter(layer + ".logit_scale", {numHeads}),
                   b.getF32Type(),
                   [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                     Value most = onnx::TensorBuilder::scalar(
                         body, body.getF32Type(), std::log(100.0));
                     return math::ExpOp::create(
                         body, arith::MinimumFOp::create(body, args[0], most));
                   });
}

Value SwinV2CrBuilder::attention(Value windows, const std::string &layer,
                                 std::array<int64_t, 2> window, Value mask) {
  auto shape = layers.getWeightShape(layer + ".logit_scale", 1);
  if (!windows || !shape)
    return {};
  auto [query, key, value] = layers.splitQkv(
      layers.linear(windows, layer + ".qkv"), (*shape)[0], layer + ".qkv");
  query = unitVectors(query, logitScale(layer, (*shape)[0]), layer);
  key = unitVectors(key, /*scale=*/Value(), layer);
  Value bias =
      layers.logDistanceBias(layer + ".meta_mlp", window[0], window[1]);
  if (!query || !key || !bias ||
      !layers.checkAttention(query, key, value, layer, bias))
    return {};
  Value attended = vit::AttentionOp::create(b, query, key, value, bias, mask,
                                            b.getF64FloatAttr(1.0));
  return layers.linear(vit::MergeHeadsOp::create(b, attended), layer + ".proj");
}

Value SwinV2CrBuilder::windowAttention(Value map, const std::string &layer,
                                       bool shifted) {
  if (!map)
    return {};
  std::array<int64_t, 2> size = {TimmLayers::getHeight(map),
                                 TimmLayers::getWidth(map)};
  std::array<int64_t, 2> window, shift, padded;
  for (size_t side : {0, 1}) {
    window[side] = std::min(size[side], largestWindow[side]);
    shift[side] =
        shifted && size[side] > window[side] ? largestWindow[side] / 2 : 0;
    padded[side] = llvm::alignTo(size[side], window[side]);
  }
  shifted = shift[0] > 0 || shift[1] > 0;
  auto shiftBy = [&](Value map, int64_t rows, int64_t columns) -> Value {
    Value last = layers.transpose(map, {0, 2, 3, 1}, layer);
    if (!last)
      return {};
    Value moved = vit::CyclicShiftOp::create(
        b, last.getType(), last, b.getDenseI64ArrayAttr({rows, columns}));
    return layers.transpose(moved, {0, 3, 1, 2}, layer);
  };
  Value mask;
  if (shifted) {
    map = shiftBy(map, shift[0], shift[1]);
    int64_t length = window[0] * window[1],
            count = padded[0] * padded[1] / length;
    mask = vit::ShiftMaskOp::create(
        b, RankedTensorType::get({count, 1, length, length}, b.getF32Type()),
        b.getDenseI64ArrayAttr(padded), b.getDenseI64ArrayAttr(window),
        b.getDenseI64ArrayAttr(shift), b.getF64FloatAttr(kMaskValue));
  }
  map = layers.padMap(map, padded[0], padded[1], layer);
  Value windows = layers.partition(map, window, /*grid=*/false, layer);
  map = layers.unpartition(attention(windows, layer, window, mask), window,
                           padded, /*grid=*/false, layer);
  map = layers.slice(layers.slice(map, 2, 0, size[0], layer), 3, 0, size[1],
                     layer);
  return shifted ? shiftBy(map, -shift[0], -shift[1]) : map;
}

Value SwinV2CrBuilder::buildBlock(Value map, const std::string &block,
                                  bool shifted) {
  std::string layer = block + "attn";
  Value branch = layers.toTokens(windowAttention(map, layer, shifted), layer);
  branch = layers.layerNorm(branch, block + "norm1", kNormEps);
  Value tokens = layers.add(layers.toTokens(map, layer), branch, layer);
  branch = layers.mlp(tokens, block + "mlp");
  branch = layers.layerNorm(branch, block + "norm2", kNormEps);
  tokens = layers.add(tokens, branch, block + "mlp");
  if (layers.contains(block + "norm3.weight"))
    tokens = layers.layerNorm(tokens, block + "norm3", kNormEps);
  return layers.toMap(tokens, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), block);
}

Value SwinV2CrBuilder::build(Value image) {
  Value map = layers.embedPatches(image, "patch_embed.proj");
  map = layers.mapNorm(map, "patch_embed.norm", kNormEps);
  int64_t ratio =
      layers.arguments.getSize("window_ratio", kWindowRatio, kMaxPixels);
  largestWindow = {TimmLayers::getHeight(map) / ratio,
                   TimmLayers::getWidth(map) / ratio};
  if (map && (largestWindow[0] < 1 || largestWindow[1] < 1))
    return layers.fail() << "the picture's size gives a grid of "
                         << TimmLayers::getHeight(map) << "x"
                         << TimmLayers::getWidth(map)
                         << " patches; windows of one in " << ratio
                         << " of them need a larger one";
  int64_t numStages = layers.count("stages.", ".blocks.0.norm1.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (layers.contains(stage + "downsample.norm.weight"))
      map = patchMerging(map, stage + "downsample");
    std::string blocks = stage + "blocks.";
    int64_t depth = layers.count(blocks, ".norm1.weight");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBlock(map, blocks + std::to_string(j) + ".",
                       /*shifted=*/j % 2 != 0);
  }
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  return SwinV2CrBuilder(layers).build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size", "window_ratio"};
/// Heads are those of logit_scale.
static constexpr StringLiteral kDecided[] = {"num_heads", "extra_norm_period",
                                             "extra_norm_stage", "init_values"};

const TimmFamily import_::kSwinV2CrFamily = {getTimmNames<kSwinV2Crs>,
                                             "patch_embed.proj.weight",
                                             "head.fc.weight",
                                             kMeanPooling,
                                             kArguments,
                                             kDecided,
                                             build};
