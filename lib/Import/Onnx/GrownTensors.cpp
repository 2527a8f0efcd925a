//===- GrownTensors.cpp - Tensors that grow with each token ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In the step of a decoder sizes are formulas of i, the number of tokens before
// this one; in a graph that reads a text as long as it is, of the number of its
// tokens. A tensor of such a size has as many positions as the largest i needs;
// nothing reads those behind the ones that there are.
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

void TensorBuilder::startStep(Value position, int64_t length) {
  tripCount = position;
  lastTrip = length - 1;
  tripIndex = atPreamble([&]() -> Value {
    Value number = tensor::ExtractOp::create(*this, position, zeroIndex);
    return arith::IndexCastOp::create(*this, getIndexType(), number);
  });
}

/// The most of constant + factor * i, up to i = last. Saturates.
static int64_t getMost(int64_t constant, int64_t factor, int64_t last) {
  int64_t most = 0;
  if (llvm::MulOverflow(std::max<int64_t>(factor, 0), last, most) ||
      llvm::AddOverflow(constant, most, most))
    return std::numeric_limits<int64_t>::max();
  return most;
}

Size TensorBuilder::getExtent(Size size) const {
  if (!isInStep())
    return size;
  return Size::batch(getMost(size.batchFactor, size.crossFactor, *lastTrip),
                     getMost(size.constant, size.tripFactor, *lastTrip));
}

TypedAttr TensorBuilder::getFilled(Value tensor) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  TypedAttr number;
  if (!isInStep() || !fill || !matchPattern(fill.value(), m_Constant(&number)))
    return {};
  auto isNumber = [&](double value) {
    return number == getScalarAttr(number.getType(), value);
  };
  return isNumber(0) || isNumber(1) ? number : TypedAttr();
}

/// factor * count + constant.
static Value buildFormula(ImplicitLocOpBuilder &b, Value count, Size size) {
  auto number = [&](int64_t value) {
    return arith::ConstantIntOp::create(b, value, 64);
  };
  Value scaled = b.createOrFold<arith::MulIOp>(count, number(size.tripFactor));
  return b.createOrFold<arith::AddIOp>(scaled, number(size.constant));
}

/// The position along `dim` of the element that is computed.
static Value buildPosition(ImplicitLocOpBuilder &b, int64_t dim) {
  return arith::IndexCastOp::create(b, b.getI64Type(),
                                    linalg::IndexOp::create(b, dim));
}

Value TensorBuilder::keepPositions(Value tensor, int64_t dim,
                                   double otherwise) {
  Shape shape = getShape(tensor);
  Type element = getElementType(tensor);
  AffineMap identity = getMultiDimIdentityMap(shape.size());
  AffineMap first = AffineMap::get(shape.size(), 0, getAffineConstantExpr(0));
  return generic({tensor, tripCount}, {identity, first}, shape, element,
                 [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                   Value isThere = arith::CmpIOp::create(
                       b, arith::CmpIPredicate::slt, buildPosition(b, dim),
                       buildFormula(b, args[1], shape[dim]));
                   return arith::SelectOp::create(
                       b, isThere, args[0],
                       TensorBuilder::scalar(b, element, otherwise));
                 });
}

Value TensorBuilder::append(Value tensor, Value row, int64_t dim) {
  Shape shape = getShape(tensor);
  Size size = shape[dim];
  int64_t last = getExtent(size).constant - 1;
  shape[dim].constant += 1;
  AffineMap identity = getMultiDimIdentityMap(shape.size());
  AffineMap ofRow = identity.replace(getAffineDimExpr(dim),
                                     getAffineConstantExpr(0), shape.size(),
                                     /*numResultSyms=*/0);
  AffineMap first = AffineMap::get(shape.size(), 0, getAffineConstantExpr(0));
  return generic(
      {row, tripCount}, {ofRow, first}, shape, getElementType(tensor),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isOld = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                            buildPosition(b, dim),
                                            buildFormula(b, args[1], size));
        SmallVector<Value> indices;
        for (size_t each = 0; each < shape.size(); ++each)
          indices.push_back(linalg::IndexOp::create(b, each));
        indices[dim] = arith::MinSIOp::create(
            b, indices[dim], arith::ConstantIndexOp::create(b, last));
        Value old = tensor::ExtractOp::create(b, tensor, indices);
        return arith::SelectOp::create(b, isOld, old, args[0]);
      });
}
