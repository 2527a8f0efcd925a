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
#include "mlir/IR/PatternMatch.h"

namespace vitc::kernel {

/// Replaces what is no instruction: exp, tanh, erf, log and their kin become
/// polynomials, which work on vectors; in f64 they become calls of libm.
/// Floats of 16 bits become f32. Fails after an error.
mlir::LogicalResult approximateMath(mlir::func::FuncOp function, CpuAttr cpu);

/// Computes in f32 what is on f16 and bf16.
void populateHalfPrecisionPatterns(mlir::RewritePatternSet &patterns,
                                   CpuAttr cpu);

/// Replaces the casts from and to f16 and bf16 that are no instructions.
mlir::LogicalResult expandHalfCasts(mlir::func::FuncOp function, CpuAttr cpu);

/// Computes in f64 what needs its precision in f32.
void populateDoubleMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_MATHAPPROXIMATION_H
