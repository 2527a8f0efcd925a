//===- DescriptorModule.h - The model descriptor as LLVM IR -- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_DESCRIPTORMODULE_H
#define VITC_TARGET_PROGRAM_DESCRIPTORMODULE_H

#include "Codegen.h"
#include "Vit/VitDialect.h"
#include "vitc/Target/Program.h"

namespace vitc {

/// Symbol of the weights section.
inline constexpr llvm::StringLiteral kWeightsSymbol = "vitc_weights";

/// The module that defines `vitc_model_descriptor` for `module`, a module of
/// the kernel phase, and the code of its levels, best first. Errors are
/// diagnostics.
mlir::FailureOr<std::unique_ptr<llvm::Module>>
buildDescriptorModule(mlir::ModuleOp module, llvm::ArrayRef<LevelCode> levels,
                      const ProgramSizes &sizes, const ProgramOptions &options,
                      llvm::LLVMContext &context);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_DESCRIPTORMODULE_H
