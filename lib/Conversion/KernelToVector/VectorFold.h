//===- VectorFold.h - Reductions over rows of vectors -------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_VECTORFOLD_H
#define VITC_CONVERSION_KERNELTOVECTOR_VECTORFOLD_H

#include "VectorBuilder.h"

namespace vitc::kernel {

/// Folds `count` vectors into one. `step` gets the element offset of a vector
/// and an accumulator that began as `init`, and returns the new accumulator;
/// `combine` joins two of them. Several accumulators hide the latency; their
/// order depends on `count` alone.
mlir::Value
foldVectors(VectorBuilder &builder, mlir::Value count, double init,
            llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> step,
            llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_VECTORFOLD_H
