//===- Explain.cpp - vitc explain -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes the model through the phases as compile does, for one level or GPU, and
// says what became of each layer; writes nothing.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "ExplainReport.h"
#include "Verbs.h"

#include "mlir/Pass/PassManager.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Pipelines/GPU.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

/// Takes the module to the fuse phase, and notes what moves data there, then to
/// the kernel phase.
static LogicalResult reachKernels(ModuleOp module, CompileOptions options,
                                  TimingScope &timing, Movement &movement) {
  if (options.compileFrom < Phase::Kernel) {
    options.compileTo = Phase::Fuse;
    if (failed(runPhases(module, options, timing)))
      return failure();
    for (func::FuncOp entry : getExplainedEntries(module))
      movement.collect(entry);
    options.compileFrom = Phase::Fuse;
  }
  options.compileTo = Phase::Kernel;
  return runPhases(module, options, timing);
}

static LogicalResult
runPasses(ModuleOp module, TimingScope &timing,
          llvm::function_ref<void(OpPassManager &)> addPasses) {
  PassManager passes(module.getContext());
  passes.enableTiming(timing);
  if (failed(applyPassManagerCLOptions(passes)))
    return failure();
  addPasses(passes);
  return passes.run(module);
}

static LogicalResult explain(ModuleOp module, const CompileOptions &options,
                             TimingScope &timing, ExplainReport &report) {
  RemarkHandler handler(module.getContext(), report.remarks);
  Movement movement;
  if (failed(reachKernels(module, options, timing, movement)))
    return failure();
  const ProgramOptions &program = options.program;
  bool isGpu = !program.gpus.empty();
  report.isa = isGpu ? program.gpus.front()->name.str() : program.isas.front();
  report.backend = program.backend;
  report.precision = getPrecision(module);
  auto schedule = [&](OpPassManager &passes) {
    if (isGpu)
      addGpuSchedulePasses(passes, report.isa);
    else
      addCpuSchedulePasses(passes, report.isa, report.backend);
  };
  if (failed(runPasses(module, timing, schedule)))
    return failure();
  report.collect(module, movement);
  // Kernels share functions, which get their names when they are generated.
  if (failed(runPasses(module, timing,
                       isGpu ? addGpuLaunchPasses : addCpuLaunchPasses)))
    return failure();
  report.collectFunctions(module);
  return success();
}

int vitc::runExplain() {
  CompileOptions options;
  ExplainOptions explainOptions;
  if (!parseExplainOptions(options, explainOptions))
    return kUsageError;
  Roofline roofline = {explainOptions.peak * 1e9,
                       explainOptions.bandwidth * 1e9};
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) -> int {
        OwningOpRef<ModuleOp> module = loadModel(options, context);
        ExplainReport report;
        if (!module || failed(explain(*module, options, timing, report)))
          return kUserError;
        if (explainOptions.json)
          report.printJson(llvm::outs(), roofline);
        else
          report.print(llvm::outs(), options.program.verbose, roofline);
        return kSuccess;
      });
}
