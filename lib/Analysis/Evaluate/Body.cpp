//===- Body.cpp - The body of a structured op over many points ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Body.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Target/StridedCopy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

Points::Points(ArrayRef<int64_t> sizes) : sizes(sizes), indices(sizes.size()) {}

void Points::set(int64_t begin, int64_t count) {
  int64_t inner = 1;
  for (int64_t dim = sizes.size() - 1; dim >= 0; --dim) {
    std::vector<int64_t> &index = indices[dim];
    index.resize(count);
    int64_t at = begin / inner % sizes[dim], left = inner - begin % inner;
    for (int64_t i = 0; i < count;) {
      int64_t end = std::min(count, i + (inner == 1 ? sizes[dim] - at : left));
      if (inner == 1)
        std::iota(index.begin() + i, index.begin() + end, at);
      else
        std::fill(index.begin() + i, index.begin() + end, at);
      at = inner == 1 || at + 1 == sizes[dim] ? 0 : at + 1;
      left = inner;
      i = end;
    }
    inner *= sizes[dim];
  }
}

/// Adds scale * `expr` to the coefficients of the loops, of which the last is a
/// constant; false if it is not linear.
static bool addLinear(AffineExpr expr, int64_t scale,
                      MutableArrayRef<int64_t> coefficients) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += scale;
    return true;
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    coefficients.back() += scale * constant.getValue();
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), scale, coefficients) &&
           addLinear(binary.getRHS(), scale, coefficients);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && factor &&
         addLinear(binary.getLHS(), scale * factor.getValue(), coefficients);
}

std::vector<int64_t> Points::evaluate(AffineExpr expr) const {
  SmallVector<int64_t> coefficients(sizes.size() + 1);
  if (addLinear(expr, 1, coefficients)) {
    std::vector<int64_t> values(count(), coefficients.back());
    for (auto [index, scale] : llvm::zip(indices, coefficients))
      if (scale != 0)
        for (auto [value, i] : llvm::zip_equal(values, index))
          value += scale * i;
    return values;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::vector<int64_t> lhs = evaluate(binary.getLHS());
  std::vector<int64_t> rhs = evaluate(binary.getRHS());
  for (auto [x, y] : llvm::zip_equal(lhs, rhs)) {
    switch (binary.getKind()) {
    case AffineExprKind::Add:
      x += y;
      break;
    case AffineExprKind::Mul:
      x *= y;
      break;
    case AffineExprKind::FloorDiv:
      x = y > 0 ? llvm::divideFloorSigned(x, y) : 0;
      break;
    case AffineExprKind::CeilDiv:
      x = y > 0 ? llvm::divideCeilSigned(x, y) : 0;
      break;
    case AffineExprKind::Mod:
      x = y > 0 ? llvm::mod(x, y) : 0;
      break;
    default:
      llvm_unreachable("linear is covered; maps have no symbols");
    }
  }
  return lhs;
}

FailureOr<std::vector<int64_t>>
Points::getOffsets(AffineMap map, ArrayRef<int64_t> shape) const {
  AffineExpr sum = getAffineConstantExpr(0, map.getContext());
  for (auto [expr, stride] :
       llvm::zip_equal(map.getResults(), getRowMajorStrides(shape)))
    sum = sum + expr * stride;
  std::vector<int64_t> offsets = evaluate(sum);
  // Verifiers do not see through every floordiv and mod.
  int64_t size = ShapedType::getNumElements(shape);
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    for (int64_t offset : offsets)
      if (offset < 0 || offset >= size)
        return failure();
  return offsets;
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

Lanes &Body::operator[](Value value) {
  std::unique_ptr<Lanes> &entry = lanes[value];
  if (!entry)
    entry = std::make_unique<Lanes>();
  return *entry;
}

const Lanes *Body::getOperand(Value value, int64_t count) {
  Lanes &entry = (*this)[value];
  if (value.getParentBlock() == &block)
    return &entry;
  const ConstantTensor *scalar = lookup(value);
  if (!scalar || scalar->size() != 1)
    return nullptr;
  gatherLanes(*scalar, std::vector<int64_t>(count), entry);
  return &entry;
}

LogicalResult Body::runExtract(Operation *op, int64_t count) {
  auto extract = cast<tensor::ExtractOp>(op);
  if (extract.getTensor().getParentBlock() == &block)
    return failure();
  const ConstantTensor *tensor = lookup(extract.getTensor());
  if (!tensor)
    return failure();
  std::vector<int64_t> offsets(count);
  for (auto [value, size] :
       llvm::zip_equal(extract.getIndices(), tensor->getShape())) {
    const Lanes *index = getOperand(value, count);
    if (!index)
      return failure();
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = index->integers[i];
      if (at < 0 || at >= size)
        return failure();
      offsets[i] = offsets[i] * size + at;
    }
  }
  gatherLanes(*tensor, offsets, (*this)[extract.getResult()]);
  return success();
}

LogicalResult Body::runOp(Operation *op, const Points &points, int64_t count) {
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    ArrayRef<int64_t> values = points.index(index.getDim());
    (*this)[index.getResult()].integers.assign(values.begin(), values.end());
    return success();
  }
  if (isa<tensor::ExtractOp>(op))
    return runExtract(op, count);
  if (op->hasTrait<OpTrait::ConstantLike>()) {
    const ConstantTensor *scalar = lookup(op->getResult(0));
    if (!scalar || scalar->size() != 1)
      return failure();
    gatherLanes(*scalar, std::vector<int64_t>(count),
                (*this)[op->getResult(0)]);
    return success();
  }
  if (op->getNumResults() != 1 || !getConstantType(op->getResult(0).getType()))
    return failure();
  SmallVector<const Lanes *> operands;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndexOrFloat() ||
        !getConstantType(operand.getType()))
      return failure();
    operands.push_back(getOperand(operand, count));
    if (!operands.back())
      return failure();
  }
  return evaluateScalarOp(op, operands, count, (*this)[op->getResult(0)]);
}

LogicalResult Body::run(const Points &points, int64_t count) {
  for (Operation &op : block.without_terminator())
    if (failed(runOp(&op, points, count)))
      return failure();
  // What is yielded may come from outside.
  for (Value value : block.getTerminator()->getOperands())
    if (!getOperand(value, count))
      return failure();
  return success();
}
