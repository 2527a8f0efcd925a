//===- MathApproximation.h - Polynomials for math functions -- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_MATHAPPROXIMATION_H
#define VITC_CONVERSION_KERNELTOVECTOR_MATHAPPROXIMATION_H

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc::kernel {

/// Replaces exp, tanh, erf, log and their kin by polynomials, which work on
/// vectors, where libm has one call an element. Fails after an error.
mlir::LogicalResult approximateMath(mlir::func::FuncOp function, CpuAttr cpu);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_MATHAPPROXIMATION_H
