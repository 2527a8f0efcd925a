//===- LLVMPasses.h - What LLVM does to kernels' IR ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_LLVMPASSES_H
#define VITC_TARGET_LLVMPASSES_H

#include "llvm/IR/PassManager.h"
#include "llvm/Target/TargetMachine.h"

namespace vitc {

/// Local clean-up only: licm and unrolling would hoist addresses into the
/// registers that the kernels' accumulators need.
void addCleanUpPasses(llvm::ModulePassManager &passes);

/// Runs passes with what they must know of the target.
void runPasses(llvm::ModulePassManager &passes, llvm::Module &module,
               llvm::TargetMachine &machine);

} // namespace vitc

#endif // VITC_TARGET_LLVMPASSES_H
