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

#include "Kernel/KernelDialect.h"
#include "Program/Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Target/Output.h"
#include "llvm/ADT/StringSet.h"
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

/// Calls `body` with each NAME and FILE of --input NAME=FILE, and where in
/// `arguments` it starts.
static void
forEachInput(ArrayRef<const char *> arguments,
             function_ref<void(size_t, StringRef, StringRef)> body) {
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (StringRef(arguments[i]) != "--input")
      continue;
    auto [name, path] = StringRef(arguments[i + 1]).split('=');
    if (!path.empty())
      body(i, name, path);
    ++i;
  }
}

/// Drops each --input NAME=FILE whose NAME the program has not: its value was
/// compiled in.
static SmallVector<const char *>
getProgramArguments(ModuleOp module, ArrayRef<const char *> arguments) {
  llvm::StringSet<> inputs;
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  auto entry = forward->getAttrOfType<kernel::EntryAttr>(
      kernel::KernelDialect::kEntryAttr);
  for (kernel::TensorAttr input : entry.getInputs())
    inputs.insert(input.getName().getValue());
  SmallVector<const char *> kept(arguments);
  forEachInput(arguments, [&](size_t index, StringRef name, StringRef) {
    if (!inputs.contains(name))
      kept[index] = kept[index + 1] = nullptr;
  });
  llvm::erase(kept, nullptr);
  return kept;
}

static int run(const CompileOptions &options,
               ArrayRef<const char *> programArguments, MLIRContext &context,
               TimingScope &timing) {
  OwningOpRef<ModuleOp> module = loadModel(options, context);
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
      getProgramArguments(*module, programArguments);
  std::signal(SIGPIPE, SIG_IGN);
  return rt::runProgram(*model, arguments.size(), arguments.data());
}

int vitc::runRun(ArrayRef<const char *> programArguments) {
  CompileOptions options;
  if (!parseRunOptions(options))
    return kUsageError;
  // What an op must know when it is compiled is known here.
  forEachInput(programArguments, [&](size_t, StringRef name, StringRef path) {
    options.inputFiles[name.str()] = path.str();
  });
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) {
        return run(options, programArguments, context, timing);
      });
}
