//===- WeightMovement.h - Moved weights as weight expressions --*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_WEIGHTMOVEMENT_H
#define VITC_LIB_TRANSFORMS_WEIGHTMOVEMENT_H

#include "Vit/VitDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace vitc::vit {

/// Finds expressions for transposes, reshapes, slices, concatenations, casts to
/// f32 and f32 sums of weights.
class WeightMovement {
public:
  /// Finds the expression of a result, operands first.
  void add(mlir::Operation *op);

  /// The result of `op`, if it is an expression on a stored weight; null
  /// otherwise.
  WeightExprAttr getMovedWeight(mlir::Operation *op);

private:
  /// Null if `value` is no expression.
  WeightExprAttr getExpr(mlir::Value value);
  WeightExprAttr move(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, WeightExprAttr> exprs;
};

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_WEIGHTMOVEMENT_H
