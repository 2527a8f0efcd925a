//===- Verify.cpp - Compare kernels with the reference --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Verify/Verify.h"

#include "Generation.h"
#include "Inputs.h"
#include "ModelRuns.h"
#include "llvm/Support/FormatVariadic.h"

#include <unistd.h>

using namespace mlir;
using namespace vitc;

/// The entries that are compared: "attention" computes what another does.
static constexpr StringLiteral kForward = "forward", kText = "text",
                               kEncode = "encode", kStep = "step",
                               kAttention = "attention";

static vit::ModelAttr getModel(ModuleOp module) {
  return module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
}

/// The same for a module that generates nothing.
static vit::ModelAttr withoutGeneration(vit::ModelAttr model) {
  return vit::ModelAttr::get(
      model.getContext(), model.getName(),
      StringAttr::get(model.getContext(), "tensor"), model.getSource(),
      model.getParameters(), model.getLicence(), model.getLabels(),
      model.getPreprocess(), model.getGrid(), model.getText(),
      model.getSigmoid(), model.getRanking(), vit::GenerationAttr());
}

/// The module with `entry` alone, as "forward", and with @attention, which
/// computes the maps of a step too.
static OwningOpRef<ModuleOp> extractEntry(ModuleOp module, StringRef entry) {
  OwningOpRef<ModuleOp> extracted = module.clone();
  for (auto function :
       llvm::make_early_inc_range(extracted->getOps<func::FuncOp>()))
    if (function.getName() == entry)
      function.setName(kForward);
    else if (function.getName() != kAttention || entry != kStep)
      function.erase();
  return extracted;
}

/// The same of kernels, as a model that generates nothing.
static OwningOpRef<ModuleOp> extractKernels(ModuleOp kernels, StringRef entry) {
  OwningOpRef<ModuleOp> extracted = extractEntry(kernels, entry);
  if (vit::ModelAttr model = getModel(kernels); model && model.getGeneration())
    (*extracted)
        ->setAttr(vit::VitDialect::kModelAttr, withoutGeneration(model));
  return extracted;
}

/// Reports a batch whose values, of the kernels and of the reference, are more
/// than this machine's memory.
static LogicalResult checkMemory(ModuleOp kernels, int64_t batch) {
  double bytes = 0;
  kernels.walk([&](kernel::BufferOp op) {
    // @attention computes what @forward does, and maps.
    StringRef entry = op->getParentOfType<func::FuncOp>().getName();
    if (entry == kAttention ? op.getSpace() != kernel::Space::Output
                            : op.getSpace() == kernel::Space::Weights)
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

/// Makes one sample, as makeInputs fills inputs.
static SamplesFn makeOneSample(const VerifyOptions &options, Location loc) {
  return [&options,
          loc](const Candidate &candidate,
               const ReferenceFn &run) -> FailureOr<std::vector<Sample>> {
    FailureOr<std::vector<HostTensor>> inputs = makeInputs(
        candidate.getModel(), candidate.getInterface(), options, loc);
    if (failed(inputs))
      return failure();
    std::vector<Sample> samples;
    samples.push_back(run(std::move(*inputs)));
    return samples;
  };
}

/// Compares @forward, for each level until one differs.
static FailureOr<VerifyReport> verifyForward(ModelRuns &runs, ModuleOp kernels,
                                             const VerifyOptions &options) {
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
    emitRemark(kernels.getLoc()) << "the kernels of " << isa << " differ";
    break;
  }
  return report;
}

static kernel::EntryAttr getEntry(ModuleOp kernels, StringRef name) {
  auto function = kernels.lookupSymbol<func::FuncOp>(name);
  return function ? function->getAttrOfType<kernel::EntryAttr>(
                        kernel::KernelDialect::kEntryAttr)
                  : kernel::EntryAttr();
}

/// The entries of which the kernels have an interface.
static SmallVector<kernel::EntryAttr> getEntries(ModuleOp kernels) {
  SmallVector<kernel::EntryAttr> entries;
  for (StringRef name : {kForward, kText, kEncode, kStep})
    if (kernel::EntryAttr entry = getEntry(kernels, name))
      entries.push_back(entry);
  return entries;
}

/// Adds what was found about the next entry.
static void append(VerifyReport &report, const VerifyReport &next) {
  report.agrees = next.agrees;
  llvm::append_range(report.layers, next.layers);
  llvm::append_range(report.maps, next.maps);
  llvm::append_range(report.notCompared, next.notCompared);
}

/// Compares @encode, if there is one, then steps with what it gives.
static FailureOr<VerifyReport> verifyGeneration(ModuleOp raised,
                                                ModuleOp kernels,
                                                vit::GenerationAttr generation,
                                                const VerifyOptions &options,
                                                TimingScope &timing) {
  VerifyReport report;
  NamedTensors encoded;
  VerifyOptions ofEntry = options;
  ofEntry.onnxFile.clear();
  if (raised.lookupSymbol<func::FuncOp>(kEncode)) {
    OwningOpRef<ModuleOp> model = extractEntry(raised, kEncode),
                          candidate = extractKernels(kernels, kEncode);
    ModelRuns runs(*model, ofEntry, timing,
                   makeOneSample(ofEntry, raised.getLoc()));
    FailureOr<VerifyReport> found = verifyForward(runs, *candidate, ofEntry);
    if (failed(found))
      return failure();
    append(report, *found);
    if (!report.agrees)
      return report;
    encoded = getEncoded(runs.getSamples().front(), getEntry(kernels, kEncode));
  }
  ofEntry.pictures.clear();
  OwningOpRef<ModuleOp> model = extractEntry(raised, kStep),
                        candidate = extractKernels(kernels, kStep);
  ModelRuns runs(*model, ofEntry, timing,
                 makeStepSamples(generation, std::move(encoded), ofEntry));
  FailureOr<VerifyReport> found = verifyForward(runs, *candidate, ofEntry);
  if (failed(found))
    return failure();
  append(report, *found);
  return report;
}

/// Compares @text, of a model that ranks texts.
static FailureOr<VerifyReport> verifyText(ModuleOp raised, ModuleOp kernels,
                                          const VerifyOptions &options,
                                          TimingScope &timing) {
  VerifyOptions ofText = options;
  ofText.pictures.clear();
  ofText.onnxFile.clear();
  OwningOpRef<ModuleOp> model = extractEntry(raised, kText),
                        candidate = extractKernels(kernels, kText);
  ModelRuns runs(*model, ofText, timing,
                 makeOneSample(ofText, raised.getLoc()));
  return verifyForward(runs, *candidate, ofText);
}

FailureOr<VerifyReport> vitc::verifyKernels(ModuleOp raised, ModuleOp kernels,
                                            const VerifyOptions &options,
                                            TimingScope &timing) {
  if (failed(checkMemory(kernels, options.batch)) ||
      failed(checkInputNames(getEntries(kernels), options, raised.getLoc())))
    return failure();
  vit::ModelAttr model = getModel(raised);
  for (StringRef name : {kForward, kEncode, kStep})
    if (raised.lookupSymbol<func::FuncOp>(name) && !getEntry(kernels, name))
      return emitError(raised.getLoc()) << "the candidate has no function @"
                                        << name << ", which the model has";
  if (model && model.getGeneration())
    return verifyGeneration(raised, kernels, model.getGeneration(), options,
                            timing);
  ModelRuns runs(raised, options, timing,
                 makeOneSample(options, raised.getLoc()));
  FailureOr<VerifyReport> report = verifyForward(runs, kernels, options);
  if (failed(report) || !report->agrees ||
      !raised.lookupSymbol<func::FuncOp>(kText) ||
      !kernels.lookupSymbol<func::FuncOp>(kText))
    return report;
  FailureOr<VerifyReport> text = verifyText(raised, kernels, options, timing);
  if (failed(text))
    return failure();
  append(*report, *text);
  return report;
}
