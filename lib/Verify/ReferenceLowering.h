//===- ReferenceLowering.h - From vit to plain loops ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_REFERENCELOWERING_H
#define VITC_LIB_VERIFY_REFERENCELOWERING_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/Timing.h"

namespace vitc {

/// Takes `module`, with a @forward on tensors, to the LLVM dialect.
mlir::LogicalResult lowerReference(mlir::ModuleOp module,
                                   mlir::TimingScope &timing);

/// Replaces every linalg op on buffers by a call of a private function of loops
/// over its elements, which equal ops share. Sums run in an order that the
/// code generator chooses.
mlir::LogicalResult convertLinalgToSharedLoops(mlir::ModuleOp module);

/// Has LLVM take `function` as it is: one that runs for less time than it takes
/// to be optimised.
void skipOptimisations(mlir::func::FuncOp function);

} // namespace vitc

#endif // VITC_LIB_VERIFY_REFERENCELOWERING_H
