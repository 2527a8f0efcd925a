//===- Verify.h - Checks that kernel ops share --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_VERIFY_H
#define KERNEL_VERIFY_H

#include "Kernel/KernelDialect.h"
#include <optional>

namespace vitc::kernel {

/// Checks that `map` takes `numDims` dims and indexes `operand`, which messages
/// call `name`.
mlir::LogicalResult verifyMap(mlir::Operation *op, llvm::StringRef name,
                              mlir::AffineMap map, unsigned numDims,
                              mlir::Value operand);

/// Checks that an optional operand and its map come together, and the map.
mlir::LogicalResult verifyPair(mlir::Operation *op, llvm::StringRef name,
                               mlir::Value operand,
                               std::optional<mlir::AffineMap> map,
                               unsigned numDims);

/// Checks an optional vector operand of `size` elements.
mlir::LogicalResult verifyVector(mlir::Operation *op, llvm::StringRef name,
                                 mlir::Value operand, int64_t size);

/// Checks that on tensors there is one result of each init's type, on memrefs
/// none.
mlir::LogicalResult verifyDestination(mlir::Operation *op,
                                      mlir::ValueRange inits);

/// Declares reads of all shaped operands and writes of `inits`, on memrefs.
void getKernelEffects(
    mlir::Operation *op, mlir::MutableOperandRange inits,
    llvm::SmallVectorImpl<mlir::MemoryEffects::EffectInstance> &effects);

} // namespace vitc::kernel

#endif // KERNEL_VERIFY_H
