//===- vitc.cpp - The compiler driver ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vitc VERB ARGUMENTS; `vitc MODEL -o OUT` is `vitc compile MODEL -o OUT`.
//
//===----------------------------------------------------------------------===//

#include "Verbs.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "vitc/Config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static void printVersion(raw_ostream &os) {
  os << "vitc " << VITC_VERSION << " (" << VITC_COMMIT << "), LLVM "
     << VITC_LLVM_VERSION << '\n';
}

/// Parses the options behind the verb. LLVM's message is cut to its first line.
static bool parseOptions(int argc, char **argv) {
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  cl::SetVersionPrinter(printVersion);
  std::string message;
  raw_string_ostream os(message);
  if (cl::ParseCommandLineOptions(
          argc, argv, "vitc: ahead-of-time compiler for vision transformers\n",
          &os))
    return true;
  StringRef line = StringRef(message).split('\n').first;
  line.consume_front(argv[0]);
  line.consume_front(": ");
  errs() << "error: " << line << '\n';
  return false;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  SmallVector<char *> arguments(argv, argv + argc);
  static char name[] = "vitc";
  arguments[0] = name;
  StringRef verb = argc > 1 ? StringRef(argv[1]) : StringRef();
  bool isDoctor = verb == "doctor";
  if (isDoctor || verb == "compile")
    arguments.erase(arguments.begin() + 1);
  if (!parseOptions(arguments.size(), arguments.data()))
    return vitc::kUsageError;
  return isDoctor ? vitc::runDoctor() : vitc::runCompile();
}
