//===- Levels.cpp - The code of a program, level by level -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Levels.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Pipelines/GPU.h"
#include "vitc/Target/Output.h"
#include "vitc/Target/Ptxas.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>

using namespace mlir;
using namespace vitc;

void vitc::forEachLevel(MLIRContext &context, size_t numLevels,
                        function_ref<void(size_t)> body) {
  if (!context.isMultithreadingEnabled()) {
    for (size_t i = 0; i < numLevels; ++i)
      body(i);
    return;
  }
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(numLevels));
  for (size_t i = 0; i < numLevels; ++i)
    pool.async([=] { body(i); });
  pool.wait();
}

/// Loads what lowering needs, which threads must not do.
static void loadCodeDialects(MLIRContext &context,
                             const ProgramOptions &options) {
  PassManager passes(&context);
  initializeCpuTargets();
  if (options.gpus.empty()) {
    registerBuiltinDialectTranslation(context);
    registerLLVMDialectTranslation(context);
    addCpuCodePasses(passes, options.isas.front(), options.backend);
  } else {
    initializeGpuTargets();
    registerDeviceTranslations(context);
    addGpuCodePasses(passes, options.gpus.front()->name);
  }
  DialectRegistry registry;
  passes.getDependentDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context.getOrLoadDialect(name);
}

std::string vitc::printModule(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, nullptr);
  return text;
}

/// Of a GPU the kernels, and beside them what launches them.
static LogicalResult dumpLevels(ArrayRef<LevelCode> levels, StringRef folder,
                                Location loc) {
  auto dump = [&](const Twine &name, StringRef text) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, "4-llvm." + name + ".ll");
    return writeOutput(path, text, loc);
  };
  for (const LevelCode &level : levels) {
    std::string text = printModule(*level.module);
    bool isGpu = level.device.has_value();
    if (failed(dump(level.isa + (isGpu ? ".host" : ""), text)) ||
        (isGpu && failed(dump(level.isa, level.device->llvmIR))))
      return failure();
  }
  return success();
}

FailureOr<std::vector<LevelCode>>
vitc::lowerLevels(ModuleOp module, const ProgramOptions &options) {
  MLIRContext &context = *module.getContext();
  loadCodeDialects(context, options);
  ArrayRef<const GpuTarget *> gpus = options.gpus;
  // Each has a module and an LLVM context of its own.
  std::vector<FailureOr<LevelCode>> lowered(gpus.empty() ? options.isas.size()
                                                         : gpus.size());
  auto lower = [&](size_t i) {
    lowered[i] =
        gpus.empty()
            ? lowerToLLVM(module, options.isas[i], options.backend)
            : lowerToLLVM(module, *gpus[i], *options.target, options.optLevel);
  };
  {
    // An error of one level mostly is one of all: it is reported below, once.
    ScopedDiagnosticHandler handler(&context, [](Diagnostic &diagnostic) {
      return success(diagnostic.getSeverity() == DiagnosticSeverity::Error);
    });
    forEachLevel(context, lowered.size(), lower);
  }
  std::vector<LevelCode> levels;
  for (size_t i = 0; i < lowered.size(); ++i) {
    if (failed(lowered[i]))
      lower(i);
    if (failed(lowered[i]))
      return failure();
    levels.push_back(std::move(*lowered[i]));
  }
  if (!options.dumpFolder.empty() &&
      failed(dumpLevels(levels, options.dumpFolder, module.getLoc())))
    return failure();
  return levels;
}

LogicalResult vitc::assembleLevels(MutableArrayRef<LevelCode> levels,
                                   const ProgramOptions &options,
                                   Location loc) {
  if (options.gpus.empty())
    return success();
  constexpr StringLiteral kConsequence =
      "; the program has PTX alone, which the driver compiles when it starts";
  auto ptxas = findPtxas(options.ptxas);
  if (!ptxas) {
    std::string reason = llvm::toString(ptxas.takeError());
    if (!options.ptxas.empty())
      return emitError(loc) << reason;
    emitWarning(loc) << reason << kConsequence;
    return success();
  }
  SmallVector<DeviceCode *> known;
  for (LevelCode &level : levels)
    if (ptxas->supports(*level.device->target))
      known.push_back(&*level.device);
    else
      emitWarning(loc) << "'" << ptxas->path << "' is of CUDA "
                       << ptxas->release.getAsString() << "; " << level.isa
                       << " needs " << level.device->target->cuda.getAsString()
                       << kConsequence;
  std::atomic<bool> anyFailed = false;
  ParallelDiagnosticHandler handler(loc.getContext());
  forEachLevel(*loc.getContext(), known.size(), [&](size_t i) {
    handler.setOrderIDForThread(i);
    if (failed(assemble(*known[i], *ptxas, {options.verbose, options.dryRun},
                        loc)))
      anyFailed = true;
    handler.eraseOrderIDForThread();
  });
  return failure(anyFailed);
}
