//===- Softmax.cpp - ONNX's softmaxes -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Before opset 13 the axis, 1 by default, splits the dims in two groups, rows
// and columns of a matrix; from then on it is the one dim that is normalised,
// the last by default.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "Product.h"
#include "Ranking.h"
#include "Reduce.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace vitc::onnx;

static Value buildSoftmax(TensorBuilder &b, Value input, int64_t axis) {
  return b.softmax(input, axis);
}

/// (x - max) - log(sum(exp(x - max))).
static Value buildLogSoftmax(TensorBuilder &b, Value input, int64_t axis) {
  Type type = TensorBuilder::getElementType(input);
  Value largest = reduceToExtreme(b, Tensor{input}, axis, /*keepDims=*/true,
                                  /*largest=*/true);
  Value shifted =
      b.elementwise({input, largest}, type,
                    [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                      return arith::SubFOp::create(b, args[0], args[1]);
                    });
  Value sum =
      b.reduce(shifted, axis, /*keepDims=*/true, b.getScalarAttr(type, 0),
               [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                 return arith::AddFOp::create(
                     b, math::ExpOp::create(b, args[0]), args[1]);
               });
  return b.generic({shifted, sum}, type,
                   [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     return arith::SubFOp::create(
                         b, args[0], math::LogOp::create(b, args[1]));
                   });
}

/// 1 at the first of the largest, 0 elsewhere.
static Value buildHardmax(TensorBuilder &b, Value input, int64_t axis) {
  Type type = TensorBuilder::getElementType(input);
  Value first =
      buildArg(b, Tensor{input}, axis, /*largest=*/true, /*last=*/false);
  return b.generic({input, first}, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value isFirst =
                         arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                               getPosition(b, axis), args[1]);
                     return arith::SelectOp::create(
                         b, isFirst, TensorBuilder::scalar(b, type, 1),
                         TensorBuilder::scalar(b, type, 0));
                   });
}

/// The scores of positions that are there; -inf for those that an axis, whose
/// size grows with each token, has room for.
static Value maskGrown(TensorBuilder &b, Value input, int64_t axis) {
  Type type = TensorBuilder::getElementType(input);
  Size size = b.getShape(input)[axis];
  Shape shape(TensorBuilder::getRank(input), Size(1));
  shape[axis] = size;
  Value none = b.fill(shape, b.getScalarAttr(type, 0));
  Value mask =
      b.keepPositions(none, axis, -std::numeric_limits<double>::infinity());
  return buildSum(b, input, mask);
}

template <Value (*build)(TensorBuilder &b, Value input, int64_t axis)>
static LogicalResult importAlongAxis(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  if (failed(input))
    return failure();
  FailureOr<int64_t> axis = node.getAxis("axis", -1, input->getRank());
  if (failed(axis))
    return failure();
  if (*axis == input->getRank() - 1 && node.getShape(0)[*axis].isOfTrip())
    input->value = maskGrown(node.b, input->value, *axis);
  else if (failed(getStaticSizes(node, 0, *axis)))
    return failure();
  node.setOutput(0, build(node.b, input->value, *axis));
  return success();
}

template <Value (*build)(TensorBuilder &b, Value input, int64_t axis)>
static LogicalResult importOfMatrix(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  if (failed(input))
    return failure();
  // An axis equal to the rank is allowed here, and leaves columns of one.
  int64_t rank = input->getRank();
  int64_t axis = node.getInt("axis", 1);
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis > rank)
    return node.emitError() << "axis is " << node.getInt("axis", 1)
                            << "; the input has " << rank << " dims";
  FailureOr<SmallVector<int64_t>> columns = getStaticSizes(node, 0, axis);
  if (failed(columns))
    return failure();
  Shape shape = node.getShape(0);
  Shape flat(ArrayRef<Size>(shape).take_front(axis));
  flat.push_back(llvm::product_of(*columns));
  Value matrix = node.b.reshape(input->value, flat);
  Value result = build(node.b, matrix, axis);
  node.setOutput(0, node.b.reshape(result, shape));
  return success();
}

void vitc::onnx::registerSoftmaxOps(OpRegistry &registry) {
  registry.add("Softmax", importOfMatrix<buildSoftmax>);
  registry.add("Softmax", importAlongAxis<buildSoftmax>, 1, /*since=*/13);
  registry.add("LogSoftmax", importOfMatrix<buildLogSoftmax>);
  registry.add("LogSoftmax", importAlongAxis<buildLogSoftmax>, 1, /*since=*/13);
  registry.add("Hardmax", importOfMatrix<buildHardmax>);
  registry.add("Hardmax", importAlongAxis<buildHardmax>, 1, /*since=*/13);
}
