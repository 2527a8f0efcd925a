//===- GenerationDescriptor.h - How a model generates tokens -- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_GENERATIONDESCRIPTOR_H
#define VITC_TARGET_PROGRAM_GENERATIONDESCRIPTOR_H

#include "ConstantBuilder.h"
#include "Vit/VitDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace vitc {

/// The GenerationDescriptor of `module`, a module of the kernel phase;
/// `generation` is null for a model that generates nothing, `grid` the
/// TokenGrid of the picture. Errors are diagnostics: @step has other tensors
/// than `generation` says.
mlir::FailureOr<llvm::Constant *>
buildGenerationDescriptor(mlir::ModuleOp module, vit::GenerationAttr generation,
                          llvm::Constant *grid, ConstantBuilder &builder);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_GENERATIONDESCRIPTOR_H
