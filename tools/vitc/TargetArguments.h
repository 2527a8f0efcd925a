//===- TargetArguments.h - Options for what code is made for -- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_TARGETARGUMENTS_H
#define VITC_TOOLS_VITC_TARGETARGUMENTS_H

#include "CompileOptions.h"

namespace vitc {

/// All of them, for verbs that have no use for them.
llvm::ArrayRef<const llvm::cl::Option *> getTargetOptions();

/// Makes this machine's level the default, where it has one of the target's.
void setDefaultLevel();

/// Checks and gathers them; options.program.kind is known. Prints one line on a
/// mistake.
bool parseTarget(CompileOptions &options);

/// Refuses a target whose code this machine's CPU does not run.
bool requireHostTarget();
/// The same, but for a GPU, which it may have.
bool requireLocalTarget(const CompileOptions &options);

/// What -march says, for messages.
llvm::StringRef getLevelArgument();

} // namespace vitc

#endif // VITC_TOOLS_VITC_TARGETARGUMENTS_H
