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

/// Whether the dims are in the order of [B, H, N, D], some of which may be
/// missing. One head has no axis: tokens [B, N, D] and heads [B, 1, N, D] have
/// the same order then, and the rank tells them apart.
static bool isInHeadOrder(ArrayRef<AxisList> dims, const HeadAxes &axes) {
  AxisList present = flatten(dims), order = flatten(axes.getDims());
  llvm::erase_if(
      order, [&](unsigned axis) { return !llvm::is_contained(present, axis); });
  return present == order && (!axes.heads.empty() || dims.size() == 4);
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
  // Of a token alone, the slice follows vit.merge_heads.
  bool takesFixed = llvm::any_of(
      axes.tokens, [&](unsigned axis) { return space.isFixed(axis); });
  if (!takesFixed && isInHeadOrder(space.resolveDims(target), axes))
    return space.rearrange(builder, loc, value, axes.getDims(), target);
  Value tokens = MergeHeadsOp::create(builder, loc, value);
  return space.rearrange(builder, loc, tokens, axes.getTokenDims(), target);
}
