//===- Ptx.h - LLVM IR to PTX -------------------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PTX_H
#define VITC_TARGET_PTX_H

#include "vitc/Target/GpuTarget.h"
#include "llvm/Support/Error.h"
#include <string>

namespace vitc {

/// Compiles the text of a module, cleaned up already. The PTX is a function of
/// that text and the target alone, so that who has a dump of a program's IR can
/// prove that it is the code which ships. Needs initializeGpuTargets.
llvm::Expected<std::string> generatePtx(llvm::StringRef llvmIR,
                                        const GpuTarget &target);

} // namespace vitc

#endif // VITC_TARGET_PTX_H
