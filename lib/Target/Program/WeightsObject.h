//===- WeightsObject.h - The weights as an object file ------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_WEIGHTSOBJECT_H
#define VITC_TARGET_PROGRAM_WEIGHTSOBJECT_H

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Target/CpuTarget.h"

namespace vitc {

/// Of x86-64, and of AArch64 with pages of 4 KiB.
inline constexpr size_t kHugePageBytes = size_t(2) << 20;

/// Bytes that the kernel.weight ops of `module` take together.
int64_t getWeightsSize(mlir::ModuleOp module);

/// Writes an ELF object of `target` whose read-only large section holds every
/// kernel.weight at its offset, behind the symbol kWeightsSymbol. The values
/// stream through: LLVM never sees them.
mlir::LogicalResult writeWeightsObject(mlir::ModuleOp module,
                                       const CpuTarget &target,
                                       llvm::StringRef path);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_WEIGHTSOBJECT_H
