//===- Levels.h - The code of a program, level by level ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program has the same kernels for each level of its CPU, or for each
// architecture of GPUs, which is a level here too.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_LEVELS_H
#define VITC_TARGET_PROGRAM_LEVELS_H

#include "Codegen.h"
#include "vitc/Target/Program.h"

namespace vitc {

/// Calls `body` for each level: side by side, unless threads are disabled.
void forEachLevel(mlir::MLIRContext &context, size_t numLevels,
                  llvm::function_ref<void(size_t)> body);

/// Lowers the module for every level; dumps where options say so.
mlir::FailureOr<std::vector<LevelCode>>
lowerLevels(mlir::ModuleOp module, const ProgramOptions &options);

/// Has ptxas assemble the kernels of every GPU that it knows. Where it does not
/// or is not there a warning says so, and the program has their PTX alone.
mlir::LogicalResult assembleLevels(llvm::MutableArrayRef<LevelCode> levels,
                                   const ProgramOptions &options,
                                   mlir::Location loc);

/// The text of a level's LLVM IR.
std::string printModule(const llvm::Module &module);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_LEVELS_H
