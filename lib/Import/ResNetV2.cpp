//===- ResNetV2.cpp - The convolutional stem of hybrids -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResNetV2.h"

#include "ConvLayers.h"
#include "LayerActivations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// In the standardisation of filters, and in group norms.
static constexpr double kFilterEps = 1e-8;
static constexpr double kNormEps = 1e-5;

int64_t ResNetV2Spec::getInnerChannels(int64_t channels) {
  constexpr int64_t kDivisor = 8;
  int64_t inner =
      std::max(kDivisor, (channels / 4 + kDivisor / 2) / kDivisor * kDivisor);
  // Rounding down takes at most a tenth.
  return inner * 4 * 10 < channels * 9 ? inner + kDivisor : inner;
}

namespace {
class ResNetV2Builder {
public:
  ResNetV2Builder(const ResNetV2Spec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}
  Value build(Value image);

private:
  Value convolve(Value input, const std::string &layer, int64_t channels,
                 int64_t kernel, int64_t stride);
  Value groupNorm(Value input, const std::string &layer);
  Value normRelu(Value input, const std::string &layer) {
    return buildRelu(layers, groupNorm(input, layer), layer + ".act");
  }
  Value maxPool(Value input, const std::string &layer);
  Value bottleneck(Value input, const std::string &layer, int64_t channels,
                   int64_t stride, bool downsample);
  Value preactivationBottleneck(Value input, const std::string &layer,
                                int64_t channels, int64_t stride,
                                bool downsample);

  const ResNetV2Spec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};
} // namespace

/// What "same" adds before and behind `size` elements, more behind.
static std::pair<int64_t, int64_t> getSamePadding(int64_t size, int64_t kernel,
                                                  int64_t stride) {
  int64_t outputs = llvm::divideCeil(size, stride);
  int64_t total = std::max<int64_t>((outputs - 1) * stride + kernel - size, 0);
  return {total / 2, total - total / 2};
}

Value ResNetV2Builder::convolve(Value input, const std::string &layer,
                                int64_t channels, int64_t kernel,
                                int64_t stride) {
  ArrayRef<int64_t> shape = getShape(input);
  std::string because = "the ResNetV2 of this architecture";
  Location loc = layers.getLoc(layer);
  vit::WeightExprAttr weight =
      layers.weight(layer + ".weight", {channels, shape[1], kernel, kernel},
                    because, WeightRole::Matrix);
  // Weight standardisation: each filter to mean 0 and variance 1.
  Value rows =
      layers.constant(vit::WeightExprAttr::reshape(
                          weight, {channels, shape[1] * kernel * kernel}),
                      layer + ".weight");
  rows = vit::LayerNormOp::create(b, loc, rows.getType(), rows,
                                  /*scale=*/Value(), /*shift=*/Value(),
                                  b.getF64FloatAttr(kFilterEps));
  Value filter = layers.expand(rows, 1, {shape[1], kernel, kernel}, layer);
  auto [top, bottom] = getSamePadding(shape[2], kernel, stride);
  auto [left, right] = getSamePadding(shape[3], kernel, stride);
  return vit::Conv2dOp::create(b, loc, input, filter, /*bias=*/Value(),
                               /*residual=*/Value(),
                               ArrayRef<int64_t>{stride, stride},
                               ArrayRef<int64_t>{top, left, bottom, right});
}

/// Wu and He 2018, eqs. (1) and (7).
Value ResNetV2Builder::groupNorm(Value input, const std::string &layer) {
  Location loc = layers.getLoc(layer);
  ArrayRef<int64_t> shape = getShape(input);
  std::string because = "the ResNetV2 of this architecture";
  Value scale = layers.parameter(layer + ".weight", {shape[1]}, because,
                                 WeightRole::NormScale);
  Value shift = layers.parameter(layer + ".bias", {shape[1]}, because,
                                 WeightRole::NormShift);

  int64_t groupSize = shape[1] / spec.numGroups * shape[2] * shape[3];
  Value rows = layers.expand(layers.collapse(input, 1, 3, layer), 1,
                             {spec.numGroups, groupSize}, layer);
  rows = vit::LayerNormOp::create(b, loc, rows.getType(), rows,
                                  /*scale=*/Value(), /*shift=*/Value(),
                                  b.getF64FloatAttr(kNormEps));
  Value normed = layers.expand(layers.collapse(rows, 1, 2, layer), 1,
                               shape.drop_front(), layer);

  auto type = cast<RankedTensorType>(normed.getType());
  AffineMap all = b.getMultiDimIdentityMap(4);
  AffineMap channel = AffineMap::get(4, 0, b.getAffineDimExpr(1));
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(normed, loc),
                                        type.getElementType());
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{normed, scale, shift}, empty,
             ArrayRef<AffineMap>{all, channel, channel, all}, iterators,
             [](OpBuilder &builder, Location loc, ValueRange args) {
               Value scaled =
                   arith::MulFOp::create(builder, loc, args[0], args[1]);
               Value shifted =
                   arith::AddFOp::create(builder, loc, scaled, args[2]);
               linalg::YieldOp::create(builder, loc, shifted);
             })
      .getResult(0);
}

/// 3 x 3, stride 2. Padding is zeros, as BiT's, which changes something only
/// where no ReLU comes before.
Value ResNetV2Builder::maxPool(Value input, const std::string &layer) {
  constexpr int64_t kKernel = 3, kStride = 2;
  ArrayRef<int64_t> shape = getShape(input);
  auto [top, bottom] = getSamePadding(shape[2], kKernel, kStride);
  auto [left, right] = getSamePadding(shape[3], kKernel, kStride);
  double padding =
      spec.preactivation ? 0.0 : -std::numeric_limits<double>::infinity();
  return buildMaxPool(layers, input, kKernel, kStride,
                      {top, left, bottom, right}, padding, layer);
}

/// The first block of a stage changes the size of its shortcut too.
Value ResNetV2Builder::bottleneck(Value input, const std::string &layer,
                                  int64_t channels, int64_t stride,
                                  bool downsample) {
  Value shortcut = input;
  if (downsample) {
    shortcut = convolve(input, layer + "downsample.conv", channels, 1, stride);
    shortcut = groupNorm(shortcut, layer + "downsample.norm");
  }
  int64_t inner = ResNetV2Spec::getInnerChannels(channels);
  Value value = convolve(input, layer + "conv1", inner, 1, 1);
  value = normRelu(value, layer + "norm1");
  value = convolve(value, layer + "conv2", inner, 3, stride);
  value = normRelu(value, layer + "norm2");
  value = convolve(value, layer + "conv3", channels, 1, 1);
  value = groupNorm(value, layer + "norm3");
  return buildRelu(layers, layers.add(value, shortcut, layer + "add"),
                   layer + "act3");
}

Value ResNetV2Builder::preactivationBottleneck(Value input,
                                               const std::string &layer,
                                               int64_t channels, int64_t stride,
                                               bool downsample) {
  Value active = normRelu(input, layer + "norm1");
  Value shortcut = input;
  if (downsample)
    shortcut = convolve(active, layer + "downsample.conv", channels, 1, stride);
  int64_t inner = ResNetV2Spec::getInnerChannels(channels);
  Value value = convolve(active, layer + "conv1", inner, 1, 1);
  value = normRelu(value, layer + "norm2");
  value = convolve(value, layer + "conv2", inner, 3, stride);
  value = normRelu(value, layer + "norm3");
  value = convolve(value, layer + "conv3", channels, 1, 1);
  return layers.add(value, shortcut, layer + "add");
}

Value ResNetV2Builder::build(Value image) {
  const ResNetV2Names &names = spec.names;
  Value value =
      convolve(image, spec.prefix + names.stemConv, spec.stemChannels, 7, 2);
  if (!spec.preactivation)
    value = normRelu(value, spec.prefix + names.stemNorm);
  value = maxPool(value, spec.prefix + names.stemPool);
  for (auto [stage, depth] : llvm::enumerate(spec.depths))
    for (int64_t index = 0; index < depth; ++index) {
      std::string layer = (spec.prefix + names.stages + Twine(stage) +
                           names.blocks + Twine(index) + ".")
                              .str();
      int64_t stride = stage > 0 && index == 0 ? 2 : 1;
      bool downsample = index == 0;
      value = spec.preactivation
                  ? preactivationBottleneck(value, layer, spec.channels[stage],
                                            stride, downsample)
                  : bottleneck(value, layer, spec.channels[stage], stride,
                               downsample);
    }
  return value;
}

Value import_::buildResNetV2(const ResNetV2Spec &spec, LayerBuilder &layers,
                             Value image) {
  return ResNetV2Builder(spec, layers).build(image);
}

VitStem import_::getStem(const ResNetV2Spec &spec) {
  VitStem stem;
  size_t stages = spec.depths.size();
  stem.channels = stages == 0 ? spec.stemChannels : spec.channels[stages - 1];
  stem.getMapSize = [stages](int64_t pixels) {
    // The stem halves twice, each stage but the first once; "same" rounds up.
    size_t halvings = stages == 0 ? 2 : stages + 1;
    for (size_t i = 0; i < halvings; ++i)
      pixels = llvm::divideCeil(pixels, 2);
    return pixels;
  };
  stem.build = [spec](LayerBuilder &layers, Value image) {
    return buildResNetV2(spec, layers, image);
  };
  return stem;
}
