//===- Heads.h - Attention's operands from tokens, and back --*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_HEADS_H
#define VITC_LIB_TRANSFORMS_HEADS_H

#include "Axes.h"

namespace vitc::vit {

/// The axes of each dim of [B, H, N, D].
struct HeadAxes {
  AxisList batch, heads, tokens, channels;

  DimAxes getDims() const { return {batch, heads, tokens, channels}; }
  /// Of tokens, [B, N, H * D].
  DimAxes getTokenDims() const;
};

/// `value` as [B, H, N, D], through vit.split_heads unless its dims are in this
/// order already.
mlir::Value splitHeads(mlir::OpBuilder &builder, mlir::Location loc,
                       AxisSpace &space, mlir::Value value,
                       llvm::ArrayRef<AxisList> dims, HeadAxes axes);

/// A `value` [B, H, N, D] with the dims `target`, through vit.merge_heads
/// unless the target's dims are in this order.
mlir::Value mergeHeads(mlir::OpBuilder &builder, mlir::Location loc,
                       AxisSpace &space, mlir::Value value, HeadAxes axes,
                       llvm::ArrayRef<AxisList> target);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_HEADS_H
