//===- LoadProgram.h - A program in this process -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_VERIFY_LOADPROGRAM_H
#define VITC_VERIFY_LOADPROGRAM_H

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Runtime/vitc.h"
#include "vitc/Target/Program.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace vitc {

/// Generates the objects of a module of the kernel phase and loads them into
/// this process; the code and the weights live as long as `jit`. Errors are
/// diagnostics.
mlir::FailureOr<const vitc_model_descriptor_t *>
loadProgram(mlir::ModuleOp module, const ProgramOptions &options,
            std::unique_ptr<llvm::orc::LLJIT> &jit);

} // namespace vitc

#endif // VITC_VERIFY_LOADPROGRAM_H
