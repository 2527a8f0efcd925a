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

/// The batch of the surrounding function, at its start; CSE merges equal ones.
static Value getBatch(OpBuilder &builder) {
  OpBuilder::InsertionGuard guard(builder);
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  auto function = dyn_cast<func::FuncOp>(parent);
  if (!function)
    function = parent->getParentOfType<func::FuncOp>();
  builder.setInsertionPointToStart(&function.getBody().front());
  return tensor::DimOp::create(builder, function.getLoc(),
                               getBatchedArgument(function), 0);
}

bool vitc::vit::hasMixedSizes(Operation *op, RankedTensorType type) {
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      return false;
  return type.hasStaticShape() ||
         getBatchedArgument(op->getParentOfType<func::FuncOp>());
}

SmallVector<OpFoldResult> vitc::vit::getMixedSizes(OpBuilder &builder,
                                                   RankedTensorType type) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size))
      sizes.push_back(getBatch(builder));
    else
      sizes.push_back(builder.getIndexAttr(size));
  }
  return sizes;
}
