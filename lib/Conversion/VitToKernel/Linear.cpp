//===- Linear.cpp - Linear layers to kernels ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkSums.h"
#include "IndexSimplify.h"
#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;

/// From the indices of a linear layer's result, [B, M..., N], to (b, i, j).
static AffineMap getRowMap(RankedTensorType type) {
  MLIRContext *context = type.getContext();
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> middle;
  for (unsigned dim = 1; dim + 1 < rank; ++dim)
    middle.push_back(getAffineDimExpr(dim, context));
  AffineExpr row =
      middle.empty()
          ? getAffineConstantExpr(0, context)
          : linearizeIndices(middle, type.getShape().drop_front().drop_back());
  return AffineMap::get(
      rank, 0,
      {getAffineDimExpr(0, context), row, getAffineDimExpr(rank - 1, context)},
      context);
}

/// From (b, l) to the indices of a value of this type, [B, M..., K].
static AffineMap getChannelMap(RankedTensorType type) {
  MLIRContext *context = type.getContext();
  SmallVector<AffineExpr> indices(type.getRank(),
                                  getAffineConstantExpr(0, context));
  indices.front() = getAffineDimExpr(0, context);
  indices.back() = getAffineDimExpr(1, context);
  return AffineMap::get(2, 0, indices, context);
}

LogicalResult KernelEmitter::convert(vit::LinearOp op) {
  vit::WeightExprAttr weight = getConstantExpr(op.getWeight());
  if (!weight)
    return op.emitOpError("has a computed weight; a gemm needs a constant one");
  RankedTensorType input = op.getInput().getType();
  if (input.getRank() < 2)
    return op.emitOpError()
           << "has input " << input << "; needs a batch and channels";
  // A gemm reads rows however they lie: merged patches, channels of a map.
  ScaledAccess scaled = readScaled(op.getInput());
  ValueAccess lhs = scaled.access;
  if (input.getShape().back() == 1)
    lhs.map = addUnitDim(lhs.map, lhs.map.getNumDims() - 1);
  Value bias = op.getBias() ? readVector(op.getBias()) : Value();
  Value residual;
  AffineMapAttr residualMap;
  if (op.getResidual()) {
    ValueAccess access = readRows(op.getResidual());
    residual = access.base;
    residualMap = getRows(access.map, op.getType());
  }
  Destination destination = write(op.getResult());
  int64_t columns = weight.getType().getDimSize(0);
  SmallVector<ChunkSums> sums =
      findChunkSums(op.getResult(), getRowMap(op.getType()));
  SmallVector<Type> types = {destination.init.getType()};
  Value statistics = emptyStatistics(sums, op.getResult(), columns);
  if (statistics)
    types.push_back(statistics.getType());
  auto gemm = kernel::GemmOp::create(
      builder, types, batchOf(op.getInput()), index(getNumRows(input)),
      builder.getI64IntegerAttr(columns),
      builder.getI64IntegerAttr(weight.getType().getDimSize(1)), lhs.base,
      getRows(lhs.map, input), constant(vit::WeightExprAttr::pack(weight)),
      bias, residual, residualMap, destination.init,
      getRows(destination.map, op.getType()), op.getActivationAttr(),
      op.getNormAttr(), kernel::GemmTilingAttr());
  setScaling(gemm, scaled, getChannelMap(input));
  finishStatistics(gemm, sums, statistics);
  finish(destination, gemm.getResult(0));
  return success();
}

/// A GELU of this form on a scalar. VitToLinalg has its own on purpose: the
/// reference shares no code with what it checks.
static Value emitGelu(ImplicitLocOpBuilder &builder, Value x,
                      vit::GeluForm form) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(builder,
                                     builder.getFloatAttr(x.getType(), value));
  };
  auto mul = [&](Value a, Value b) -> Value {
    return arith::MulFOp::create(builder, a, b);
  };
  auto add = [&](Value a, Value b) -> Value {
    return arith::AddFOp::create(builder, a, b);
  };
  if (form == vit::GeluForm::Quick) {
    Value power = math::ExpOp::create(builder, mul(x, number(-1.702)));
    return arith::DivFOp::create(builder, x, add(power, number(1.0)));
  }
  Value bounded;
  if (form == vit::GeluForm::Tanh) {
    Value cube = mul(mul(x, x), x);
    Value inner = add(x, mul(cube, number(0.044715)));
    bounded =
        math::TanhOp::create(builder, mul(inner, number(0.7978845608028654)));
  } else {
    bounded = math::ErfOp::create(builder, mul(x, number(0.7071067811865476)));
  }
  return mul(mul(x, number(0.5)), add(bounded, number(1.0)));
}

LogicalResult KernelEmitter::convert(vit::GeluOp op) {
  ValueAccess input = read(op.getInput());
  Destination destination = write(op.getResult());
  Box box = getBox(op.getResult());
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(destination.init.getType()), box.batch, box.sizes,
      ValueRange(input.base),
      builder.getAffineMapArrayAttr({input.map.compose(box.map)}),
      destination.init, AffineMapAttr::get(destination.map.compose(box.map)),
      kernel::RowTilingAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(
        &generic.getBody(), {}, {op.getType().getElementType()}, {op.getLoc()});
    kernel::YieldOp::create(
        builder, emitGelu(builder, body->getArgument(0), op.getForm()));
  }
  finish(destination, generic.getResult(0));
  return success();
}
