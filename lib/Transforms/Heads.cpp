//===- Heads.cpp - Attention's operands from tokens, and back -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Heads.h"

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

DimAxes HeadAxes::getTokenDims() const {
  AxisList embedding = heads;
  llvm::append_range(embedding, channels);
  return {batch, tokens, embedding};
}

/// One head has no axis: tokens [B, N, D] and heads [B, 1, N, D] have the same
/// order then, and the rank tells them apart.
static bool isInHeadOrder(ArrayRef<AxisList> dims, const HeadAxes &axes) {
  return flatten(dims) == flatten(axes.getDims()) &&
         (!axes.heads.empty() || dims.size() == 4);
}

Value vitc::vit::splitHeads(OpBuilder &builder, Location loc, AxisSpace &space,
                            Value value, ArrayRef<AxisList> dims,
                            HeadAxes axes) {
  DimAxes moved = space.resolveDims(dims);
  for (AxisList &dim : moved)
    llvm::erase_if(dim, [&](unsigned axis) { return space.isFixed(axis); });
  if (isInHeadOrder(moved, axes))
    return space.rearrange(builder, loc, value, dims, axes.getDims());
  Value tokens =
      space.rearrange(builder, loc, value, dims, axes.getTokenDims());
  return SplitHeadsOp::create(builder, loc, tokens, space.getSize(axes.heads));
}

Value vitc::vit::mergeHeads(OpBuilder &builder, Location loc, AxisSpace &space,
                            Value value, HeadAxes axes,
                            ArrayRef<AxisList> target) {
  if (isInHeadOrder(space.resolveDims(target), axes))
    return space.rearrange(builder, loc, value, axes.getDims(), target);
  Value tokens = MergeHeadsOp::create(builder, loc, value);
  return space.rearrange(builder, loc, tokens, axes.getTokenDims(), target);
}
