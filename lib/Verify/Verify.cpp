//===- Verify.cpp - Compare kernels with the reference --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Verify/Verify.h"

#include "Inputs.h"
#include "Verifier.h"
#include "llvm/Support/FormatVariadic.h"

#include <unistd.h>

using namespace mlir;
using namespace vitc;

/// Whether both modules are of a model with these inputs and outputs.
static LogicalResult checkInterface(func::FuncOp raised,
                                    kernel::EntryAttr entry) {
  SmallVector<Type> inputs, outputs;
  for (kernel::TensorAttr input : entry.getInputs())
    inputs.push_back(input.getType());
  for (kernel::TensorAttr output : entry.getOutputs())
    outputs.push_back(output.getType());
  auto signless = [](TypeRange types) {
    SmallVector<Type> result;
    for (Type type : types) {
      auto tensor = cast<RankedTensorType>(type);
      Type element = tensor.getElementType();
      if (element.isInteger())
        element = IntegerType::get(type.getContext(),
                                   element.getIntOrFloatBitWidth());
      result.push_back(tensor.clone(element));
    }
    return result;
  };
  auto found = FunctionType::get(raised.getContext(), signless(inputs),
                                 signless(outputs));
  auto needed = FunctionType::get(raised.getContext(),
                                  signless(raised.getArgumentTypes()),
                                  signless(raised.getResultTypes()));
  if (found == needed)
    return success();
  return emitError(raised.getLoc())
         << "the candidate is " << found << "; the model is " << needed;
}

namespace {
/// Runs of the model: of the reference once, of the kernels for each level.
class ModelRuns {
public:
  ModelRuns(ModuleOp raised, const VerifyOptions &options, TimingScope &timing)
      : raised(raised), options(options), timing(timing) {}

  FailureOr<VerifyReport> verifyLevel(ModuleOp kernels, StringRef isa);

private:
  /// Makes the inputs and runs the reference, unless that is done.
  LogicalResult runReference(const Candidate &candidate);
  /// Runs the ONNX file, unless that is done.
  LogicalResult runOnnxFile(const Candidate &candidate);

  ModuleOp raised;
  const VerifyOptions &options;
  TimingScope &timing;
  std::vector<HostTensor> inputs;
  std::optional<ReferenceRun> reference;
  std::optional<OnnxRuntimeRun> onnxRuntime;
};
} // namespace

LogicalResult ModelRuns::runReference(const Candidate &candidate) {
  if (reference)
    return success();
  auto forward = raised.lookupSymbol<func::FuncOp>("forward");
  if (failed(checkInterface(forward, candidate.getInterface())))
    return failure();
  FailureOr<std::vector<HostTensor>> made = makeInputs(
      candidate.getModel(), candidate.getInterface(), options, raised.getLoc());
  if (failed(made))
    return failure();
  inputs = std::move(*made);
  FailureOr<ReferenceRun> run =
      vitc::runReference(raised, candidate.getMapLayers(), inputs, timing);
  if (failed(run))
    return failure();
  reference = std::move(*run);
  return success();
}

LogicalResult ModelRuns::runOnnxFile(const Candidate &candidate) {
  if (onnxRuntime)
    return success();
  FailureOr<OnnxRuntimeRun> run =
      runOnnxRuntime(candidate.getModel(), candidate.getInterface(), inputs,
                     options, raised.getLoc());
  if (failed(run))
    return failure();
  onnxRuntime = std::move(*run);
  return success();
}

FailureOr<VerifyReport> ModelRuns::verifyLevel(ModuleOp kernels,
                                               StringRef isa) {
  ProgramOptions program = options.program;
  program.isas = {isa.str()};
  FailureOr<std::unique_ptr<Candidate>> candidate =
      Candidate::create(kernels, program, options.batch);
  if (failed(candidate) || failed(runReference(**candidate)))
    return failure();
  FailureOr<std::vector<HostTensor>> shipped = (*candidate)->runShipped(inputs);
  FailureOr<std::vector<HostTensor>> spread = (*candidate)->runSpread(inputs);
  if (failed(shipped) || failed(spread))
    return failure();
  Verifier verifier(*reference, **candidate, options);
  verifier.compareKernels();
  verifier.reportStaleRead();
  verifier.compareOutputs(*shipped, *spread);
  if (!(*candidate)->getMapLayers().empty())
    for (bool mean : {false, true}) {
      FailureOr<MapRun> maps = (*candidate)->runMaps(inputs, mean);
      if (failed(maps))
        return failure();
      verifier.compareMaps(*maps, mean, *shipped);
    }
  if (!options.onnxFile.empty() && verifier.agrees()) {
    if (failed(runOnnxFile(**candidate)))
      return failure();
    verifier.compareWithOnnxRuntime(*shipped, *onnxRuntime);
  }
  return verifier.takeReport();
}

/// Reports a batch whose values, of the kernels and of the reference, are more
/// than this machine's memory.
static LogicalResult checkMemory(ModuleOp kernels, int64_t batch) {
  double bytes = 0;
  kernels.walk([&](kernel::BufferOp op) {
    // @attention computes what @forward does, and maps.
    bool isForward = op->getParentOfType<func::FuncOp>().getName() == "forward";
    if (isForward ? op.getSpace() == kernel::Space::Weights
                  : op.getSpace() != kernel::Space::Output)
      return;
    auto type = cast<MemRefType>(op.getType());
    double size = getTensorElementBytes(type.getElementType());
    for (int64_t dim : type.getShape())
      size *= ShapedType::isDynamic(dim) ? batch : dim;
    bytes += 2 * size;
  });
  double memory = double(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  if (bytes <= memory)
    return success();
  return emitError(kernels.getLoc())
         << "verifying keeps every value, "
         << llvm::formatv("{0:f1} GB for a batch of {1}; this machine has "
                          "{2:f1} GB",
                          bytes * 1e-9, batch, memory * 1e-9)
                .str();
}

FailureOr<VerifyReport> vitc::verifyKernels(ModuleOp raised, ModuleOp kernels,
                                            const VerifyOptions &options,
                                            TimingScope &timing) {
  if (failed(checkMemory(kernels, options.batch)))
    return failure();
  ModelRuns runs(raised, options, timing);
  VerifyReport report;
  for (const std::string &isa : options.program.isas) {
    FailureOr<VerifyReport> level = runs.verifyLevel(kernels, isa);
    if (failed(level))
      return failure();
    report.agrees = level->agrees;
    llvm::append_range(report.layers, level->layers);
    llvm::append_range(report.maps, level->maps);
    llvm::append_range(report.notCompared, level->notCompared);
    report.onnxRuntime = level->onnxRuntime;
    if (report.agrees)
      continue;
    emitRemark(raised.getLoc()) << "the kernels of " << isa << " differ";
    break;
  }
  return report;
}
