//===- BatchSize.cpp - The batch of a function, as a slice size ----------===//
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

/// tensor.dim 0 of the first argument with a dynamic batch, at the function's
/// start; CSE merges equal ones.
static Value getBatch(OpBuilder &builder, func::FuncOp function) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || type.getRank() == 0 || !type.isDynamicDim(0))
      continue;
    return tensor::DimOp::create(builder, function.getLoc(), argument, 0);
  }
  return {};
}

SmallVector<OpFoldResult> vitc::vit::getMixedSizes(OpBuilder &builder,
                                                   RankedTensorType type) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape()) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(builder.getIndexAttr(size));
      continue;
    }
    auto function = cast<func::FuncOp>(
        builder.getInsertionBlock()->getParent()->getParentOp());
    sizes.push_back(getBatch(builder, function));
  }
  return sizes;
}
