//===- TensorProduct.cpp - Contractions, reductions and softmax -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

Value TensorBuilder::contract(Value lhs, AffineMap lhsMap, Value rhs,
                              AffineMap rhsMap, ArrayRef<Size> shape,
                              AffineMap resultMap) {
  Type element = getElementType(lhs);
  Value zero = fill(shape, getScalarAttr(element, 0));
  auto op = linalg::ContractOp::create(
      *this, zero.getType(), ValueRange{lhs, rhs}, ValueRange(zero),
      getAffineMapArrayAttr({lhsMap, rhsMap, resultMap}));
  return setShape(op.getResult(0), shape);
}

Value TensorBuilder::matmul(Value lhs, Value rhs) {
  Shape lhsShape = getShape(lhs), rhsShape = getShape(rhs);
  bool vectorLhs = lhsShape.size() == 1, vectorRhs = rhsShape.size() == 1;
  auto getBatchDims = [](ArrayRef<Size> shape, bool vector) {
    return Shape(shape.drop_back(vector ? 1 : 2));
  };
  Shape batchDims = *broadcast(
      {getBatchDims(lhsShape, vectorLhs), getBatchDims(rhsShape, vectorRhs)});
  size_t numBatch = batchDims.size();
  // Loops: the batch dims, m, n, k.
  AffineExpr m = getAffineDimExpr(numBatch), n = getAffineDimExpr(numBatch + 1),
             k = getAffineDimExpr(numBatch + 2);
  // A batch dim of one item that serves several is no dim of the operand.
  auto dropBroadcast = [&](Value operand, bool vector,
                           SmallVector<AffineExpr> &exprs) {
    Shape shape = getShape(operand), kept;
    size_t count = shape.size() - (vector ? 1 : 2);
    for (size_t dim = 0; dim < count; ++dim) {
      size_t loop = numBatch - count + dim;
      if (shape[dim] == Size(1) && batchDims[loop] != Size(1))
        continue;
      kept.push_back(shape[dim]);
      exprs.push_back(getAffineDimExpr(loop));
    }
    kept.append(shape.begin() + count, shape.end());
    return reshape(operand, kept);
  };

  SmallVector<AffineExpr> lhsExprs, rhsExprs, resultExprs;
  for (size_t dim = 0; dim < numBatch; ++dim)
    resultExprs.push_back(getAffineDimExpr(dim));
  Shape shape = batchDims;
  lhs = dropBroadcast(lhs, vectorLhs, lhsExprs);
  if (!vectorLhs) {
    lhsExprs.push_back(m);
    resultExprs.push_back(m);
    shape.push_back(lhsShape[lhsShape.size() - 2]);
  }
  lhsExprs.push_back(k);
  rhs = dropBroadcast(rhs, vectorRhs, rhsExprs);
  rhsExprs.push_back(k);
  if (!vectorRhs) {
    rhsExprs.push_back(n);
    resultExprs.push_back(n);
    shape.push_back(rhsShape.back());
  }
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numBatch + 3, 0, exprs, getContext());
  };
  SmallVector<AffineMap> maps = {getMap(lhsExprs), getMap(rhsExprs),
                                 getMap(resultExprs)};
  if (vectorLhs || vectorRhs)
    maps = compressUnusedDims(maps);
  return contract(lhs, maps[0], rhs, maps[1], shape, maps[2]);
}

Value TensorBuilder::reduce(Value tensor, ArrayRef<int64_t> axes, bool keepDims,
                            TypedAttr identity, Body combine) {
  Shape from = getShape(tensor), reduced, kept;
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (auto [dim, size] : llvm::enumerate(from)) {
    if (llvm::is_contained(axes, int64_t(dim))) {
      iterators.push_back(utils::IteratorType::reduction);
      kept.push_back(1);
      continue;
    }
    iterators.push_back(utils::IteratorType::parallel);
    exprs.push_back(getAffineDimExpr(dim));
    reduced.push_back(size);
    kept.push_back(size);
  }
  if (reduced.size() == from.size())
    return tensor;
  Value init = fill(reduced, identity);
  SmallVector<AffineMap> maps = {
      getMultiDimIdentityMap(from.size()),
      AffineMap::get(from.size(), 0, exprs, getContext())};
  auto op = linalg::GenericOp::create(
      *this, init.getType(), ValueRange(tensor), ValueRange(init), maps,
      iterators, [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        linalg::YieldOp::create(b, combine(b, args));
      });
  Value result = setShape(op.getResult(0), reduced);
  return keepDims ? reshape(result, kept) : result;
}

Value TensorBuilder::softmax(Value tensor, int64_t axis) {
  Shape shape = getShape(tensor);
  Value init = empty(shape, getElementType(tensor));
  auto op = linalg::SoftmaxOp::create(*this, init.getType(), tensor, init,
                                      uint64_t(axis));
  return setShape(op->getResult(0), shape);
}
