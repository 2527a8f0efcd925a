//===- Remainder.h - Exact remainders of floats --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_REMAINDER_H
#define VITC_CONVERSION_KERNELTONVVM_REMAINDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc::kernel {

/// Replaces each arith.remf of f32, scalars or vectors, by integer arithmetic
/// that gives C's fmod, which is exact.
void expandRemainders(mlir::func::FuncOp function);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_REMAINDER_H
