//===- MatchNorm.h - Norms that are written out ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_MATCHNORM_H
#define VITC_LIB_TRANSFORMS_MATCHNORM_H

#include "MatchMean.h"
#include "mlir/IR/PatternMatch.h"

namespace vitc::vit {

/// input / sqrt(mean(input^2) + epsilon), the mean over `dims`.
struct RmsNormalized {
  mlir::TypedValue<mlir::RankedTensorType> input;
  llvm::SmallVector<int64_t> dims;
  double epsilon;
};

/// The form that `tensor` has: a quotient by a square root, or a product with a
/// reciprocal one.
std::optional<RmsNormalized> matchRmsNormalized(mlir::Value tensor);

/// What follows a norm along one dim: a product with a constant for each
/// position of the dim, and the sum with another.
struct NormAffine {
  /// The last op's result, which is the norm's.
  mlir::Value result;
  /// Of shape [C]; null where there is none.
  mlir::Value scale, shift;
};

/// Follows `normalized` while it has one user; a shift only `withShift`.
NormAffine matchNormAffine(mlir::OpBuilder &builder, mlir::Value normalized,
                           int64_t dim, bool withShift);

/// Builds a norm of the last dim of `input`, transposed there from `dim` and
/// back where it is another.
mlir::Value
buildNorm(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input,
          int64_t dim,
          llvm::function_ref<mlir::Value(mlir::Value)> buildLastDimNorm);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MATCHNORM_H
