//===- Norm.cpp - Norms and pooling to kernels ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

LogicalResult KernelEmitter::convertNorm(Operation *op, bool rms,
                                         FloatAttr epsilon, Value scale,
                                         Value shift) {
  Value source = op->getOperand(0), value = op->getResult(0);
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() < 2)
    return op->emitOpError()
           << "has input " << type << "; needs a batch and channels";
  ValueAccess input = readRows(source);
  scale = scale ? readVector(scale) : Value();
  shift = shift ? readVector(shift) : Value();
  std::optional<Destination> packed = writePacked(value);
  Destination destination = packed ? *packed : write(value);
  auto norm = kernel::NormOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(source),
      index(getNumRows(type)),
      builder.getI64IntegerAttr(type.getShape().back()),
      rms ? builder.getUnitAttr() : UnitAttr(), epsilon, input.base,
      getRows(input.map, type), scale, shift, destination.init,
      getRows(destination.map, type), kernel::RowTilingAttr());
  finish(destination, norm.getResult(0));
  return success();
}

LogicalResult KernelEmitter::convert(vit::LayerNormOp op) {
  return convertNorm(op, /*rms=*/false, op.getEpsilonAttr(), op.getScale(),
                     op.getShift());
}

LogicalResult KernelEmitter::convert(vit::RmsNormOp op) {
  return convertNorm(op, /*rms=*/true, op.getEpsilonAttr(), op.getScale(),
                     /*shift=*/Value());
}

LogicalResult KernelEmitter::convert(vit::MeanTokensOp op) {
  RankedTensorType type = op.getInput().getType();
  AffineExpr b, i, c;
  bindDims(builder.getContext(), b, i, c);
  AffineMap skip =
      AffineMap::get(3, 0, {b, i + op.getSkip(), c}, builder.getContext());
  ValueAccess input = readRows(op.getInput());
  Destination destination = write(op.getResult());
  auto mean = kernel::MeanOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getInput()),
      index(type.getDimSize(1) - op.getSkip()),
      builder.getI64IntegerAttr(type.getDimSize(2)), input.base,
      AffineMapAttr::get(input.map.compose(skip)), destination.init,
      AffineMapAttr::get(destination.map), kernel::RowTilingAttr());
  finish(destination, mean.getResult(0));
  return success();
}
