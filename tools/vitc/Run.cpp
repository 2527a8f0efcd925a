//===- Run.cpp - vitc run -------------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles for this machine, loads the objects into this process and hands
// them the rest of the command line, as the compiled program would get it.
// Nothing is linked: the runtime is in vitc.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Verbs.h"

#include "Program/Program.h"
#include "vitc/Verify/LoadProgram.h"
#include <csignal>

using namespace mlir;
using namespace vitc;

namespace {
/// --input NAME=FILE, in one word or two.
struct NamedInput {
  size_t firstWord, numWords;
  StringRef name, path;
};
} // namespace

static SmallVector<NamedInput>
findNamedInputs(ArrayRef<const char *> arguments) {
  SmallVector<NamedInput> inputs;
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef value = arguments[i];
    size_t numWords = 1;
    if (value == "--input" && i + 1 < arguments.size()) {
      value = arguments[i + 1];
      numWords = 2;
    } else if (!value.consume_front("--input=")) {
      continue;
    }
    auto [name, path] = value.split('=');
    if (!path.empty())
      inputs.push_back({i, numWords, name, path});
    i += numWords - 1;
  }
  return inputs;
}

/// Drops each --input NAME=FILE that was compiled in; the program judges the
/// others.
static SmallVector<const char *>
getProgramArguments(ArrayRef<const char *> arguments,
                    const std::set<std::string> &boundInputs) {
  SmallVector<const char *> kept(arguments);
  for (const NamedInput &input : findNamedInputs(arguments))
    if (boundInputs.count(input.name.str()))
      std::fill_n(kept.begin() + input.firstWord, input.numWords, nullptr);
  llvm::erase(kept, nullptr);
  return kept;
}

static int run(const CompileOptions &options,
               ArrayRef<const char *> programArguments, MLIRContext &context,
               TimingScope &timing) {
  std::set<std::string> boundInputs;
  OwningOpRef<ModuleOp> module = loadModel(options, context, &boundInputs);
  if (!module || failed(runPhases(*module, options, timing)))
    return kUserError;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  auto model = loadProgram(*module, options.program, jit);
  if (failed(model))
    return kUserError;
  SmallVector<const char *> arguments =
      getProgramArguments(programArguments, boundInputs);
  std::signal(SIGPIPE, SIG_IGN);
  return rt::runProgram(**model, arguments.size(), arguments.data());
}

int vitc::runRun(ArrayRef<const char *> programArguments) {
  CompileOptions options;
  if (!parseRunOptions(options))
    return kUsageError;
  // What an op must know when it is compiled is known here.
  for (const NamedInput &input : findNamedInputs(programArguments))
    options.inputFiles[input.name.str()] = input.path.str();
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) {
        return run(options, programArguments, context, timing);
      });
}
