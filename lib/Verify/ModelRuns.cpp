//===- ModelRuns.cpp - Runs of an entry and its reference -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelRuns.h"

#include "Verifier.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vitc;

/// The results of `raised` in the order in which a candidate returns them:
/// outputs, then the states that it updates where they lie.
static SmallVector<unsigned> getResultOrder(func::FuncOp raised,
                                            kernel::EntryAttr entry) {
  SmallVector<unsigned> outputs;
  SmallVector<unsigned> states(entry.getInPlace().size(),
                               raised.getNumResults());
  for (unsigned result = 0; result < raised.getNumResults(); ++result) {
    Attribute name = raised.getResultAttr(result, vit::VitDialect::kNameAttr);
    const auto *state = llvm::find_if(entry.getInPlace(), [&](int64_t input) {
      return entry.getInputs()[input].getName() == name;
    });
    if (state == entry.getInPlace().end())
      outputs.push_back(result);
    else
      states[state - entry.getInPlace().begin()] = result;
  }
  llvm::append_range(outputs, states);
  return outputs;
}

/// Whether both modules are of a model with these inputs and outputs.
static LogicalResult checkInterface(func::FuncOp raised,
                                    kernel::EntryAttr entry,
                                    ArrayRef<unsigned> order) {
  SmallVector<Type> inputs, outputs, expected;
  for (kernel::TensorAttr input : entry.getInputs())
    inputs.push_back(input.getType());
  for (kernel::TensorAttr output : entry.getOutputs())
    outputs.push_back(output.getType());
  for (int64_t input : entry.getInPlace())
    outputs.push_back(entry.getInputs()[input].getType());
  for (unsigned result : order)
    if (result < raised.getNumResults())
      expected.push_back(raised.getResultTypes()[result]);
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
                                  signless(expected));
  if (found == needed)
    return success();
  return emitError(raised.getLoc())
         << "the candidate is " << found << "; the model is " << needed;
}

LogicalResult ModelRuns::runReference(const Candidate &candidate) {
  if (!samples.empty())
    return success();
  auto forward = raised.lookupSymbol<func::FuncOp>("forward");
  SmallVector<unsigned> order =
      getResultOrder(forward, candidate.getInterface());
  if (failed(checkInterface(forward, candidate.getInterface(), order)))
    return failure();
  FailureOr<std::unique_ptr<Reference>> reference =
      Reference::create(raised, candidate.getMapLayers(), timing);
  if (failed(reference))
    return failure();
  auto run = [&](std::vector<HostTensor> inputs) {
    Sample sample{std::move(inputs), {}, {}};
    sample.reference = (*reference)->run(sample.inputs);
    std::vector<HostTensor> outputs;
    for (unsigned result : order)
      outputs.push_back(std::move(sample.reference.outputs[result]));
    sample.reference.outputs = std::move(outputs);
    return sample;
  };
  FailureOr<std::vector<Sample>> made = makeSamples(candidate, run);
  if (failed(made))
    return failure();
  samples = std::move(*made);
  return success();
}

LogicalResult ModelRuns::runOnnxFile(const Candidate &candidate) {
  if (onnxRuntime)
    return success();
  FailureOr<OnnxRuntimeRun> run =
      runOnnxRuntime(candidate.getModel(), candidate.getInterface(),
                     samples.front().inputs, options, raised.getLoc());
  if (failed(run))
    return failure();
  onnxRuntime = std::move(*run);
  return success();
}

FailureOr<VerifyReport> ModelRuns::verifySample(Candidate &candidate,
                                                const Sample &sample) {
  FailureOr<std::vector<HostTensor>> shipped =
      candidate.runShipped(sample.inputs);
  FailureOr<std::vector<HostTensor>> spread =
      candidate.runSpread(sample.inputs);
  if (failed(shipped) || failed(spread))
    return failure();
  Verifier verifier(sample.reference, candidate, options, sample.name);
  verifier.compareKernels();
  verifier.reportStaleRead();
  verifier.compareOutputs(*shipped, *spread);
  if (!candidate.getMapLayers().empty())
    for (bool mean : {false, true}) {
      FailureOr<MapRun> maps = candidate.runMaps(sample.inputs, mean);
      if (failed(maps))
        return failure();
      verifier.compareMaps(*maps, mean, *shipped);
    }
  if (!options.onnxFile.empty() && verifier.agrees()) {
    if (failed(runOnnxFile(candidate)))
      return failure();
    verifier.compareWithOnnxRuntime(*shipped, *onnxRuntime);
  }
  return verifier.takeReport();
}

static double getLargestError(const VerifyReport &report) {
  double largest = 0;
  for (const VerifiedLayer &layer :
       llvm::concat<const VerifiedLayer>(report.layers, report.maps))
    largest = std::max(largest, layer.error);
  return largest;
}

FailureOr<VerifyReport> ModelRuns::verifyLevel(ModuleOp kernels,
                                               StringRef isa) {
  ProgramOptions program = options.program;
  program.isas = {isa.str()};
  FailureOr<std::unique_ptr<Candidate>> candidate =
      Candidate::create(kernels, program, options.batch);
  if (failed(candidate) || failed(runReference(**candidate)))
    return failure();
  // The first that differs, or the one with the largest error.
  std::optional<VerifyReport> worst;
  for (const Sample &sample : samples) {
    FailureOr<VerifyReport> report = verifySample(**candidate, sample);
    if (failed(report))
      return failure();
    if (!report->agrees)
      return report;
    if (!worst || getLargestError(*report) > getLargestError(*worst))
      worst = std::move(*report);
  }
  return std::move(*worst);
}
