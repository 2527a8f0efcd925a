//===- ResNetV2.cpp - The convolutional stem of hybrids -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResNetV2.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// In the standardisation of filters, and in group norms.
static constexpr double kFilterEps = 1e-8;
static constexpr double kNormEps = 1e-5;

int64_t ResNetV2Spec::getMapSize(int64_t pixels) const {
  // The stem halves twice, each stage but the first once; "same" rounds up.
  size_t halvings = depths.empty() ? 2 : depths.size() + 1;
  for (size_t i = 0; i < halvings; ++i)
    pixels = llvm::divideCeil(pixels, 2);
  return pixels;
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
  Value relu(Value input, const std::string &layer);
  Value maxPool(Value input, const std::string &layer);
  Value block(Value input, const std::string &layer, int64_t channels,
              int64_t stride, bool downsample);

  const ResNetV2Spec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};
} // namespace

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

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
  return vit::Conv2dOp::create(
      b, loc, input, filter, /*bias=*/Value(),
      b.getDenseI64ArrayAttr({stride, stride}),
      b.getDenseI64ArrayAttr({top, left, bottom, right}),
      b.getDenseI64ArrayAttr({1, 1}), b.getI64IntegerAttr(1));
}

/// Wu and He 2018, eqs. (1) and (7).
Value ResNetV2Builder::groupNorm(Value input, const std::string &layer) {
  Location loc = layers.getLoc(layer);
  int64_t channels = getShape(input)[1], groups = ResNetV2Spec::kNumGroups;
  int64_t height = getShape(input)[2], width = getShape(input)[3];
  std::string because = "the ResNetV2 of this architecture";
  auto parameter = [&](StringRef name, WeightRole role) {
    Value value =
        layers.parameter(layer + name.str(), {channels}, because, role);
    return layers.expand(value, 0, {groups, channels / groups}, layer);
  };
  Value scale = parameter(".weight", WeightRole::NormScale);
  Value shift = parameter(".bias", WeightRole::NormShift);

  Value grouped = layers.expand(input, 1, {groups, channels / groups}, layer);
  auto type = cast<RankedTensorType>(grouped.getType());
  AffineMap all = b.getMultiDimIdentityMap(5);
  AffineMap group = all.getMajorSubMap(2);
  AffineMap channel = AffineMap::get(
      5, 0, {b.getAffineDimExpr(1), b.getAffineDimExpr(2)}, b.getContext());
  double count = double(channels / groups * height * width);
  SmallVector<OpFoldResult> sizes = layers.getSizes(grouped, loc);

  // The sum over a group of what `body` makes of each element.
  auto sum = [&](ValueRange inputs, ArrayRef<AffineMap> maps,
                 function_ref<Value(OpBuilder &, ValueRange)> body) -> Value {
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef(sizes).take_front(2),
                                          type.getElementType());
    Value zero =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    SmallVector<utils::IteratorType> iterators(2,
                                               utils::IteratorType::parallel);
    iterators.append(3, utils::IteratorType::reduction);
    SmallVector<AffineMap> allMaps(maps);
    allMaps.push_back(group);
    return linalg::GenericOp::create(
               b, loc, init.getType(), inputs, init, allMaps, iterators,
               [&](OpBuilder &builder, Location loc, ValueRange args) {
                 Value term = body(builder, args.drop_back());
                 Value total =
                     arith::AddFOp::create(builder, loc, args.back(), term);
                 linalg::YieldOp::create(builder, loc, total);
               })
        .getResult(0);
  };
  auto scalar = [&](OpBuilder &builder, double value) -> Value {
    return arith::ConstantOp::create(
        builder, loc, builder.getFloatAttr(type.getElementType(), value));
  };
  auto center = [&](OpBuilder &builder, Value element, Value total) -> Value {
    Value mean = arith::MulFOp::create(builder, loc, total,
                                       scalar(builder, 1.0 / count));
    return arith::SubFOp::create(builder, loc, element, mean);
  };
  Value total =
      sum(grouped, all, [](OpBuilder &, ValueRange args) { return args[0]; });
  Value squares =
      sum({grouped, total}, {all, group},
          [&](OpBuilder &builder, ValueRange args) -> Value {
            Value difference = center(builder, args[0], args[1]);
            return arith::MulFOp::create(builder, loc, difference, difference);
          });
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  SmallVector<utils::IteratorType> iterators(5, utils::IteratorType::parallel);
  Value normed =
      linalg::GenericOp::create(
          b, loc, type, ValueRange{grouped, total, squares, scale, shift},
          empty, ArrayRef<AffineMap>{all, group, group, channel, channel, all},
          iterators,
          [&](OpBuilder &builder, Location loc, ValueRange args) {
            Value difference = center(builder, args[0], args[1]);
            Value variance = arith::MulFOp::create(
                builder, loc, args[2], scalar(builder, 1.0 / count));
            Value deviation = math::RsqrtOp::create(
                builder, loc,
                arith::AddFOp::create(builder, loc, variance,
                                      scalar(builder, kNormEps)));
            Value unit =
                arith::MulFOp::create(builder, loc, difference, deviation);
            Value scaled = arith::MulFOp::create(builder, loc, unit, args[3]);
            Value shifted =
                arith::AddFOp::create(builder, loc, scaled, args[4]);
            linalg::YieldOp::create(builder, loc, shifted);
          })
          .getResult(0);
  return layers.collapse(normed, 1, 2, layer);
}

Value ResNetV2Builder::relu(Value input, const std::string &layer) {
  return layers.elementwise(
      input, layer, [](OpBuilder &body, Location loc, ValueRange args) {
        Value zero = arith::ConstantOp::create(
            body, loc, body.getZeroAttr(args[0].getType()));
        return arith::MaximumFOp::create(body, loc, args[0], zero).getResult();
      });
}

/// 3 x 3, stride 2.
Value ResNetV2Builder::maxPool(Value input, const std::string &layer) {
  constexpr int64_t kKernel = 3, kStride = 2;
  Location loc = layers.getLoc(layer);
  ArrayRef<int64_t> shape = getShape(input);
  Type element = cast<RankedTensorType>(input.getType()).getElementType();
  Value lowest = arith::ConstantOp::create(
      b, loc,
      b.getFloatAttr(element, -std::numeric_limits<double>::infinity()));
  SmallVector<OpFoldResult> low(4, b.getIndexAttr(0)), high(low);
  SmallVector<OpFoldResult> sizes = layers.getSizes(input, loc);
  SmallVector<int64_t> padded(shape);
  for (unsigned dim : {2, 3}) {
    auto [before, behind] = getSamePadding(shape[dim], kKernel, kStride);
    low[dim] = b.getIndexAttr(before);
    high[dim] = b.getIndexAttr(behind);
    padded[dim] += before + behind;
    sizes[dim] = b.getIndexAttr(llvm::divideCeil(shape[dim], kStride));
  }
  Value source = tensor::PadOp::create(
      b, loc, RankedTensorType::get(padded, element), input, low, high, lowest);
  Value window = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{kKernel, kKernel}, element);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, element);
  Value init = linalg::FillOp::create(b, loc, lowest, empty).getResult(0);
  return linalg::PoolingNchwMaxOp::create(
             b, loc, init.getType(), ValueRange{source, window}, init,
             b.getI64TensorAttr({kStride, kStride}), b.getI64TensorAttr({1, 1}))
      .getResult(0);
}

/// A bottleneck without pre-activation; the first of a stage changes the size
/// of its shortcut too.
Value ResNetV2Builder::block(Value input, const std::string &layer,
                             int64_t channels, int64_t stride,
                             bool downsample) {
  Value shortcut = input;
  if (downsample) {
    shortcut = convolve(input, layer + "downsample.conv", channels, 1, stride);
    shortcut = groupNorm(shortcut, layer + "downsample.norm");
  }
  int64_t inner = channels / 4;
  Value value = convolve(input, layer + "conv1", inner, 1, 1);
  value = relu(groupNorm(value, layer + "norm1"), layer + "norm1.act");
  value = convolve(value, layer + "conv2", inner, 3, stride);
  value = relu(groupNorm(value, layer + "norm2"), layer + "norm2.act");
  value = convolve(value, layer + "conv3", channels, 1, 1);
  value = groupNorm(value, layer + "norm3");
  return relu(layers.add(value, shortcut, layer + "add"), layer + "act3");
}

Value ResNetV2Builder::build(Value image) {
  std::string stem = spec.prefix + (spec.depths.empty() ? "" : "stem.");
  Value value =
      convolve(image, stem + "conv", ResNetV2Spec::kStemChannels, 7, 2);
  value = relu(groupNorm(value, stem + "norm"), stem + "norm.act");
  value = maxPool(value, stem + "pool");
  for (auto [stage, depth] : llvm::enumerate(spec.depths))
    for (int64_t index = 0; index < depth; ++index) {
      std::string layer = (spec.prefix + "stages." + Twine(stage) + ".blocks." +
                           Twine(index) + ".")
                              .str();
      value = block(value, layer, ResNetV2Spec::kStageChannels << stage,
                    stage > 0 && index == 0 ? 2 : 1,
                    /*downsample=*/index == 0);
    }
  return value;
}

Value import_::buildResNetV2(const ResNetV2Spec &spec, LayerBuilder &layers,
                             Value image) {
  return ResNetV2Builder(spec, layers).build(image);
}
