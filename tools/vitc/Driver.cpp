//===- Driver.cpp - What verbs on a model share ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Verbs.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/Extensions/AllExtensions.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Import/Import.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Target/Output.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace vitc;

/// Whether the command line has an option that MLIR registered.
static bool wasGiven(StringRef name) {
  const auto &options = llvm::cl::getRegisteredOptions();
  auto option = options.find(name);
  return option != options.end() && option->second->getNumOccurrences() > 0;
}

/// "FILE:LINE:COL: " or "FILE: " for a place in a file, else "".
static std::string printPlace(Location loc) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':';
    if (file.getLine() != 0)
      os << file.getLine() << ':' << file.getColumn() << ':';
    os << ' ';
  }
  return text;
}

/// One line a message: place, severity, the source's layer, text.
static void printDiagnostic(Diagnostic &diagnostic, bool verbose) {
  StringRef severity;
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    severity = "error: ";
    break;
  case DiagnosticSeverity::Warning:
    severity = "warning: ";
    break;
  case DiagnosticSeverity::Note:
    severity = "note: ";
    break;
  case DiagnosticSeverity::Remark:
    if (!verbose)
      return;
    severity = "remark: ";
    break;
  }
  llvm::errs() << printPlace(diagnostic.getLocation()) << severity;
  if (StringRef source = getSourceName(diagnostic.getLocation());
      !source.empty())
    llvm::errs() << source << ": ";
  llvm::errs() << diagnostic << '\n';
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, verbose);
}

/// MLIR's parser calls itself for each level of brackets.
static constexpr int64_t kMaxNesting = 256;

/// The greatest number of brackets that are open at once, outside of strings
/// and comments.
static int64_t getNesting(StringRef text) {
  int64_t depth = 0, deepest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char here = text[i], next = i + 1 < text.size() ? text[i + 1] : 0;
    if (here == '"') {
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i)
        i += text[i] == '\\';
    } else if (here == '/' && next == '/') {
      i = std::min(text.find('\n', i), text.size());
    } else if ((here == '-' && next == '>') ||
               ((here == '<' || here == '>') && next == '=')) {
      ++i; // an arrow or a comparison
    } else if (StringRef("([{<").contains(here)) {
      deepest = std::max(deepest, ++depth);
    } else if (StringRef(")]}>").contains(here)) {
      depth = std::max<int64_t>(depth - 1, 0);
    }
  }
  return deepest;
}

OwningOpRef<ModuleOp> vitc::readModule(StringRef path, MLIRContext &context) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(path, &error);
  if (!buffer) {
    emitError(UnknownLoc::get(&context)) << error;
    return nullptr;
  }
  int64_t nesting = isBytecode(buffer->getMemBufferRef())
                        ? 0
                        : getNesting(buffer->getBuffer());
  if (nesting > kMaxNesting) {
    emitError(FileLineColLoc::get(&context, path, 0, 0))
        << "nests " << nesting << " levels of brackets; vitc reads at most "
        << kMaxNesting;
    return nullptr;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

OwningOpRef<ModuleOp> vitc::loadModel(const CompileOptions &options,
                                      MLIRContext &context,
                                      std::set<std::string> *boundInputs) {
  StringRef model = options.model;
  if (!options.isModelIR()) {
    import_::ImportOptions importOptions;
    importOptions.batch = options.batch;
    importOptions.imageSize = options.imageSize;
    importOptions.maxLength = options.maxLength;
    importOptions.maxSourceLength = options.maxSourceLength;
    importOptions.outputs = options.outputs;
    importOptions.pictures = options.pictures;
    importOptions.shapes = options.shapes;
    importOptions.constants = options.constants;
    importOptions.inputFiles = options.inputFiles;
    importOptions.boundInputs = boundInputs;
    return import_::importModel(model, context, importOptions);
  }
  OwningOpRef<ModuleOp> module = readModule(model, context);
  if (!module || failed(verifyPhase(*module, options.compileFrom)))
    return nullptr;
  return module;
}

LogicalResult vitc::writeModule(ModuleOp module, StringRef path) {
  OpPrintingFlags flags;
  if (!wasGiven("mlir-print-debuginfo"))
    flags.enableDebugInfo();
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, flags);
  os << '\n';
  return writeOutput(path, text, UnknownLoc::get(module.getContext()));
}

namespace {
/// A phase, its name in options and dumps, and the passes that reach it.
struct PhaseStep {
  Phase phase;
  StringRef name;
  void (*addPasses)(OpPassManager &, const CompileOptions &);
};
} // namespace

static constexpr PhaseStep kSteps[] = {
    {Phase::Import, "import", [](OpPassManager &, const CompileOptions &) {}},
    {Phase::Raise, "raise",
     [](OpPassManager &passes, const CompileOptions &) {
       addRaisePasses(passes);
     }},
    {Phase::Fuse, "fuse",
     [](OpPassManager &passes, const CompileOptions &options) {
       addFusePasses(passes, options.attentionLayers);
     }},
    {Phase::Kernel, "kernel",
     [](OpPassManager &passes, const CompileOptions &options) {
       addKernelPasses(passes, options.program.backend, options.precision,
                       /*fewerProducts=*/options.program.gpus.empty());
     }},
};

static LogicalResult createDumpFolder(StringRef folder, MLIRContext &context) {
  if (folder.empty())
    return success();
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return emitError(UnknownLoc::get(&context))
           << "cannot make folder '" << folder << "': " << code.message();
  return success();
}

LogicalResult vitc::runPhases(ModuleOp module, const CompileOptions &options,
                              TimingScope &timing,
                              OwningOpRef<ModuleOp> *raised) {
  if (failed(createDumpFolder(options.dumpFolder, *module.getContext())))
    return failure();
  for (auto [number, step] : llvm::enumerate(kSteps)) {
    if (step.phase > options.compileTo)
      break;
    if (step.phase < options.compileFrom)
      continue;
    if (step.phase > options.compileFrom) {
      PassManager passes(module.getContext());
      passes.enableTiming(timing);
      // It has said what is wrong with the options.
      if (failed(applyPassManagerCLOptions(passes)))
        return failure();
      step.addPasses(passes, options);
      if (failed(passes.run(module)))
        return failure();
    }
    if (raised && step.phase == Phase::Raise)
      *raised = module.clone();
    if (options.dumpFolder.empty())
      continue;
    llvm::SmallString<128> path(options.dumpFolder);
    llvm::sys::path::append(path,
                            llvm::Twine(number) + "-" + step.name + ".mlir");
    if (failed(writeModule(module, path)))
      return failure();
  }
  return success();
}

int vitc::runWithContext(
    const CompileOptions &options,
    llvm::function_ref<int(MLIRContext &, TimingScope &)> body) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<kernel::KernelDialect, vit::VitDialect>();
  kernel::registerBufferizableOpInterfaceModels(registry);
  MLIRContext context(registry);
  if (!wasGiven("mlir-print-op-on-diagnostic"))
    context.printOpOnDiagnostic(false);
  import_::loadDialects(context);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic, options.program.verbose);
    return success();
  });
  DefaultTimingManager timing;
  applyDefaultTimingManagerCLOptions(timing);
  TimingScope scope = timing.getRootScope();
  return body(context, scope);
}
