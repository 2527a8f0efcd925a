//===- Program.h - The command line of a compiled program ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_PROGRAM_H
#define VITC_LIB_RUNTIME_PROGRAM_PROGRAM_H

#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

namespace vitc::rt {

/// Exit codes, the same as the compiler's.
enum ExitCode : int {
  kExitDone = 0,
  kExitUserError = 1,    // the user's model or data, or this machine
  kExitUsageError = 2,   // the command line
  kExitInternalError = 4 // ours
};

/// main of a program made from `model`.
int runProgram(const vitc_model_descriptor_t &model, int argc,
               const char *const *argv);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_PROGRAM_H
