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
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

/// x, where `tensor` is x - mean(x) with the mean over `dims`; null otherwise.
mlir::Value getCentered(mlir::Value tensor, llvm::ArrayRef<int64_t> dims);

/// What follows a norm along one dim: a product with a constant for each
/// position of the dim, and the sum with another.
struct NormAffine {
  /// The last op's result, which is the norm's.
  mlir::Value result;
  /// Of shape [C]; null where there is none.
  mlir::Value scale, shift;
};

/// Builds a norm of the last dim of a tensor, without the affine's result.
using LastDimNormBuilder =
    llvm::function_ref<mlir::Value(mlir::Value, const NormAffine &)>;

/// Replaces a norm of `input` over `dims`, which `op` ends, and the constant
/// scale that follows; a shift, too, if `withShift`. Over another dim than the
/// last it is transposed there and back. A remark says why it is not
/// `opName`.
llvm::LogicalResult raiseNorm(mlir::Operation *op, mlir::Value input,
                              llvm::ArrayRef<int64_t> dims,
                              llvm::StringRef opName, bool withShift,
                              mlir::RewriterBase &rewriter,
                              LastDimNormBuilder buildLastDimNorm);

/// Calls `raise` on each op of `function` that computes one tensor, and erases
/// what is dead then. The number of successes.
int64_t raiseNorms(mlir::func::FuncOp function,
                   llvm::function_ref<llvm::LogicalResult(mlir::Operation *,
                                                          mlir::RewriterBase &)>
                       raise);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MATCHNORM_H
