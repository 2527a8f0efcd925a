//===- Candidate.cpp - The kernels that ship, at work ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All entries stand in one module, so that they call the same functions. To the
// runtime the one whose arena reuses nothing is the entry "forward" of a
// descriptor of its own.
//
//===----------------------------------------------------------------------===//

#include "Candidate.h"

#include "Session.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

static constexpr StringRef kForward = "forward", kAttention = "attention",
                           kSpread = "forward_spread";

/// The runtime's objects; those of a model go before what they refer to.
struct Candidate::Sessions {
  vitc_runtime_t *runtime = nullptr;
  rt::EntryDescriptor spreadEntry;
  vitc_model_descriptor_t shippedDescriptor, spreadDescriptor;
  struct Model {
    vitc_model_t *model = nullptr;
    vitc_session_t *session = nullptr;
  };
  Model shipped, spread;

  ~Sessions() {
    for (const Model &each : {shipped, spread}) {
      vitc_session_destroy(each.session);
      vitc_model_destroy(each.model);
    }
    vitc_runtime_destroy(runtime);
  }
};

/// What the C ABI takes.
struct Candidate::Arguments {
  std::vector<vitc_tensor_t> inputs, outputs;
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
    if (function.getName() != kForward && function.getName() != kAttention)
      function.erase();
  auto shipped = module->lookupSymbol<func::FuncOp>(kForward);
  FailureOr<std::vector<KernelAccesses>> shippedKernels =
      getKernelAccesses(shipped, batch);
  if (failed(shippedKernels))
    return failure();
  BufferPlaces places = getBufferPlaces(shipped, batch, *shippedKernels);
  if (failed(checkPlaces(shipped, places, batch)))
    return failure();
  FailureOr<std::optional<StaleRead>> read =
      findStaleRead(shipped, *shippedKernels, places);
  if (failed(read))
    return failure();
  stale = *read;
  if (auto attention = module->lookupSymbol<func::FuncOp>(kAttention))
    if (failed(prepareMaps(attention)))
      return failure();

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

LogicalResult Candidate::prepareMaps(func::FuncOp attention) {
  FailureOr<std::vector<KernelAccesses>> accesses =
      getKernelAccesses(attention, batch);
  if (failed(accesses))
    return failure();
  BufferPlaces places = getBufferPlaces(attention, batch, *accesses);
  if (failed(checkPlaces(attention, places, batch)))
    return failure();
  FailureOr<std::optional<StaleRead>> read =
      findStaleRead(attention, *accesses, places);
  if (failed(read))
    return failure();
  if (!stale)
    stale = *read;
  if (auto layers = attention->getAttrOfType<ArrayAttr>(
          vit::VitDialect::kAttentionLayersAttr))
    llvm::append_range(mapLayers, layers.getAsRange<vit::AttentionLayerAttr>());
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
  auto open = [&](Sessions::Model &entry,
                  const vitc_model_descriptor_t &from) -> LogicalResult {
    return success(
        succeeded(check(vitc_model_create(sessions->runtime, &from, nullptr,
                                          &entry.model, &error))) &&
        succeeded(check(
            vitc_session_create(entry.model, batch, &entry.session, &error))));
  };
  ArrayRef<rt::EntryDescriptor> entries((*descriptor)->entries,
                                        (*descriptor)->numEntries);
  sessions->spreadEntry =
      *llvm::find_if(entries, [](const rt::EntryDescriptor &each) {
        return each.name == kSpread;
      });
  sessions->spreadEntry.name = kForward.data();
  // All of the batch's values are read after the run.
  sessions->spreadEntry.independentItems = 0;
  // The entry for texts is not here: @forward is what is verified.
  sessions->shippedDescriptor = **descriptor;
  sessions->shippedDescriptor.ranking = {};
  sessions->spreadDescriptor = sessions->shippedDescriptor;
  sessions->spreadDescriptor.entries = &sessions->spreadEntry;
  sessions->spreadDescriptor.numEntries = 1;
  sessions->spreadDescriptor.attention = {};
  if (failed(check(vitc_runtime_create(0, &sessions->runtime, &error))) ||
      failed(open(sessions->shipped, sessions->shippedDescriptor)) ||
      failed(open(sessions->spread, sessions->spreadDescriptor)))
    return failure();
  return success();
}

const vitc_model &Candidate::getModel() const {
  return *sessions->shipped.model;
}

EntryAttr Candidate::getInterface() const {
  return spread->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr);
}

SmallVector<StringRef> Candidate::getResultNames() const {
  EntryAttr entry = getInterface();
  SmallVector<StringRef> names;
  for (TensorAttr output : entry.getOutputs())
    names.push_back(output.getName());
  for (int64_t input : entry.getInPlace())
    names.push_back(entry.getInputs()[input].getName());
  return names;
}

/// `tensor` as the C ABI takes it.
static vitc_tensor_t view(HostTensor &tensor, vitc_dtype_t dtype) {
  vitc_tensor_t result = {};
  result.data = tensor.bytes.data();
  result.dtype = dtype;
  result.rank = tensor.shape.size();
  llvm::copy(tensor.shape, result.dims);
  return result;
}

static HostTensor allocate(Type element, ArrayRef<int64_t> shape) {
  HostTensor tensor{element, SmallVector<int64_t>(shape), {}};
  tensor.bytes.resize(tensor.getNumElements() * getTensorElementBytes(element));
  return tensor;
}

/// Makes `outputs` and gives the addresses of both.
FailureOr<Candidate::Arguments>
Candidate::bind(std::vector<HostTensor> &inputs,
                std::vector<HostTensor> &outputs) const {
  const vitc_model_t *model = &getModel();
  vitc_error_t error;
  vitc_tensor_info_t info;
  Arguments arguments;
  auto report = [&] {
    return emitError(module.get().getLoc())
           << "cannot be run: " << error.message;
  };
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (vitc_model_input(model, i, &info, &error) != VITC_OK)
      return report();
    arguments.inputs.push_back(view(input, info.dtype));
  }
  outputs.clear();
  for (TensorAttr output : getInterface().getOutputs()) {
    SmallVector<int64_t> shape(output.getType().getShape());
    llvm::replace(shape, ShapedType::kDynamic, batch);
    outputs.push_back(allocate(output.getType().getElementType(), shape));
  }
  for (auto [i, output] : llvm::enumerate(outputs)) {
    if (vitc_model_output(model, i, &info, &error) != VITC_OK)
      return report();
    arguments.outputs.push_back(view(output, info.dtype));
  }
  return arguments;
}

FailureOr<std::vector<HostTensor>> Candidate::run(vitc_session_t *session,
                                                  ArrayRef<HostTensor> inputs) {
  lastInputs.assign(inputs.begin(), inputs.end());
  FailureOr<Arguments> arguments = bind(lastInputs, lastOutputs);
  if (failed(arguments))
    return failure();
  vitc_error_t error;
  if (vitc_session_run(session, arguments->inputs.data(),
                       arguments->outputs.data(), &error) != VITC_OK)
    return emitError(module->getLoc()) << "cannot be run: " << error.message;
  std::vector<HostTensor> results = lastOutputs;
  for (int64_t input : getInterface().getInPlace())
    results.push_back(lastInputs[input]);
  return results;
}

FailureOr<MapRun> Candidate::runMaps(ArrayRef<HostTensor> inputs, bool mean) {
  std::vector<HostTensor> kept(inputs.begin(), inputs.end());
  MapRun result;
  FailureOr<Arguments> arguments = bind(kept, result.outputs);
  if (failed(arguments))
    return failure();
  const vitc_model_t *model = &getModel();
  vitc_error_t error;
  auto report = [&] {
    return emitError(module->getLoc()) << "cannot be run: " << error.message;
  };
  Type f32 = Float32Type::get(module->getContext());
  std::vector<vitc_selection_t> selections;
  std::vector<HostTensor> projections(
      vitc_model_num_attention_projections(model));
  for (int32_t i = 0; i < vitc_model_num_attention_layers(model); ++i) {
    vitc_attention_layer_t layer;
    if (vitc_model_attention_layer(model, i, &layer, &error) != VITC_OK)
      return report();
    selections.push_back(mean ? vitc_selection_t{VITC_MEAN_QUERIES, 1}
                              : vitc_selection_t{0, layer.queries});
    result.maps.push_back(allocate(f32, {batch, layer.windows, layer.heads,
                                         selections.back().count, layer.keys}));
    if (layer.projection >= 0)
      projections[layer.projection] = allocate(f32, {layer.keys, layer.tokens});
  }
  std::vector<vitc_tensor_t> maps;
  for (HostTensor &tensor : llvm::concat<HostTensor>(result.maps, projections))
    maps.push_back(view(tensor, VITC_F32));
  if (vitc_session_run_attention(sessions->shipped.session,
                                 arguments->inputs.data(),
                                 arguments->outputs.data(), selections.data(),
                                 maps.data(), &error) != VITC_OK)
    return report();
  return result;
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
