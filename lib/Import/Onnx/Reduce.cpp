//===- Reduce.cpp - ONNX's reductions -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The axes are an attribute up to opset 17 (12 for ReduceSum), then an input.
// Without axes all are reduced, or, where the node says so, none.
//
//===----------------------------------------------------------------------===//

#include "Reduce.h"

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

namespace {
struct Reduction {
  Tensor input;
  SmallVector<int64_t> axes;
  bool keepDims;
};
} // namespace

static FailureOr<Reduction> getReduction(Node &node) {
  Reduction reduction{node.input(0), {}, node.getInt("keepdims", 1) != 0};
  int64_t rank = reduction.input.getRank();
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOrInput("axes", 1, {});
  if (failed(axes))
    return failure();
  if (axes->empty() && node.getInt("noop_with_empty_axes", 0) == 0)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  axes = node.normalizeAxes(*axes, rank);
  if (failed(axes))
    return failure();
  reduction.axes = *axes;
  Shape shape = node.getShape(0);
  for (int64_t axis : reduction.axes)
    if (!shape[axis].isStatic())
      return node.emitError()
             << "reduces axis " << axis << " of shape " << Node::format(shape)
             << "; needs a size that does not depend on the batch (--batch=N "
                "fixes it)";
  return reduction;
}

static FailureOr<Reduction> getFloatReduction(Node &node) {
  if (failed(getFloatInput(node, 0)))
    return failure();
  return getReduction(node);
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

static Value buildAdd(ImplicitLocOpBuilder &b, const Tensor &like, Value lhs,
                      Value rhs) {
  return createByType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(b, like, lhs,
                                                                   rhs);
}

static Value buildMul(ImplicitLocOpBuilder &b, const Tensor &like, Value lhs,
                      Value rhs) {
  return createByType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(b, like, lhs,
                                                                   rhs);
}

/// The sum of term(x) over the axes.
static Value
buildSum(Node &node, const Reduction &reduction,
         llvm::function_ref<Value(ImplicitLocOpBuilder &b, Value x)> term) {
  const Tensor &input = reduction.input;
  if (reduction.axes.empty())
    return node.b.generic(input.value, input.getElementType(),
                          [&](ImplicitLocOpBuilder &b, ValueRange args) {
                            return term(b, args[0]);
                          });
  return node.b.reduce(input.value, reduction.axes, reduction.keepDims,
                       node.b.getScalarAttr(input.getElementType(), 0),
                       [&](ImplicitLocOpBuilder &b, ValueRange args) {
                         return buildAdd(b, input, term(b, args[0]), args[1]);
                       });
}

static Value buildSumOfSquares(Node &node, const Reduction &reduction) {
  return buildSum(node, reduction, [&](ImplicitLocOpBuilder &b, Value x) {
    return buildMul(b, reduction.input, x, x);
  });
}

static Value buildPlainSum(Node &node, const Reduction &reduction) {
  return buildSum(node, reduction,
                  [](ImplicitLocOpBuilder &, Value x) { return x; });
}

template <Value (*build)(Node &node, const Reduction &reduction)>
static LogicalResult importReduction(Node &node) {
  FailureOr<Reduction> reduction = getReduction(node);
  if (failed(reduction))
    return failure();
  node.setOutput(0, build(node, *reduction), reduction->input.isUnsigned);
  return success();
}

static Value buildProduct(Node &node, const Reduction &reduction) {
  const Tensor &input = reduction.input;
  return node.b.reduce(input.value, reduction.axes, reduction.keepDims,
                       node.b.getScalarAttr(input.getElementType(), 1),
                       [&](ImplicitLocOpBuilder &b, ValueRange args) {
                         return buildMul(b, input, args[0], args[1]);
                       });
}

static Value buildSumOfMagnitudes(Node &node, const Reduction &reduction) {
  const Tensor &input = reduction.input;
  return buildSum(node, reduction,
                  [&](ImplicitLocOpBuilder &b, Value x) -> Value {
                    if (input.isFloat())
                      return math::AbsFOp::create(b, x);
                    if (input.isUnsigned)
                      return x;
                    return math::AbsIOp::create(b, x);
                  });
}

static LogicalResult importMean(Node &node) {
  FailureOr<Reduction> reduction = getReduction(node);
  if (failed(reduction))
    return failure();
  const Tensor &input = reduction->input;
  Shape sizes;
  int64_t count = 1;
  for (int64_t axis : reduction->axes) {
    sizes.push_back(node.getShape(0)[axis]);
    count *= sizes.back().constant;
  }
  if (count == 0 && !input.isFloat())
    return node.emitError() << "averages dims of sizes " << Node::format(sizes)
                            << "; a mean of integers needs one or more";
  Value sum = buildPlainSum(node, *reduction);
  Type type = input.getElementType();
  Value divisor = node.b.constant(
      DenseElementsAttr::get(RankedTensorType::get({}, type),
                             Attribute(node.b.getScalarAttr(type, count))));
  Value mean = node.b.elementwise(
      {sum, divisor}, type, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return createByType<arith::DivFOp, arith::DivSIOp, arith::DivUIOp>(
            b, input, args[0], args[1]);
      });
  node.setOutput(0, mean, input.isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// The largest and the smallest
//===----------------------------------------------------------------------===//

TypedAttr vitc::onnx::getExtreme(TensorBuilder &b, const Tensor &tensor,
                                 bool largest) {
  Type type = tensor.getElementType();
  if (tensor.isFloat()) {
    double infinity = std::numeric_limits<double>::infinity();
    return b.getFloatAttr(type, largest ? infinity : -infinity);
  }
  unsigned bits = type.getIntOrFloatBitWidth();
  if (tensor.isUnsigned || bits == 1)
    return b.getIntegerAttr(type, largest ? APInt::getMaxValue(bits)
                                          : APInt::getMinValue(bits));
  return b.getIntegerAttr(type, largest ? APInt::getSignedMaxValue(bits)
                                        : APInt::getSignedMinValue(bits));
}

Value vitc::onnx::reduceToExtreme(TensorBuilder &b, Tensor input,
                                  ArrayRef<int64_t> axes, bool keepDims,
                                  bool largest) {
  input.isUnsigned |= input.getElementType().isInteger(1);
  return b.reduce(
      input.value, axes, keepDims, getExtreme(b, input, !largest),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        if (largest)
          return createByType<arith::MaximumFOp, arith::MaxSIOp,
                              arith::MaxUIOp>(b, input, args[0], args[1]);
        return createByType<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
            b, input, args[0], args[1]);
      });
}

template <bool largest>
static Value buildExtreme(Node &node, const Reduction &reduction) {
  return reduceToExtreme(node.b, reduction.input, reduction.axes,
                         reduction.keepDims, largest);
}

//===----------------------------------------------------------------------===//
// Norms and logarithms
//===----------------------------------------------------------------------===//

template <typename Op>
static Value buildFunction(TensorBuilder &b, Value tensor) {
  return b.elementwise(tensor, TensorBuilder::getElementType(tensor),
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return Op::create(b, args[0]);
                       });
}

static LogicalResult importL2(Node &node) {
  FailureOr<Reduction> reduction = getFloatReduction(node);
  if (failed(reduction))
    return failure();
  node.setOutput(0, buildFunction<math::SqrtOp>(
                        node.b, buildSumOfSquares(node, *reduction)));
  return success();
}

static LogicalResult importLogSum(Node &node) {
  FailureOr<Reduction> reduction = getFloatReduction(node);
  if (failed(reduction))
    return failure();
  node.setOutput(
      0, buildFunction<math::LogOp>(node.b, buildPlainSum(node, *reduction)));
  return success();
}

/// m + log(sum(exp(x - m))) for m the largest x, or 0 when that is infinite.
static LogicalResult importLogSumExp(Node &node) {
  FailureOr<Reduction> reduction = getFloatReduction(node);
  if (failed(reduction))
    return failure();
  TensorBuilder &b = node.b;
  Type type = reduction->input.getElementType();
  Reduction kept = *reduction;
  kept.keepDims = true;
  Value largest = b.generic(
      buildExtreme<true>(node, kept), type,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value infinity = TensorBuilder::scalar(
            b, type, std::numeric_limits<double>::infinity());
        Value isInfinite =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                  math::AbsFOp::create(b, args[0]), infinity);
        return arith::SelectOp::create(
            b, isInfinite, TensorBuilder::scalar(b, type, 0), args[0]);
      });
  kept.input.value =
      b.generic({kept.input.value, largest}, type,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return math::ExpOp::create(
                      b, arith::SubFOp::create(b, args[0], args[1]));
                });
  Value result =
      b.generic({buildPlainSum(node, kept), largest}, type,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return arith::AddFOp::create(
                      b, math::LogOp::create(b, args[0]), args[1]);
                });
  if (!reduction->keepDims) {
    Shape shape;
    for (auto [dim, size] : llvm::enumerate(node.getShape(0)))
      if (!llvm::is_contained(reduction->axes, int64_t(dim)))
        shape.push_back(size);
    result = b.reshape(result, shape);
  }
  node.setOutput(0, result);
  return success();
}

void vitc::onnx::registerReduceOps(OpRegistry &registry) {
  registry.add("ReduceSum", importReduction<buildPlainSum>);
  registry.add("ReduceMean", importMean);
  registry.add("ReduceProd", importReduction<buildProduct>);
  registry.add("ReduceMax", importReduction<buildExtreme<true>>);
  registry.add("ReduceMin", importReduction<buildExtreme<false>>);
  registry.add("ReduceL1", importReduction<buildSumOfMagnitudes>);
  registry.add("ReduceL2", importL2);
  registry.add("ReduceSumSquare", importReduction<buildSumOfSquares>);
  registry.add("ReduceLogSum", importLogSum);
  registry.add("ReduceLogSumExp", importLogSumExp);
}
