//===- TimmMovement.cpp - Pools, windows and shapes of timm's layers ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ConvLayers.h"
#include "InputFile.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

Value TimmLayers::maxPool(Value map, const Twine &layer, int64_t kernel,
                          const TimmSteps &steps) {
  if (!map)
    return {};
  std::string name = layer.str();
  auto pad = getPad(map, name, {kernel, kernel}, steps);
  if (!pad)
    return {};
  return keepBatch(buildMaxPool(layers, map, kernel, steps.stride, *pad,
                                -std::numeric_limits<double>::infinity(), name),
                   map);
}

/// 1 / how many places of the map each window has.
static DenseElementsAttr getShares(onnx::TensorBuilder &b, Value map,
                                   Value pooled, int64_t kernel, int64_t stride,
                                   const std::array<int64_t, 4> &pad) {
  auto countAlong = [&](int64_t side, int64_t position) {
    int64_t begin = position * stride - pad[side], end = begin + kernel;
    return std::min(end, getShape(map)[side + 2]) - std::max<int64_t>(begin, 0);
  };
  int64_t height = getShape(pooled)[2], width = getShape(pooled)[3];
  SmallVector<float> shares;
  shares.reserve(height * width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      shares.push_back(1.0f / float(countAlong(0, y) * countAlong(1, x)));
  return DenseElementsAttr::get(
      RankedTensorType::get({height, width}, b.getF32Type()), ArrayRef(shares));
}

Value TimmLayers::averagePool(Value map, const Twine &layer, int64_t kernel,
                              const TimmSteps &steps) {
  if (!map)
    return {};
  std::string name = layer.str();
  auto pad = getPad(map, name, {kernel, kernel}, steps);
  if (!pad)
    return {};
  startLayer(name);
  Value sums = keepBatch(
      buildSumPool(layers, map, kernel, steps.stride, *pad, name), map);
  Value shares = arith::ConstantOp::create(
      b, getShares(b, map, sums, kernel, steps.stride, *pad));
  return multiply(sums, shares, name);
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// The order of the axes of a map's windows: [B, C, rows of windows, rows of
/// one, columns of windows, columns of one], or with `grid` rows of one before
/// rows of windows, becomes [B, rows and columns of windows, those of one, C].
static SmallVector<int64_t> getWindowAxes(bool grid) {
  if (grid)
    return {0, 3, 5, 2, 4, 1};
  return {0, 2, 4, 3, 5, 1};
}

Value TimmLayers::partition(Value map, std::array<int64_t, 2> window, bool grid,
                            const Twine &layer) {
  if (!map)
    return {};
  std::string name = layer.str();
  int64_t channels = getSize(map, 1), height = getHeight(map),
          width = getWidth(map);
  for (size_t side : {0, 1})
    if (window[side] < 1 || getSize(map, side + 2) % window[side] != 0)
      return fail() << "the picture's size leaves '" << name << "' a map of "
                    << height << "x" << width << "; its windows of "
                    << window[0] << "x" << window[1]
                    << " need multiples of that";
  if (window[0] * window[1] > kMaxTokens)
    return fail() << "'" << name << "' has windows of " << window[0] << "x"
                  << window[1] << "; vitc compiles at most " << kMaxTokens
                  << " tokens";
  if (!grid) {
    Value last = transpose(map, {0, 2, 3, 1}, name);
    onnx::Size batch = b.getShape(map)[0];
    int64_t windows = height / window[0] * (width / window[1]);
    batch.constant *= windows;
    batch.batchFactor *= windows;
    Value tokens =
        vit::WindowPartitionOp::create(b, last, b.getDenseI64ArrayAttr(window));
    return b.setShape(tokens, {batch, window[0] * window[1], channels});
  }
  map = reshape(
      map,
      {channels, window[0], height / window[0], window[1], width / window[1]},
      name);
  map = transpose(map, getWindowAxes(grid), name);
  return reshape(map, {window[0] * window[1], channels}, name);
}

Value TimmLayers::unpartition(Value windows, std::array<int64_t, 2> window,
                              std::array<int64_t, 2> size, bool grid,
                              const Twine &layer) {
  if (!windows)
    return {};
  std::string name = layer.str();
  int64_t channels = getSize(windows, 2);
  int64_t rows = size[0] / window[0], columns = size[1] / window[1];
  if (!grid) {
    startLayer(name);
    onnx::Size batch = b.getShape(windows)[0];
    batch.constant /= rows * columns;
    batch.batchFactor /= rows * columns;
    Value map =
        vit::WindowReverseOp::create(b, windows, b.getDenseI64ArrayAttr(window),
                                     b.getDenseI64ArrayAttr(size));
    b.setShape(map, {batch, size[0], size[1], channels});
    return transpose(map, {0, 3, 1, 2}, name);
  }
  Value map =
      reshape(windows, {rows, columns, window[0], window[1], channels}, name);
  map = transpose(map, invertPermutationVector(getWindowAxes(grid)), name);
  return reshape(map, {channels, size[0], size[1]}, name);
}

Value TimmLayers::inWindows(Value map, int64_t side, const Twine &layer,
                            function_ref<Value(Value)> attend) {
  if (!map)
    return {};
  std::string name = layer.str();
  int64_t height = getHeight(map), width = getWidth(map);
  std::array<int64_t, 2> padded = {int64_t(llvm::alignTo(height, side)),
                                   int64_t(llvm::alignTo(width, side))};
  map = padMap(map, padded[0], padded[1], name);
  Value tokens = partition(map, {side, side}, /*grid=*/false, name);
  map = unpartition(attend(tokens), {side, side}, padded, /*grid=*/false, name);
  return slice(slice(map, 2, 0, height, name), 3, 0, width, name);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value TimmLayers::toTokens(Value map, const Twine &layer) {
  if (!map)
    return {};
  std::string name = layer.str();
  if (getHeight(map) * getWidth(map) > kMaxTokens)
    return fail() << "'" << name << "' is a map of " << getHeight(map) << "x"
                  << getWidth(map) << "; vitc compiles at most " << kMaxTokens
                  << " tokens";
  Value flat =
      reshape(map, {getSize(map, 1), getHeight(map) * getWidth(map)}, name);
  return transpose(flat, {0, 2, 1}, name);
}

Value TimmLayers::toMap(Value tokens, int64_t height, int64_t width,
                        const Twine &layer) {
  if (!tokens)
    return {};
  std::string name = layer.str();
  if (getSize(tokens, 1) != height * width)
    return fail() << "'" << name << "' has " << getSize(tokens, 1)
                  << " tokens; a map of " << height << "x" << width
                  << " needs one for each place";
  return reshape(transpose(tokens, {0, 2, 1}, name),
                 {getSize(tokens, 2), height, width}, name);
}

Value TimmLayers::reshape(Value input, ArrayRef<int64_t> inner,
                          const Twine &layer) {
  if (!input)
    return {};
  std::string name = layer.str();
  onnx::Shape from = b.getShape(input);
  int64_t elements = llvm::product_of(::getShape(input).drop_front());
  int64_t kept = llvm::product_of(inner);
  onnx::Size first = from[0];
  first.constant *= elements;
  first.batchFactor *= elements;
  bool fits =
      kept > 0 && first.constant % kept == 0 && first.batchFactor % kept == 0;
  if (fits) {
    first.constant /= kept;
    first.batchFactor /= kept;
  }
  onnx::Shape shape = {first};
  shape.append(inner.begin(), inner.end());
  if (!fits || !onnx::TensorBuilder::canReshape(from, shape))
    return fail() << "'" << name << "' gives "
                  << formatShape(::getShape(input).drop_front())
                  << " for each picture; it needs " << formatShape(inner);
  startLayer(name);
  return b.reshape(input, shape);
}

Value TimmLayers::transpose(Value input, ArrayRef<int64_t> permutation,
                            const Twine &layer) {
  if (!input)
    return {};
  startLayer(layer);
  return b.transpose(input, permutation);
}

Value TimmLayers::slice(Value input, int64_t dim, int64_t begin, int64_t size,
                        const Twine &layer) {
  if (!input)
    return {};
  std::string name = layer.str();
  if (begin < 0 || size < 1 || begin + size > getSize(input, dim))
    return fail() << "'" << name << "' has "
                  << formatShape(::getShape(input).drop_front())
                  << " for each picture; it needs a size of "
                  << std::max<int64_t>(begin + size, 1) << " at dim "
                  << dim - 1;
  startLayer(name);
  return b.sliceDim(input, dim, begin, size);
}

Value TimmLayers::stride(Value input, int64_t dim, int64_t stride,
                         const Twine &layer) {
  if (!input)
    return {};
  startLayer(layer);
  onnx::Shape shape = b.getShape(input);
  SmallVector<int64_t> offsets(shape.size(), 0), strides(shape.size(), 1);
  shape[dim].constant = (shape[dim].constant + stride - 1) / stride;
  strides[dim] = stride;
  return b.slice(input, offsets, shape, strides);
}

Value TimmLayers::concat(ValueRange inputs, int64_t dim, const Twine &layer) {
  if (llvm::is_contained(inputs, Value()))
    return {};
  auto getOthers = [&](Value input) {
    SmallVector<int64_t> others(getShape(input).drop_front());
    others[dim - 1] = 0;
    return others;
  };
  for (Value input : inputs)
    if (getOthers(input) != getOthers(inputs.front()))
      return fail() << "'" << layer.str() << "' joins "
                    << formatShape(getShape(inputs.front()).drop_front())
                    << " and " << formatShape(getShape(input).drop_front())
                    << "; all but one size need to agree";
  startLayer(layer);
  return b.concat(inputs, dim);
}

Value TimmLayers::padMap(Value map, int64_t height, int64_t width,
                         const Twine &layer) {
  if (!map)
    return {};
  std::string name = layer.str();
  if (height > kMaxPixels || width > kMaxPixels || height * width > kMaxArea)
    return fail() << "'" << name << "' pads a map to " << height << "x" << width
                  << "; vitc compiles maps of at most " << kMaxArea
                  << " places";
  startLayer(name);
  return b.pad(map, {0, 0, 0, 0},
               {0, 0, height - getHeight(map), width - getWidth(map)},
               b.getF32FloatAttr(0));
}

Value TimmLayers::padBefore(Value map, int64_t rows, int64_t columns,
                            const Twine &layer) {
  if (!map)
    return {};
  startLayer(layer);
  return b.pad(map, {0, 0, rows, columns}, {0, 0, 0, 0}, b.getF32FloatAttr(0));
}

Value TimmLayers::prepend(Value tokens, const Twine &weight, int64_t count) {
  if (!tokens)
    return {};
  std::string name = weight.str();
  startLayer(name);
  int64_t width = getSize(tokens, 2);
  onnx::Shape all = b.getShape(tokens);
  all[1] = count;
  Value token = b.broadcastTo(parameter(name, {1, count, width}), all);
  return concat({token, tokens}, 1, name);
}
