//===- Pooling.cpp - ONNX's pooling ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pool is a linalg.generic that reduces over the window, whose sizes a second
// operand without data gives, as with linalg's pooling ops.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "Reduce.h"
#include "SlidingWindow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace vitc::onnx;

/// Pads the spatial dims for every window to fit.
static Value padInput(TensorBuilder &b, Value input,
                      const SlidingWindow &window, TypedAttr value) {
  Shape shape = b.getShape(input);
  SmallVector<int64_t> low(2, 0), high(2, 0);
  for (size_t dim = 0; dim != window.kernel.size(); ++dim) {
    low.push_back(window.padBegin[dim]);
    high.push_back(window.padEnd[dim] +
                   window.getCeilPad(dim, shape[dim + 2].constant));
  }
  auto isZero = [](int64_t amount) { return amount == 0; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return input;
  return b.pad(input, low, high, value);
}

namespace {
/// The loops of a pool: those of the result, then the steps in a window.
struct PoolLoops {
  Shape shape;
  AffineMap input, steps, result;
  SmallVector<utils::IteratorType> iterators;
};
} // namespace

static PoolLoops getPoolLoops(TensorBuilder &b, Value padded,
                              const SlidingWindow &window) {
  size_t rank = window.kernel.size(), numLoops = 2 + 2 * rank;
  SmallVector<AffineExpr> inputExprs, stepExprs, resultExprs;
  PoolLoops loops;
  loops.shape = b.getShape(padded);
  for (size_t dim = 0; dim != 2 + rank; ++dim) {
    AffineExpr position = b.getAffineDimExpr(dim);
    resultExprs.push_back(position);
    if (dim >= 2) {
      AffineExpr step = b.getAffineDimExpr(dim + rank);
      stepExprs.push_back(step);
      position =
          position * window.strides[dim - 2] + step * window.dilations[dim - 2];
      loops.shape[dim] = window.outputs[dim - 2];
    }
    inputExprs.push_back(position);
  }
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numLoops, 0, exprs, b.getContext());
  };
  loops.input = getMap(inputExprs);
  loops.steps = getMap(stepExprs);
  loops.result = getMap(resultExprs);
  loops.iterators.append(2 + rank, utils::IteratorType::parallel);
  loops.iterators.append(rank, utils::IteratorType::reduction);
  return loops;
}

/// Combines the elements of each window of the padded input.
static Value buildPool(TensorBuilder &b, Value padded,
                       const SlidingWindow &window, TypedAttr identity,
                       TensorBuilder::Body combine) {
  PoolLoops loops = getPoolLoops(b, padded, window);
  Value extents = b.empty(Shape(ArrayRef<int64_t>(window.kernel)),
                          TensorBuilder::getElementType(padded));
  Value init = b.fill(loops.shape, identity);
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{padded, extents}, ValueRange(init),
      {loops.input, loops.steps, loops.result}, loops.iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value combined = combine(b, {args[0], args[2]});
        linalg::YieldOp::create(b, combined);
      });
  return b.setShape(op.getResult(0), loops.shape);
}

static FailureOr<SlidingWindow> getPoolWindow(Node &node) {
  Tensor input = node.input(0);
  if (input.getRank() < 3)
    return node.emitError()
           << "input has shape " << Node::format(node.getShape(0))
           << "; [B, C, ...] with 3 dims or more is needed";
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 2);
  if (failed(sizes))
    return failure();
  if (!node.hasAttr("kernel_shape"))
    return node.emitError() << "attribute kernel_shape is absent; it is needed";
  return getSlidingWindow(node, *sizes, {});
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// The number of the element that the body of a pool reads, in the order of the
/// input's memory or, with `columnMajor`, with the first spatial dim innermost;
/// the largest i64 in the padding.
static Value buildElementNumber(ImplicitLocOpBuilder &b, ArrayRef<Size> shape,
                                const SlidingWindow &window, bool columnMajor) {
  size_t rank = window.kernel.size();
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto multiplyAdd = [&](Value x, int64_t factor, Value y) -> Value {
    return arith::AddIOp::create(b, arith::MulIOp::create(b, x, number(factor)),
                                 y);
  };
  Value linear = multiplyAdd(linalg::IndexOp::create(b, 0), shape[1].constant,
                             linalg::IndexOp::create(b, 1));
  Value isInside, inPlane = number(0);
  int64_t elements = 1;
  for (size_t at = 0; at != rank; ++at) {
    size_t dim = columnMajor ? at : rank - 1 - at;
    Value start =
        multiplyAdd(linalg::IndexOp::create(b, 2 + dim), window.strides[dim],
                    number(-window.padBegin[dim]));
    Value position = multiplyAdd(linalg::IndexOp::create(b, 2 + rank + dim),
                                 window.dilations[dim], start);
    // Negative ones are large when unsigned.
    int64_t size = shape[dim + 2].constant;
    Value inDim = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, position,
                                        number(size));
    isInside =
        isInside ? Value(arith::AndIOp::create(b, isInside, inDim)) : inDim;
    inPlane = multiplyAdd(position, elements, inPlane);
    elements *= size;
  }
  linear = arith::IndexCastOp::create(b, b.getI64Type(),
                                      multiplyAdd(linear, elements, inPlane));
  Value none = arith::ConstantOp::create(
      b, b.getI64IntegerAttr(std::numeric_limits<int64_t>::max()));
  return arith::SelectOp::create(b, isInside, linear, none);
}

/// The number of the first element of each window that is its maximum.
static Value buildPoolIndices(TensorBuilder &b, const Tensor &padded,
                              Value pooled, ArrayRef<Size> shape,
                              const SlidingWindow &window, bool columnMajor) {
  PoolLoops loops = getPoolLoops(b, padded.value, window);
  Value extents =
      b.empty(Shape(ArrayRef<int64_t>(window.kernel)), padded.getElementType());
  auto none = b.getI64IntegerAttr(std::numeric_limits<int64_t>::max());
  Value init = b.fill(loops.shape, none);
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{padded.value, pooled, extents},
      ValueRange(init), {loops.input, loops.result, loops.steps, loops.result},
      loops.iterators, [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value isMaximum;
        if (padded.isFloat()) {
          // A NaN is the maximum where there is one.
          Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO,
                                              args[0], args[0]);
          Value isEqual = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                args[0], args[1]);
          isMaximum = arith::OrIOp::create(b, isNaN, isEqual);
        } else {
          isMaximum = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            args[0], args[1]);
        }
        Value number = arith::SelectOp::create(
            b, isMaximum, buildElementNumber(b, shape, window, columnMajor),
            arith::ConstantOp::create(b, none));
        Value first = arith::MinSIOp::create(b, number, args[3]);
        linalg::YieldOp::create(b, first);
      });
  return b.setShape(op.getResult(0), loops.shape);
}

static LogicalResult importMaxPool(Node &node) {
  FailureOr<SlidingWindow> window = getPoolWindow(node);
  if (failed(window))
    return failure();
  Tensor input = node.input(0);
  TypedAttr least = getExtreme(node.b, input, /*largest=*/false);
  Value padded = padInput(node.b, input.value, *window, least);
  Value result = buildPool(
      node.b, padded, *window, least,
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return createByType<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
            b, input, args[0], args[1]);
      });
  node.setOutput(0, result, input.isUnsigned);
  if (!node.hasOutput(1))
    return success();
  if (failed(getStaticSizes(node, 0, 1)))
    return failure();
  node.setOutput(1, buildPoolIndices(node.b, Tensor{padded}, result,
                                     node.getShape(0), *window,
                                     node.getInt("storage_order", 0) != 0));
  return success();
}

//===----------------------------------------------------------------------===//
// AveragePool
//===----------------------------------------------------------------------===//

/// Elements of the input, and of its explicit padding where that counts, in
/// each window along one dim.
static SmallVector<double> getCounts(const SlidingWindow &window, size_t dim,
                                     int64_t size, bool includePad) {
  int64_t first = includePad ? -window.padBegin[dim] : 0;
  int64_t last = size + (includePad ? window.padEnd[dim] : 0);
  SmallVector<double> counts;
  for (int64_t output = 0; output != window.outputs[dim]; ++output) {
    int64_t start = output * window.strides[dim] - window.padBegin[dim];
    auto getStepsBefore = [&](int64_t position) {
      int64_t dilation = window.dilations[dim];
      int64_t steps = (position - start + dilation - 1) / dilation;
      return std::clamp<int64_t>(steps, 0, window.kernel[dim]);
    };
    counts.push_back(getStepsBefore(last) - getStepsBefore(first));
  }
  return counts;
}

/// A tensor of rank `rank` with the counts along dim `dim`.
static Value buildCounts(TensorBuilder &b, ArrayRef<double> counts, int64_t dim,
                         int64_t rank, Type type) {
  SmallVector<int64_t> shape(rank, 1);
  shape[dim] = counts.size();
  SmallVector<Attribute> elements;
  for (double count : counts)
    elements.push_back(b.getFloatAttr(type, count));
  return b.constant(
      DenseElementsAttr::get(RankedTensorType::get(shape, type), elements));
}

static LogicalResult importAveragePool(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0);
  FailureOr<SlidingWindow> window = getPoolWindow(node);
  if (failed(input) || failed(window))
    return failure();
  bool includePad = node.getInt("count_include_pad", 0) != 0;
  Type type = input->getElementType();
  TypedAttr zero = b.getScalarAttr(type, 0);
  Value result =
      buildPool(b, padInput(b, input->value, *window, zero), *window, zero,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return arith::AddFOp::create(b, args[0], args[1]);
                });

  // Dims whose windows all hold as many elements share one divisor.
  double divisor = 1;
  SmallVector<Value> operands = {result};
  for (size_t dim = 0; dim != window->kernel.size(); ++dim) {
    SmallVector<double> counts =
        getCounts(*window, dim, node.getShape(0)[dim + 2].constant, includePad);
    if (llvm::all_equal(counts))
      divisor *= counts.front();
    else
      operands.push_back(
          buildCounts(b, counts, dim + 2, input->getRank(), type));
  }
  result = b.generic(operands, type,
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       Value count = TensorBuilder::scalar(b, type, divisor);
                       for (Value factor : args.drop_front())
                         count = arith::MulFOp::create(b, count, factor);
                       return arith::DivFOp::create(b, args[0], count);
                     });
  node.setOutput(0, result);
  return success();
}

//===----------------------------------------------------------------------===//
// Pools of the whole
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> getSpatialDims(const Tensor &input) {
  return llvm::to_vector(llvm::seq<int64_t>(2, input.getRank()));
}

static LogicalResult importGlobalAveragePool(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/3);
  if (failed(input))
    return failure();
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 2);
  if (failed(sizes))
    return failure();
  TensorBuilder &b = node.b;
  Type type = input->getElementType();
  Value sum = b.reduce(input->value, getSpatialDims(*input), /*keepDims=*/true,
                       b.getScalarAttr(type, 0),
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return arith::AddFOp::create(b, args[0], args[1]);
                       });
  double count = llvm::product_of(*sizes);
  node.setOutput(
      0, b.generic(sum, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     return arith::DivFOp::create(
                         b, args[0], TensorBuilder::scalar(b, type, count));
                   }));
  return success();
}

static LogicalResult importGlobalMaxPool(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/3);
  if (failed(input))
    return failure();
  node.setOutput(0, reduceToExtreme(node.b, *input, getSpatialDims(*input),
                                    /*keepDims=*/true, /*largest=*/true));
  return success();
}

void vitc::onnx::registerPoolingOps(OpRegistry &registry) {
  registry.add("MaxPool", importMaxPool);
  registry.add("AveragePool", importAveragePool);
  registry.add("GlobalAveragePool", importGlobalAveragePool);
  registry.add("GlobalMaxPool", importGlobalMaxPool);
}
