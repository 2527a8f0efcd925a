//===- BatchSize.cpp - The batch of a function as a slice size ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

/// The first argument with a dynamic batch.
static Value getBatchedArgument(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (type && type.getRank() > 0 && type.isDynamicDim(0))
      return argument;
  }
  return {};
}

/// CSE merges equal ones.
Value vitc::vit::getBatchTimes(OpBuilder &builder, int64_t multiple) {
  OpBuilder::InsertionGuard guard(builder);
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  auto function = dyn_cast<func::FuncOp>(parent);
  if (!function)
    function = parent->getParentOfType<func::FuncOp>();
  builder.setInsertionPointToStart(&function.getBody().front());
  Location loc = function.getLoc();
  Value batch =
      tensor::DimOp::create(builder, loc, getBatchedArgument(function), 0);
  if (multiple == 1)
    return batch;
  Value factor = arith::ConstantIndexOp::create(builder, loc, multiple);
  return arith::MulIOp::create(builder, loc, batch, factor);
}

bool vitc::vit::hasMixedSizes(Operation *op, RankedTensorType type) {
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      return false;
  return type.hasStaticShape() ||
         getBatchedArgument(op->getParentOfType<func::FuncOp>());
}

SmallVector<OpFoldResult> vitc::vit::getMixedSizes(OpBuilder &builder,
                                                   RankedTensorType type,
                                                   int64_t multiple) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size))
      sizes.push_back(getBatchTimes(builder, multiple));
    else
      sizes.push_back(builder.getIndexAttr(size));
  }
  return sizes;
}
