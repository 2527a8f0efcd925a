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
#include "vitc/Target/Output.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/TargetSelect.h"
#include <csignal>

using namespace mlir;
using namespace vitc;

/// Loads objects into this process and finds the model that they export.
static llvm::Expected<const vitc_model_descriptor_t *>
loadObjects(llvm::orc::LLJIT &jit, ArrayRef<std::string> paths) {
  for (const std::string &path : paths) {
    auto object = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!object)
      return llvm::errorCodeToError(object.getError());
    if (llvm::Error error = jit.addObjectFile(std::move(*object)))
      return error;
  }
  auto symbol = jit.lookup("vitc_model_descriptor");
  if (!symbol)
    return symbol.takeError();
  return symbol->toPtr<const vitc_model_descriptor_t *>();
}

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
  auto jit =
      llvm::orc::LLJITBuilder()
          .setObjectLinkingLayerCreator(
              [](llvm::orc::ExecutionSession &session) {
                return std::make_unique<llvm::orc::ObjectLinkingLayer>(session);
              })
          .create();
  auto report = [&](llvm::Error error) {
    emitError(module->getLoc())
        << "cannot be loaded: " << llvm::toString(std::move(error));
    return kUserError;
  };
  if (!jit)
    return report(jit.takeError());
  const vitc_model_descriptor_t *model;
  {
    // Removes the objects once they are loaded.
    Output output("-");
    SmallVector<std::string> objects;
    if (failed(emitObjects(*module, options.program, output, objects)))
      return kUserError;
    auto loaded = loadObjects(**jit, objects);
    if (!loaded)
      return report(loaded.takeError());
    model = *loaded;
  }
  SmallVector<const char *> arguments =
      getProgramArguments(programArguments, boundInputs);
  std::signal(SIGPIPE, SIG_IGN);
  return rt::runProgram(*model, arguments.size(), arguments.data());
}

int vitc::runRun(ArrayRef<const char *> programArguments) {
  CompileOptions options;
  if (!parseRunOptions(options))
    return kUsageError;
  // What an op must know when it is compiled is known here.
  for (const NamedInput &input : findNamedInputs(programArguments))
    options.inputFiles[input.name.str()] = input.path.str();
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) {
        return run(options, programArguments, context, timing);
      });
}
