//===- ReferenceLowering.h - From vit to plain loops ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_REFERENCELOWERING_H
#define VITC_LIB_VERIFY_REFERENCELOWERING_H

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/MapVector.h"

namespace vitc {

/// A value of the model and the result of the lowered @forward that it is.
struct ObservedValue {
  std::string name, op;
  size_t result;
};

/// The symbols of constants, whose values are not in the module.
using ConstantSymbols = llvm::MapVector<vit::WeightExprAttr, std::string>;

/// Makes each value that an op with a source name computes a result of
/// `forward`, the model's own first, and each constant an external symbol.
llvm::SmallVector<ObservedValue> observeValues(mlir::func::FuncOp forward,
                                               ConstantSymbols &constants);

/// Takes `module`, with such a @forward, to the LLVM dialect.
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
