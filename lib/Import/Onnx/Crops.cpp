//===- Crops.cpp - Slices of a known size at a computed place -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A glimpse is x[:, i : i + 3] where the model predicts i. Its size is known
// as both bounds are sums of one number, i, and a constant.
//
//===----------------------------------------------------------------------===//

#include "Crops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {
/// One number: an element of a tensor, whatever its shape, and a constant.
struct Sum {
  Value tensor;
  int64_t position;
  int64_t constant = 0;
};
} // namespace

/// The terms of a sum of integers; none of another op.
static SmallVector<Value, 2> getTerms(Operation *op) {
  if (isa<arith::AddIOp>(op))
    return {op->getOperand(0), op->getOperand(1)};
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 2 ||
      generic.getNumParallelLoops() != generic.getNumLoops())
    return {};
  Block *body = generic.getBody();
  auto sum = cast<linalg::YieldOp>(body->getTerminator())
                 .getOperand(0)
                 .getDefiningOp<arith::AddIOp>();
  bool addsInputs =
      sum &&
      llvm::is_contained(sum->getOperands(), Value(body->getArgument(0))) &&
      llvm::is_contained(sum->getOperands(), Value(body->getArgument(1)));
  if (!addsInputs)
    return {};
  return {generic.getDpsInputOperand(0)->get(),
          generic.getDpsInputOperand(1)->get()};
}

/// Element `position` of what a term broadcasts to, of `size` elements; none
/// where it is broadcast along some of its dims.
static std::optional<int64_t> getPosition(Value term, int64_t position,
                                          int64_t size) {
  auto type = cast<RankedTensorType>(term.getType());
  if (!type.hasStaticShape())
    return std::nullopt;
  if (type.getNumElements() == 1)
    return 0;
  return type.getNumElements() == size ? std::optional(position) : std::nullopt;
}

/// Follows one step of what a number was made by; false at its origin.
static bool follow(Sum &sum) {
  Operation *op = sum.tensor.getDefiningOp();
  auto type = cast<RankedTensorType>(sum.tensor.getType());
  if (!op || !type.hasStaticShape())
    return false;
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    sum.tensor = op->getOperand(0);
    return true;
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    if (type.getRank() != 1)
      return false;
    for (Value part : concat.getInputs()) {
      int64_t size = cast<RankedTensorType>(part.getType()).getDimSize(0);
      sum.tensor = part;
      if (sum.position < size)
        return true;
      sum.position -= size;
    }
    return false;
  }
  SmallVector<Value, 2> terms = getTerms(op);
  for (unsigned index = 0; index < terms.size(); ++index) {
    DenseElementsAttr numbers;
    Value known = terms[index], other = terms[1 - index];
    if (!matchPattern(known, m_Constant(&numbers)))
      continue;
    int64_t size = type.getNumElements();
    std::optional<int64_t> at = getPosition(known, sum.position, size);
    std::optional<int64_t> next = getPosition(other, sum.position, size);
    if (!at || !next)
      return false;
    std::optional<int64_t> constant = llvm::checkedAdd(
        sum.constant, (*(numbers.value_begin<APInt>() + *at)).getSExtValue());
    if (!constant)
      return false;
    sum = {other, *next, *constant};
    return true;
  }
  return false;
}

static Sum getSum(Value numbers, int64_t position) {
  Sum sum{numbers, position};
  while (follow(sum))
    ;
  return sum;
}

/// The first of `count` positions of a dim of `size`; `start` counts from the
/// end where it is negative.
static Value buildFirst(ImplicitLocOpBuilder &b, Value start, int64_t size,
                        int64_t count) {
  Value first = arith::IndexCastOp::create(b, b.getIndexType(), start);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, first, zero);
  Value fromEnd =
      arith::AddIOp::create(b, first, arith::ConstantIndexOp::create(b, size));
  first = arith::SelectOp::create(b, isNegative, fromEnd, first);
  first = arith::MaxSIOp::create(b, first, zero);
  return arith::MinSIOp::create(
      b, first, arith::ConstantIndexOp::create(b, size - count));
}

std::optional<Value> onnx::buildCrop(Node &node) {
  TensorBuilder &b = node.b;
  if (node.getFormulasOf(1) || node.getFormulasOf(2) || !node.hasInput(3) ||
      !node.isConstant(3) || (node.hasInput(4) && !node.isConstant(4)))
    return std::nullopt;
  Shape shape = node.getShape(0);
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOf(3);
  FailureOr<SmallVector<int64_t>> steps =
      node.hasInput(4) ? node.getIntsOf(4) : SmallVector<int64_t>{1};
  if (succeeded(axes))
    axes = node.normalizeAxes(*axes, shape.size());
  if (failed(axes) || failed(steps) ||
      llvm::any_of(*steps, [](int64_t step) { return step != 1; }) ||
      node.getShape(1) != Shape{int64_t(axes->size())} ||
      node.getShape(2) != node.getShape(1) ||
      !isa<IntegerType>(node.getElementType(1)))
    return std::nullopt;
  Value starts = node.input(1).value, ends = node.input(2).value;
  Shape result = shape;
  for (auto [index, axis] : llvm::enumerate(*axes)) {
    Sum start = getSum(starts, index), end = getSum(ends, index);
    std::optional<int64_t> count =
        llvm::checkedSub(end.constant, start.constant);
    if (start.tensor != end.tensor || start.position != end.position ||
        !count || *count < 1 || !shape[axis].isStatic() ||
        *count > shape[axis].constant)
      return std::nullopt;
    result[axis] = *count;
  }
  SmallVector<Value> numbers;
  for (size_t index = 0; index < axes->size(); ++index)
    numbers.push_back(b.reshape(b.sliceDim(starts, 0, index, 1), {}));
  SmallVector<AffineMap> maps(
      numbers.size(), AffineMap::get(result.size(), 0, {}, b.getContext()));
  Value x = node.input(0).value;
  return b.generic(numbers, maps, result, TensorBuilder::getElementType(x),
                   [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                     SmallVector<Value> position;
                     for (size_t dim = 0; dim < result.size(); ++dim)
                       position.push_back(linalg::IndexOp::create(body, dim));
                     for (auto [axis, start] : llvm::zip(*axes, args)) {
                       Value first =
                           buildFirst(body, start, shape[axis].constant,
                                      result[axis].constant);
                       position[axis] =
                           arith::AddIOp::create(body, first, position[axis]);
                     }
                     return tensor::ExtractOp::create(body, x, position);
                   });
}
