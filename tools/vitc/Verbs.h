//===- Verbs.h - The verbs of vitc --------------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_VERBS_H
#define VITC_TOOLS_VITC_VERBS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace vitc {

/// Exit codes, of vitc and of the programs that it makes.
enum ExitCode {
  kSuccess = 0,
  kUserError = 1,
  kUsageError = 2,
  kVerificationMismatch = 3,
  kInternalError = 4,
};

/// vitc compile MODEL -o OUT: the options have been parsed.
int runCompile();
/// vitc run MODEL ARGUMENTS...: the options have been parsed;
/// `programArguments` are the program's, its name first.
int runRun(llvm::ArrayRef<const char *> programArguments);
/// vitc batch MODEL FOLDER -o FILE is vitc run MODEL FOLDER --output-file FILE:
/// gives -o among `arguments` that name. Prints an error and returns false
/// where there is none.
bool renameBatchOutput(llvm::SmallVectorImpl<char *> &arguments);
/// Whether `path` is an executable file that vitc may have made.
bool isProgram(llvm::StringRef path);
/// vitc batch OUT: runs the program, the first of `arguments` and the only one,
/// with `programArguments` behind their first.
int runProgramBatch(llvm::ArrayRef<char *> arguments,
                    llvm::ArrayRef<const char *> programArguments);
/// vitc inspect MODEL: the options have been parsed.
int runInspect();
/// vitc explain MODEL: the options have been parsed.
int runExplain();
/// vitc verify MODEL: the options have been parsed.
int runVerify();
/// vitc doctor: says what this machine has of what vitc needs.
int runDoctor();

/// Ends a crash of vitc with one line, that repeats `arguments`, and exit code
/// kInternalError.
void installInternalErrorHandlers(llvm::ArrayRef<char *> arguments);

} // namespace vitc

#endif // VITC_TOOLS_VITC_VERBS_H
