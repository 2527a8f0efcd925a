//===- MatchMean.h - Means and the rows that read them ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_MATCHMEAN_H
#define VITC_LIB_TRANSFORMS_MATCHMEAN_H

#include "Match.h"

namespace vitc::vit {

/// A mean over some dims of a tensor, in ascending order; the result has size 1
/// there, or lacks them.
struct Mean {
  mlir::TypedValue<mlir::RankedTensorType> input;
  llvm::SmallVector<int64_t> dims;
};

/// The sum over some dims that a tensor is, as a mean.
std::optional<Mean> matchSum(mlir::Value tensor);

/// The mean that a tensor is: a sum from zero, times or over the number of
/// elements.
std::optional<Mean> matchMean(mlir::Value tensor);

/// `tensor` before reshapes that add or drop dims of size 1.
mlir::Value skipUnitReshapes(mlir::Value tensor);

/// Whether an elementwise op reads the operand at its own index along every dim
/// of more than one element but `dims`, and at one index along `dims`. `shape`
/// is the op's.
bool readsAllBut(const ElementwiseOperand &operand,
                 llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> dims);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MATCHMEAN_H
