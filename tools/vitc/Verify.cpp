//===- Verify.cpp - vitc verify -------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes the model to the kernel phase, as compile does, and compares what the
// kernels compute with the reference, layer by layer. With --candidate the
// kernels are those of a dump.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Verbs.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace vitc;

/// The kernels of a dump of the fuse or the kernel phase.
static OwningOpRef<ModuleOp> loadCandidate(const CompileOptions &options,
                                           StringRef path, MLIRContext &context,
                                           TimingScope &timing) {
  OwningOpRef<ModuleOp> module = readModule(path, context);
  if (!module)
    return nullptr;
  CompileOptions rest = options;
  rest.dumpFolder.clear();
  rest.compileTo = Phase::Kernel;
  rest.compileFrom = Phase::Fuse;
  module->walk([&](kernel::BufferOp) { rest.compileFrom = Phase::Kernel; });
  if (failed(verifyPhase(*module, rest.compileFrom)) ||
      failed(runPhases(*module, rest, timing)))
    return nullptr;
  return module;
}

/// "1 output", "2 outputs".
static std::string count(size_t number, StringRef noun) {
  return (Twine(number) + " " + noun + (number == 1 ? "" : "s")).str();
}

static void printLayer(const VerifiedLayer &layer) {
  llvm::outs() << llvm::format("%.1e", layer.error) << "  " << layer.name
               << "  " << layer.kernel << '\n';
}

/// What agrees with the reference, and how well.
static void printAgreement(const VerifyReport &report) {
  const VerifiedLayer *worst = nullptr;
  size_t numOutputs = 0;
  for (const VerifiedLayer &layer :
       llvm::concat<const VerifiedLayer>(report.layers, report.maps)) {
    numOutputs += layer.isOutput();
    if (!worst || !(layer.error <= worst->error))
      worst = &layer;
  }
  if (!worst)
    return;
  size_t numKernels = report.layers.size() - numOutputs;
  llvm::raw_ostream &os = llvm::outs();
  if (!report.notCompared.empty())
    os << numKernels << " of ";
  os << count(numKernels + report.notCompared.size(), "kernel");
  if (!report.maps.empty())
    os << ", " << count(report.maps.size(), "attention map");
  os << " and " << count(numOutputs, "output")
     << " agree with the reference; the largest error is "
     << llvm::format("%.1e", worst->error) << " of the largest value, of "
     << worst->name << '\n';
}

static void printReport(const VerifyReport &report, bool verbose) {
  llvm::raw_ostream &os = llvm::outs();
  if (verbose) {
    for (const VerifiedLayer &layer :
         llvm::concat<const VerifiedLayer>(report.layers, report.maps))
      printLayer(layer);
    for (const std::string &kernel : report.notCompared)
      os << "not compared: " << kernel << '\n';
  }
  if (report.agrees)
    printAgreement(report);
  if (!report.agrees || !report.onnxRuntime)
    return;
  const OnnxRuntimeReport &onnxRuntime = *report.onnxRuntime;
  if (onnxRuntime.reason.empty())
    os << "ONNX Runtime " << onnxRuntime.version
       << " agrees; the largest error is "
       << llvm::format("%.1e", onnxRuntime.error) << " of the largest value\n";
  else
    os << "ONNX Runtime was left out: " << onnxRuntime.reason << '\n';
}

/// Runs the comparison; exit codes as of verify.
int vitc::verifyModule(ModuleOp raised, ModuleOp kernels,
                       const VerifyOptions &options, bool printsReport,
                       TimingScope &timing) {
  FailureOr<VerifyReport> report =
      verifyKernels(raised, kernels, options, timing);
  if (failed(report))
    return kUserError;
  if (printsReport)
    printReport(*report, options.program.verbose);
  return report->agrees ? kSuccess : kVerificationMismatch;
}

int vitc::runVerify() {
  CompileOptions options;
  VerifyArguments arguments;
  if (!parseVerifyOptions(options, arguments))
    return kUsageError;
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) -> int {
        OwningOpRef<ModuleOp> module = loadModel(options, context), raised;
        CompileOptions phases = options;
        if (!arguments.candidate.empty())
          phases.compileTo = Phase::Raise;
        if (!module || failed(runPhases(*module, phases, timing, &raised)))
          return kUserError;
        if (!arguments.candidate.empty())
          module = loadCandidate(options, arguments.candidate, context, timing);
        if (!module)
          return kUserError;
        return verifyModule(*raised, *module, arguments.verify,
                            /*printsReport=*/true, timing);
      });
}
