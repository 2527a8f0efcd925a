//===- InPlace.h - Kernels that may overwrite what they read -- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_KERNEL_INPLACE_H
#define VITC_LIB_KERNEL_INPLACE_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace vitc::kernel {

/// The operands whose memory `op` may write its result to: it reads each
/// element of one right before it writes it, and nothing else from there.
llvm::SmallVector<mlir::Value> getInPlaceOperands(mlir::Operation *op);

/// Products of up to so many terms may add a residual in place. A longer one
/// keeps its sums in the result while blocks of K are multiplied, which is
/// worth more than the memory.
inline constexpr int64_t kInPlaceDepth = 1536;

} // namespace vitc::kernel

#endif // VITC_LIB_KERNEL_INPLACE_H
