//===- GridIndices.cpp - Indices of every element -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The indices are columns side by side. Column j is the numbers from 0 on,
// along dim j, repeated along all others.
//
//===----------------------------------------------------------------------===//

#include "GridIndices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// The position of a dim among those that are not 1.
static int64_t countBefore(ArrayRef<Size> shape, int64_t dim) {
  return llvm::count_if(shape.take_front(dim),
                        [](Size size) { return size != Size(1); });
}

/// The dim of `to` that dim `dim` of `from` is, which have the same elements in
/// shapes that differ in ones; none for other shapes.
static std::optional<int64_t> followOnes(ArrayRef<Size> from, ArrayRef<Size> to,
                                         int64_t dim) {
  auto isWide = [](Size size) { return size != Size(1); };
  auto wideFrom = llvm::make_filter_range(from, isWide);
  auto wideTo = llvm::make_filter_range(to, isWide);
  if (!llvm::equal(wideFrom, wideTo))
    return std::nullopt;
  int64_t wanted = countBefore(from, dim);
  for (int64_t other = 0; other < int64_t(to.size()); ++other)
    if (isWide(to[other]) && countBefore(to, other) == wanted)
      return other;
  return std::nullopt;
}

/// Whether an op gives 0, 1, 2, ... along its one dim.
static bool countsUp(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 0 || op.getNumLoops() != 1)
    return false;
  Value value =
      cast<linalg::YieldOp>(op.getBody()->getTerminator()).getOperand(0);
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    if (matchPattern(sum.getRhs(), m_Zero()))
      value = sum.getLhs();
  auto cast = value.getDefiningOp<arith::IndexCastOp>();
  return cast && cast.getIn().getDefiningOp<linalg::IndexOp>();
}

/// Whether an op repeats its operand.
static bool isBroadcast(linalg::GenericOp op) {
  Value yielded =
      cast<linalg::YieldOp>(op.getBody()->getTerminator()).getOperand(0);
  return op.getNumDpsInputs() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         yielded == op.getBody()->getArgument(0);
}

/// Whether every element is 0.
static bool isZero(Value column) {
  while (Operation *op = column.getDefiningOp()) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (generic && isBroadcast(generic))
      column = generic.getDpsInputOperand(0)->get();
    else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      column = op->getOperand(0);
    else
      return matchPattern(column, m_Zero());
  }
  return false;
}

/// Whether a constant is 0, 1, 2, ... along `dim`, its one dim that is not 1.
static bool countsUp(DenseElementsAttr constant, int64_t dim) {
  if (constant.getNumElements() != constant.getType().getDimSize(dim))
    return false;
  for (auto [index, number] : llvm::enumerate(constant.getValues<APInt>()))
    if (number != index)
      return false;
  return true;
}

/// Whether each element is its index along `dim`, whose size is not 1.
static bool isIndexAlong(TensorBuilder &b, Value column, int64_t dim) {
  DenseElementsAttr constant;
  while (Operation *op = column.getDefiningOp()) {
    if (matchPattern(column, m_Constant(&constant)) &&
        isa<IntegerType>(constant.getElementType()))
      return countsUp(constant, dim);
    std::optional<int64_t> next;
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
      next = followOnes(b.getShape(column), b.getShape(op->getOperand(0)), dim);
    } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (!isBroadcast(generic))
        return TensorBuilder::getRank(column) == 1 && countsUp(generic);
      AffineMap map = generic.getIndexingMapsArray().front();
      next = map.getResultPosition(b.getAffineDimExpr(dim));
    }
    if (!next)
      return false;
    column = op->getOperand(0);
    dim = *next;
  }
  return false;
}

bool onnx::areGridIndices(TensorBuilder &b, Value indices,
                          ArrayRef<Size> shape) {
  int64_t rank = shape.size();
  auto columns = indices.getDefiningOp<tensor::ConcatOp>();
  if (!columns || int64_t(columns.getDim()) != rank ||
      int64_t(columns.getInputs().size()) != rank)
    return false;
  Shape wanted(shape);
  wanted.push_back(1);
  for (auto [dim, column] : llvm::enumerate(columns.getInputs())) {
    bool isIndex =
        shape[dim] == Size(1) ? isZero(column) : isIndexAlong(b, column, dim);
    if (b.getShape(column) != wanted || !isIndex)
      return false;
  }
  return true;
}
