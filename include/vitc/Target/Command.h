//===- Command.h - Other programs that vitc runs -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_COMMAND_H
#define VITC_TARGET_COMMAND_H

#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace vitc {

/// Print each command that is run (-v), or print and do not run (-###).
struct CommandMode {
  bool verbose = false, dryRun = false;
};

/// What a program did that has ended.
struct CommandResult {
  int status = 0;            // 0 is success; below 0 it did not run to its end
  std::string error;         // why it did not
  std::string output, notes; // what it printed as output and as errors
};

/// Runs a program, the first of `command`, with the others as its arguments.
CommandResult runCommand(llvm::ArrayRef<std::string> command,
                         CommandMode mode = {});

} // namespace vitc

#endif // VITC_TARGET_COMMAND_H
