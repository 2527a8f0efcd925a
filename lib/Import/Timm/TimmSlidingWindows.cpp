//===- TimmSlidingWindows.cpp - Windows of a map that overlap -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PyTorch's unfold and fold, channels last.
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// How many windows there are along a side, which is as long with its zeros.
static int64_t countWindows(int64_t length, int64_t side, int64_t stride) {
  return (length - side) / stride + 1;
}

Value TimmLayers::slidingWindows(Value map, int64_t side,
                                 const TimmSteps &steps, const Twine &layer) {
  if (!map)
    return {};
  std::string name = layer.str();
  if (side * side > kMaxTokens)
    return fail() << "'" << name << "' has windows of " << side << "x" << side
                  << "; vitc compiles at most " << kMaxTokens << " tokens";
  auto pad = getPad(map, name, {side, side}, steps);
  if (!pad)
    return {};
  startLayer(name);
  map = b.pad(map, {0, 0, (*pad)[0], (*pad)[1]}, {0, 0, (*pad)[2], (*pad)[3]},
              b.getF32FloatAttr(0));
  int64_t rows = countWindows(getHeight(map), side, steps.stride),
          columns = countWindows(getWidth(map), side, steps.stride),
          channels = getSize(map, 1);
  onnx::Shape shape = {b.getShape(map)[0], rows, columns, side, side, channels};
  auto dim = [&](unsigned index) { return b.getAffineDimExpr(index); };
  auto read = AffineMap::get(shape.size(), 0,
                             {dim(0), dim(5), dim(1) * steps.stride + dim(3),
                              dim(2) * steps.stride + dim(4)},
                             b.getContext());
  Value windows = b.generic(
      map, read, shape, b.getF32Type(),
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
  return reshape(windows, {side * side, channels}, name);
}

namespace {
/// One of the windows along a side that have a place of the map.
struct FoundWindow {
  /// Which window, and where in it; in bounds though there is none.
  Value window, offset;
  Value exists;
};
} // namespace

/// The window that begins `index` windows before the last that could have
/// `place`, which counts from the first window's begin.
static FoundWindow findWindow(ImplicitLocOpBuilder &b, Value place,
                              int64_t index, int64_t side, int64_t stride,
                              int64_t count) {
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto clamp = [&](Value value, int64_t end) -> Value {
    value = arith::MaxSIOp::create(b, value, number(0));
    return arith::MinSIOp::create(b, value, number(end - 1));
  };
  auto isSame = [&](Value lhs, Value rhs) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, rhs);
  };
  Value last = arith::DivUIOp::create(b, place, number(stride));
  Value window = arith::SubIOp::create(b, last, number(index));
  Value offset =
      arith::AddIOp::create(b, arith::RemUIOp::create(b, place, number(stride)),
                            number(index * stride));
  FoundWindow found = {clamp(window, count), clamp(offset, side), Value()};
  found.exists = arith::AndIOp::create(b, isSame(window, found.window),
                                       isSame(offset, found.offset));
  return found;
}

Value TimmLayers::sumWindows(Value windows, int64_t side,
                             const TimmSteps &steps,
                             std::array<int64_t, 2> size, const Twine &layer) {
  if (!windows)
    return {};
  std::string name = layer.str();
  int64_t pad = steps.pad.value_or(side / 2), channels = getSize(windows, 2);
  std::array<int64_t, 2> counts;
  for (size_t axis : {0, 1})
    counts[axis] = countWindows(size[axis] + 2 * pad, side, steps.stride);
  windows =
      reshape(windows, {counts[0], counts[1], side, side, channels}, name);
  if (!windows)
    return {};
  startLayer(name);
  auto overlap = int64_t(llvm::divideCeil(side, steps.stride));
  onnx::Shape shape = {b.getShape(windows)[0], size[0], size[1], channels};
  Value sums = b.gather(
      shape, b.getF32Type(), [&](ImplicitLocOpBuilder &body, ValueRange) {
        SmallVector<FoundWindow> found[2];
        for (unsigned axis : {0, 1}) {
          Value place = arith::AddIOp::create(
              body, linalg::IndexOp::create(body, axis + 1),
              arith::ConstantIndexOp::create(body, pad));
          for (int64_t index = 0; index < overlap; ++index)
            found[axis].push_back(findWindow(body, place, index, side,
                                             steps.stride, counts[axis]));
        }
        Value image = linalg::IndexOp::create(body, 0),
              channel = linalg::IndexOp::create(body, 3);
        Value zero =
            onnx::TensorBuilder::scalar(body, body.getF32Type(), /*value=*/0);
        Value sum;
        for (const FoundWindow &row : found[0])
          for (const FoundWindow &column : found[1]) {
            Value element = tensor::ExtractOp::create(
                body, windows,
                ValueRange{image, row.window, column.window, row.offset,
                           column.offset, channel});
            Value exists =
                arith::AndIOp::create(body, row.exists, column.exists);
            element = arith::SelectOp::create(body, exists, element, zero);
            sum = sum ? Value(arith::AddFOp::create(body, sum, element))
                      : element;
          }
        return sum;
      });
  return reshape(sums, {size[0] * size[1], channels}, name);
}
