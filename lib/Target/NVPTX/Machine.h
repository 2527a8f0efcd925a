//===- Machine.h - LLVM's idea of a GPU ---------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_NVPTX_MACHINE_H
#define VITC_TARGET_NVPTX_MACHINE_H

#include "vitc/Target/GpuTarget.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace vitc {

/// Needs initializeGpuTargets.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const GpuTarget &target);

} // namespace vitc

#endif // VITC_TARGET_NVPTX_MACHINE_H
