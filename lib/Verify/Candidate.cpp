//===- Candidate.cpp - The kernels that ship, at work ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both entries stand in one module, so that they call the same functions. To
// the runtime each is the entry "forward" of a descriptor of its own.
//
//===----------------------------------------------------------------------===//

#include "Candidate.h"

#include "Session.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

static constexpr StringRef kForward = "forward", kSpread = "forward_spread";

/// The runtime's objects; those of an entry go before what they refer to.
struct Candidate::Sessions {
  vitc_runtime_t *runtime = nullptr;
  struct Entry {
    rt::EntryDescriptor entry;
    vitc_model_descriptor_t descriptor;
    vitc_model_t *model = nullptr;
    vitc_session_t *session = nullptr;
  };
  Entry shipped, spread;

  ~Sessions() {
    for (Entry *entry : {&shipped, &spread}) {
      vitc_session_destroy(entry->session);
      vitc_model_destroy(entry->model);
    }
    vitc_runtime_destroy(runtime);
  }
};

Candidate::~Candidate() = default;

FailureOr<std::unique_ptr<Candidate>>
Candidate::create(ModuleOp module, const ProgramOptions &options,
                  int64_t batch) {
  std::unique_ptr<Candidate> candidate(new Candidate());
  if (failed(candidate->prepare(module, batch)) ||
      failed(candidate->load(options)))
    return failure();
  return candidate;
}

LogicalResult Candidate::prepare(ModuleOp source, int64_t batchSize) {
  batch = batchSize;
  module = source.clone();
  for (auto function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>()))
    if (function.getName() != kForward)
      function.erase();
  auto shipped = module->lookupSymbol<func::FuncOp>(kForward);
  FailureOr<std::vector<KernelAccesses>> shippedKernels =
      getKernelAccesses(shipped, batch);
  if (failed(shippedKernels))
    return failure();
  BufferPlaces places = getBufferPlaces(shipped, batch, *shippedKernels);
  if (failed(checkPlaces(shipped, places, batch)))
    return failure();
  stale = findStaleRead(*shippedKernels, places);

  spread = shipped.clone();
  spread.setName(kSpread);
  module->push_back(spread);
  FailureOr<std::vector<KernelAccesses>> spreadKernels =
      getKernelAccesses(spread, batch);
  if (failed(spreadKernels))
    return failure();
  separateValues(*spreadKernels);
  spreadKernels = getKernelAccesses(spread, batch);
  if (failed(spreadKernels))
    return failure();
  kernels = std::move(*spreadKernels);
  spreadArena(spread, getBufferPlaces(spread, batch, kernels));
  return success();
}

LogicalResult Candidate::load(const ProgramOptions &options) {
  auto descriptor = loadProgram(*module, options, jit);
  if (failed(descriptor))
    return failure();
  sessions = std::make_unique<Sessions>();
  vitc_error_t error;
  auto check = [&](vitc_status_t status) -> LogicalResult {
    if (status == VITC_OK)
      return success();
    return emitError(module->getLoc()) << "cannot be run: " << error.message;
  };
  auto open = [&](Sessions::Entry &entry, StringRef name) -> LogicalResult {
    ArrayRef<rt::EntryDescriptor> entries((*descriptor)->entries,
                                          (*descriptor)->numEntries);
    entry.entry = *llvm::find_if(entries, [&](const rt::EntryDescriptor &each) {
      return each.name == name;
    });
    entry.entry.name = kForward.data();
    entry.descriptor = **descriptor;
    entry.descriptor.entries = &entry.entry;
    entry.descriptor.numEntries = 1;
    return success(
        succeeded(check(vitc_model_create(sessions->runtime, &entry.descriptor,
                                          nullptr, &entry.model, &error))) &&
        succeeded(check(
            vitc_session_create(entry.model, batch, &entry.session, &error))));
  };
  if (failed(check(vitc_runtime_create(0, &sessions->runtime, &error))) ||
      failed(open(sessions->shipped, kForward)) ||
      failed(open(sessions->spread, kSpread)))
    return failure();
  return success();
}

const vitc_model &Candidate::getModel() const {
  return *sessions->shipped.model;
}

EntryAttr Candidate::getInterface() const {
  return spread->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr);
}

/// `tensor` as the C ABI takes it.
static vitc_tensor_t view(HostTensor &tensor, const vitc_tensor_info_t &info) {
  vitc_tensor_t result = {};
  result.data = tensor.bytes.data();
  result.dtype = info.dtype;
  result.rank = tensor.shape.size();
  llvm::copy(tensor.shape, result.dims);
  return result;
}

FailureOr<std::vector<HostTensor>> Candidate::run(vitc_session_t *session,
                                                  ArrayRef<HostTensor> inputs) {
  const vitc_model_t *model = &session->getModel();
  vitc_error_t error;
  std::vector<vitc_tensor_t> inputViews, outputViews;
  lastInputs.assign(inputs.begin(), inputs.end());
  lastOutputs.clear();
  auto report = [&] {
    return emitError(module->getLoc()) << "cannot be run: " << error.message;
  };
  for (auto [i, input] : llvm::enumerate(lastInputs)) {
    vitc_tensor_info_t info;
    if (vitc_model_input(model, i, &info, &error) != VITC_OK)
      return report();
    inputViews.push_back(view(input, info));
  }
  for (TensorAttr output : getInterface().getOutputs()) {
    HostTensor tensor{output.getType().getElementType(), {}, {}};
    for (int64_t size : output.getType().getShape())
      tensor.shape.push_back(ShapedType::isDynamic(size) ? batch : size);
    tensor.bytes.resize(tensor.getNumElements() *
                        getTensorElementBytes(tensor.element));
    lastOutputs.push_back(std::move(tensor));
  }
  for (auto [i, output] : llvm::enumerate(lastOutputs)) {
    vitc_tensor_info_t info;
    if (vitc_model_output(model, i, &info, &error) != VITC_OK)
      return report();
    outputViews.push_back(view(output, info));
  }
  if (vitc_session_run(session, inputViews.data(), outputViews.data(),
                       &error) != VITC_OK)
    return report();
  return lastOutputs;
}

FailureOr<std::vector<HostTensor>>
Candidate::runShipped(ArrayRef<HostTensor> inputs) {
  return run(sessions->shipped.session, inputs);
}

FailureOr<std::vector<HostTensor>>
Candidate::runSpread(ArrayRef<HostTensor> inputs) {
  return run(sessions->spread.session, inputs);
}

const char *Candidate::getMemory(Value value) const {
  auto buffer = value.getDefiningOp<BufferOp>();
  switch (buffer.getSpace()) {
  case Space::Input:
    return lastInputs[buffer.getOffset()].bytes.data();
  case Space::Output:
    return lastOutputs[buffer.getOffset()].bytes.data();
  case Space::Arena:
    return reinterpret_cast<const char *>(
               sessions->spread.session->getArenaData()) +
           buffer.getOffset();
  case Space::Weights:
    break;
  }
  llvm_unreachable("kernels do not write weights");
}

HostTensor Candidate::readResult(const KernelAccesses &kernel) const {
  return readAccess(kernel.result, getMemory(kernel.result.buffer));
}

int64_t Candidate::getNumElements(Value buffer) const {
  int64_t count = 1;
  for (int64_t size : getBufferShape(buffer, kernels))
    count *= size;
  return count;
}

HostTensor Candidate::readBuffer(Value buffer) const {
  SmallVector<int64_t> shape = getBufferShape(buffer, kernels);
  return readAccess(
      {buffer,
       AffineMap::getMultiDimIdentityMap(shape.size(), buffer.getContext()),
       shape},
      getMemory(buffer));
}
