//===- Jit.h - Code in this process --------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_JIT_H
#define VITC_LIB_VERIFY_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace vitc {

/// Calls a function with the pointers in an array as its arguments.
using PackedFn = void (*)(void **arguments);

/// Compiles a module of the LLVM dialect with all of LLVM's optimisations for
/// this machine and finds `function`, of pointer arguments. `symbols` are the
/// addresses of what the module does not define; libc and libm are found. The
/// code lives as long as `jit`. Errors are diagnostics.
mlir::FailureOr<PackedFn>
compileInProcess(mlir::ModuleOp module, llvm::StringRef function,
                 const llvm::StringMap<const void *> &symbols,
                 std::unique_ptr<llvm::orc::LLJIT> &jit);

} // namespace vitc

#endif // VITC_LIB_VERIFY_JIT_H
