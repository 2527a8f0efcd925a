//===- IndexSimplify.h - Index maps of bounded dims ---------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reshapes, windows and shifts compose to divisions and remainders of sums.
// With the sizes of the dims known most of these vanish:
//   (d0 * 49 + d1) floordiv 49 is d0, its remainder d1, where d1 is below 49;
//   (d0 floordiv 7) * 7 + d0 mod 7 is d0.
// What is left is one canonical form of quotients and remainders of dims.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_INDEXSIMPLIFY_H
#define VITC_CONVERSION_VITTOKERNEL_INDEXSIMPLIFY_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypeInterfaces.h"

namespace vitc {

/// `expr` for dim i in [0, sizes[i]); a dynamic size has no upper bound. The
/// expression has no symbols, and divides by positive constants only.
mlir::AffineExpr simplifyIndex(mlir::AffineExpr expr,
                               llvm::ArrayRef<int64_t> sizes);

/// Each result of `map` simplified.
mlir::AffineMap simplifyIndices(mlir::AffineMap map,
                                llvm::ArrayRef<int64_t> sizes);

/// The row-major number of the element at `indices` of a tensor or memref, of
/// which only the first size may be dynamic.
mlir::AffineExpr linearizeIndices(llvm::ArrayRef<mlir::AffineExpr> indices,
                                  llvm::ArrayRef<int64_t> shape);

/// The indices of element `number` of a shape; the first index has no bound.
llvm::SmallVector<mlir::AffineExpr>
delinearizeIndex(mlir::AffineExpr number, llvm::ArrayRef<int64_t> shape);

/// Elements of memory that a step of `dim` adds everywhere; none when that
/// differs. `shape` is that of the tensor that `map` indexes.
std::optional<int64_t> getMemoryStride(mlir::AffineMap map,
                                       llvm::ArrayRef<int64_t> shape,
                                       unsigned dim);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_INDEXSIMPLIFY_H
