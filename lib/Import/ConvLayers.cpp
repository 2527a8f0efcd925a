//===- ConvLayers.cpp - Layers on feature maps ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvLayers.h"

#include "Onnx/ResizeBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

Value import_::buildConv(LayerBuilder &layers, Value map, const Twine &layer,
                         const ConvSpec &spec, const Twine &because) {
  Value filter = layers.parameter(
      (layer + ".weight").str(),
      {spec.outputs, getShape(map)[1] / spec.groups, spec.kernel, spec.kernel},
      because, WeightRole::Matrix);
  Value bias;
  if (spec.bias)
    bias = layers.parameter((layer + ".bias").str(), {spec.outputs}, because,
                            WeightRole::Bias);
  return vit::Conv2dOp::create(
      layers.b, layers.getLoc(layer), map, filter, bias, /*residual=*/Value(),
      ArrayRef<int64_t>{spec.stride, spec.stride},
      ArrayRef<int64_t>{spec.pad, spec.pad, spec.pad, spec.pad},
      /*dilation=*/ArrayRef<int64_t>{1, 1}, spec.groups);
}

Value import_::buildBatchNorm(LayerBuilder &layers, Value input,
                              const Twine &layer, double epsilon,
                              const Twine &because) {
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  unsigned rank = getShape(input).size(), channelDim = rank == 4 ? 1 : rank - 1;
  auto parameter = [&](StringRef name, WeightRole role) {
    return layers.parameter((layer + "." + name).str(),
                            {getShape(input)[channelDim]}, because, role);
  };
  Value weight = parameter("weight", WeightRole::NormScale);
  Value bias = parameter("bias", WeightRole::NormShift);
  Value mean = parameter("running_mean", WeightRole::NormShift);
  Value variance = parameter("running_var", WeightRole::NormScale);
  Value scale = layers.elementwise(
      {weight, variance}, layer,
      [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value eps = arith::ConstantOp::create(
            body, loc, body.getF32FloatAttr(float(epsilon)));
        Value sum = arith::AddFOp::create(body, loc, args[1], eps);
        return arith::DivFOp::create(body, loc, args[0],
                                     math::SqrtOp::create(body, loc, sum));
      });
  Value shift = layers.elementwise(
      {bias, mean, scale}, layer,
      [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value moved = arith::MulFOp::create(body, loc, args[1], args[2]);
        return arith::SubFOp::create(body, loc, args[0], moved);
      });

  // An op each, so that they become part of the convolution before them.
  AffineMap all = b.getMultiDimIdentityMap(rank);
  AffineMap channel = AffineMap::get(rank, 0, b.getAffineDimExpr(channelDim));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto apply = [&](Value input, Value constants, bool adds) -> Value {
    Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(input, loc),
                                          b.getF32Type());
    return linalg::GenericOp::create(
               b, loc, input.getType(), ValueRange{input, constants}, empty,
               ArrayRef<AffineMap>{all, channel, all}, iterators,
               [&](OpBuilder &body, Location loc, ValueRange args) {
                 Value result = adds ? Value(arith::AddFOp::create(
                                           body, loc, args[0], args[1]))
                                     : Value(arith::MulFOp::create(
                                           body, loc, args[0], args[1]));
                 linalg::YieldOp::create(body, loc, result);
               })
        .getResult(0);
  };
  return apply(apply(input, scale, /*adds=*/false), shift, /*adds=*/true);
}

/// One of linalg's pools, which begins with `initial` and sees `padding`
/// outside of the map.
template <typename PoolOp>
static Value buildPool(LayerBuilder &layers, Value map, int64_t kernel,
                       int64_t stride, const MapPad &pad, double padding,
                       double initial, const Twine &layer) {
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  Type element = cast<RankedTensorType>(map.getType()).getElementType();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(element, value));
  };
  SmallVector<OpFoldResult> low(4, b.getIndexAttr(0)), high(low);
  SmallVector<OpFoldResult> sizes = layers.getSizes(map, loc);
  SmallVector<int64_t> padded(getShape(map));
  for (unsigned dim : {2, 3}) {
    int64_t before = pad[dim - 2], behind = pad[dim];
    low[dim] = b.getIndexAttr(before);
    high[dim] = b.getIndexAttr(behind);
    padded[dim] += before + behind;
    sizes[dim] = b.getIndexAttr((padded[dim] - kernel) / stride + 1);
  }
  Value source =
      tensor::PadOp::create(b, loc, RankedTensorType::get(padded, element), map,
                            low, high, number(padding));
  Value window = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{kernel, kernel}, element);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, element);
  Value init =
      linalg::FillOp::create(b, loc, number(initial), empty).getResult(0);
  return PoolOp::create(b, loc, init.getType(), ValueRange{source, window},
                        init, b.getI64TensorAttr({stride, stride}),
                        b.getI64TensorAttr({1, 1}))
      .getResult(0);
}

Value import_::buildMaxPool(LayerBuilder &layers, Value map, int64_t kernel,
                            int64_t stride, const MapPad &pad, double padding,
                            const Twine &layer) {
  return buildPool<linalg::PoolingNchwMaxOp>(
      layers, map, kernel, stride, pad, padding,
      -std::numeric_limits<double>::infinity(), layer);
}

Value import_::buildSumPool(LayerBuilder &layers, Value map, int64_t kernel,
                            int64_t stride, const MapPad &pad,
                            const Twine &layer) {
  return buildPool<linalg::PoolingNchwSumOp>(layers, map, kernel, stride, pad,
                                             /*padding=*/0, /*initial=*/0,
                                             layer);
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

Value import_::buildTokens(LayerBuilder &layers, Value map,
                           const Twine &layer) {
  return layers.transpose(layers.collapse(map, 2, 2, layer), {0, 2, 1}, layer);
}

Value import_::buildMap(LayerBuilder &layers, Value tokens, int64_t height,
                        int64_t width, const Twine &layer) {
  Value channels = layers.transpose(tokens, {0, 2, 1}, layer);
  return layers.expand(channels, 2, {height, width}, layer);
}

Value import_::buildPixelShuffle(LayerBuilder &layers, Value map,
                                 int64_t factor, const Twine &layer) {
  int64_t channels = getShape(map)[1] / (factor * factor);
  map = layers.expand(map, 1, {channels, factor, factor}, layer);
  map = layers.transpose(map, {0, 1, 4, 2, 5, 3}, layer);
  return layers.collapse(layers.collapse(map, 2, 2, layer), 3, 2, layer);
}

Value import_::buildRepeatedPixels(LayerBuilder &layers, Value map,
                                   int64_t factor, const Twine &layer) {
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  auto type = cast<RankedTensorType>(map.getType());
  SmallVector<OpFoldResult> sizes = layers.getSizes(map, loc);
  sizes.insert(sizes.begin() + 3, b.getIndexAttr(factor));
  sizes.push_back(b.getIndexAttr(factor));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  // Loops: batch, channel, row, its copy, column, its copy.
  AffineMap all = b.getMultiDimIdentityMap(6);
  AffineMap read =
      AffineMap::getMultiDimMapWithTargets(6, {0, 1, 2, 4}, b.getContext());
  SmallVector<utils::IteratorType> iterators(6, utils::IteratorType::parallel);
  Value repeated = linalg::GenericOp::create(
                       b, loc, empty.getType(), map, empty,
                       ArrayRef<AffineMap>{read, all}, iterators,
                       [](OpBuilder &body, Location loc, ValueRange args) {
                         linalg::YieldOp::create(body, loc, args[0]);
                       })
                       .getResult(0);
  return layers.collapse(layers.collapse(repeated, 2, 2, layer), 3, 2, layer);
}

Value import_::buildResizedMap(LayerBuilder &layers, Value map, int64_t height,
                               int64_t width, const Twine &layer) {
  ArrayRef<int64_t> shape = getShape(map);
  onnx::TensorBuilder b(layers.getLoc(layer), layers.b.getContext());
  b.startFunction(layers.b.getInsertionBlock());
  b.setBatchSource(layers.getInput(), 0);
  onnx::Size batch = ShapedType::isDynamic(shape[0]) ? onnx::Size::batch(1)
                                                     : onnx::Size(shape[0]);
  b.setShape(map, {batch, shape[1], shape[2], shape[3]});
  onnx::Interpolation bilinear;
  bilinear.mode = onnx::InterpolationMode::Linear;
  auto resized = [](int64_t from, int64_t to) {
    return onnx::ResizedDim{from, to, double(to) / double(from)};
  };
  onnx::ResizedDim same = {0, 0, 1.0};
  return onnx::buildResize(
      b, map, bilinear,
      {same, same, resized(shape[2], height), resized(shape[3], width)},
      /*extrapolation=*/0.0);
}
