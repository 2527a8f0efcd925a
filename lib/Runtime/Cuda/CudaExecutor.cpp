//===- CudaExecutor.cpp - Kernels on a GPU --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaExecutor.h"

#include "Arena.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;
using namespace vitc::rt::cuda;

/// As the driver aligns memory itself: rows of any vector type.
static constexpr int64_t kStagingAlignment = 256;

static constexpr MemoryUse kArena = {"the session's arena",
                                     /*growsWithBatch=*/true};
static constexpr MemoryUse kStaging = {"inputs and outputs",
                                       /*growsWithBatch=*/true};
static constexpr MemoryUse kStates = {"states of generation",
                                      /*growsWithBatch=*/true};

static int64_t alignUp(int64_t bytes) {
  return (bytes + kStagingAlignment - 1) / kStagingAlignment *
         kStagingAlignment;
}

CudaExecutor::CudaExecutor(const vitc_model &model, int64_t maxBatch)
    : device(*model.cuda), transfers(device.context) {
  CudaContext::Scope scope(*device.context);
  work.reset(new Work(*device.context));
  // What a run is sure to need is there before the first; attention maps are
  // large and seldom asked for. Where tokens are generated the batch is one of
  // steps, whose states lie in buffers; what they begin with has fewer items.
  if (model.step.descriptor) {
    reserveArena(*model.step.descriptor, maxBatch);
    return;
  }
  // The arena comes last: it can do with less.
  for (const vitc_model::Entry &entry : {model.main, model.text})
    if (entry.descriptor)
      reserveStaging(*entry.descriptor, maxBatch);
  for (const vitc_model::Entry &entry : {model.main, model.text})
    if (entry.descriptor)
      reserveArena(*entry.descriptor, maxBatch);
}

void CudaExecutor::EndWork::operator()(Work *work) const noexcept {
  try {
    CudaContext::Scope scope(work->context);
    delete work;
  } catch (const Failure &) {
    // A context that cannot be made current is gone with all that it had.
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Throws Failure(VITC_OUT_OF_MEMORY).
CudaMemory CudaExecutor::obtain(int64_t bytes, MemoryUse use) {
  try {
    return CudaMemory(device.context, bytes, use);
  } catch (const Failure &failure) {
    if (failure.getStatus() != VITC_OUT_OF_MEMORY || !buffers.hasUnused())
      throw;
  }
  work->stream.wait();
  work->graphs.clear();
  buffers.freeUnused();
  return CudaMemory(device.context, bytes, use);
}

/// Replaces memory by more of it. What there was is freed first: both may not
/// fit.
void CudaExecutor::grow(CudaMemory &memory, int64_t bytes, MemoryUse use) {
  // Runs are over; what filled it with zeros may not be.
  work->stream.wait();
  work->graphs.clear();
  memory = CudaMemory();
  memory = obtain(bytes, use);
  work->stream.fillWithZeros(memory.get(), memory.size());
}

/// Makes room for the most items of the batch that the GPU has room for, if
/// they can be run apart, or else for all. Returns their number.
int64_t CudaExecutor::reserveArena(const EntryDescriptor &entry,
                                   int64_t batch) {
  bool isDivisible = entry.independentItems && entry.arenaPerBatch > 0;
  for (int64_t together = batch;; together = (together + 1) / 2) {
    int64_t bytes = arenaBytes(entry.arenaBase, entry.arenaPerBatch, together);
    if (bytes <= arena.size())
      return together;
    bool isLast = !isDivisible || together == 1;
    if (bytes > arenaLimit && !isLast)
      continue;
    try {
      grow(arena, bytes, kArena);
      return together;
    } catch (const Failure &failure) {
      if (failure.getStatus() != VITC_OUT_OF_MEMORY || isLast)
        throw;
      arenaLimit = bytes - 1;
    }
  }
}

static int64_t countStagingBytes(const TensorDescriptor *tensors, int32_t count,
                                 int64_t batch) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < count; ++i)
    bytes += alignUp(dtypeBytes(tensors[i].dtype) *
                     countElements(tensors[i].dims, tensors[i].rank, batch));
  return bytes;
}

void CudaExecutor::reserveStaging(const EntryDescriptor &entry, int64_t batch) {
  reserveStaging(countStagingBytes(entry.inputs, entry.numInputs, batch) +
                 countStagingBytes(entry.outputs, entry.numOutputs, batch));
}

void CudaExecutor::reserveStaging(int64_t bytes) {
  if (bytes > staging.size())
    grow(staging, bytes, kStaging);
  transfers.reserve(bytes);
}

std::unique_ptr<Buffer> CudaExecutor::allocate(int64_t bytes) {
  CudaContext::Scope scope(*device.context);
  bytes = std::max<int64_t>(bytes, 1); // an address of its own
  std::unique_ptr<Buffer> buffer = buffers.reuse(bytes);
  if (!buffer)
    buffer = buffers.lend(obtain(bytes, kStates));
  work->stream.fillWithZeros(toAddress(buffer->data()), bytes);
  return buffer;
}

void CudaExecutor::write(const Buffer &to, int64_t offset, const void *from,
                         int64_t bytes) {
  CudaContext::Scope scope(*device.context);
  // The caller's memory may be gone as soon as this returns.
  work->stream.finish([&] {
    work->stream.copyToDevice(toAddress(to.data()) + offset, from, bytes);
  });
}

void CudaExecutor::copy(const Buffer &to, int64_t toOffset, const Buffer &from,
                        int64_t fromOffset, int64_t bytes) {
  CudaContext::Scope scope(*device.context);
  work->stream.copyOnDevice(toAddress(to.data()) + toOffset,
                            toAddress(from.data()) + fromOffset, bytes);
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// Finds a place on the GPU for each tensor, in the order of inputs and
/// outputs; null for one that is not asked for.
void CudaExecutor::placeTensors(const std::vector<RunTensor> &inputs,
                                const std::vector<RunTensor> &outputs) {
  int64_t bytes = 0;
  for (const std::vector<RunTensor> *tensors : {&inputs, &outputs})
    for (const RunTensor &tensor : *tensors)
      bytes += isStaged(tensor) ? alignUp(tensor.bytes) : 0;
  reserveStaging(bytes);
  key.tensors.clear();
  CUdeviceptr next = staging.get();
  for (const std::vector<RunTensor> *tensors : {&inputs, &outputs})
    for (const RunTensor &tensor : *tensors) {
      if (!isStaged(tensor)) {
        key.tensors.push_back(tensor.bytes > 0 ? tensor.data : nullptr);
        continue;
      }
      key.tensors.push_back(toPointer(next));
      next += alignUp(tensor.bytes);
    }
}

void CudaExecutor::run(const vitc_model::Entry &entry, int64_t batch,
                       const std::vector<RunTensor> &inputs,
                       const std::vector<RunTensor> &outputs) {
  CudaContext::Scope scope(*device.context);
  const CudaStream &stream = work->stream;
  placeTensors(inputs, outputs);
  int64_t together = reserveArena(*entry.descriptor, batch);
  transfers.begin();
  stream.finish([&] { queue(entry, batch, together, inputs, outputs); });
  transfers.finish();
  if (deviceTime)
    *deviceTime += work->end.getMillisecondsSince(work->begin);
  if (times)
    collectTimes();
}

/// The kernels of a run between the copies of its tensors.
void CudaExecutor::queue(const vitc_model::Entry &entry, int64_t batch,
                         int64_t together, const std::vector<RunTensor> &inputs,
                         const std::vector<RunTensor> &outputs) {
  const CudaStream &stream = work->stream;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (isStaged(inputs[i]))
      transfers.copyToDevice(toAddress(key.tensors[i]), inputs[i].data,
                             inputs[i].bytes, stream);
  start(entry, batch, together);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (isStaged(inputs[i]) && inputs[i].isState)
      transfers.copyToHost(inputs[i].data, toAddress(key.tensors[i]),
                           inputs[i].bytes, stream);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (isStaged(outputs[i]))
      transfers.copyToHost(outputs[i].data,
                           toAddress(key.tensors[inputs.size() + i]),
                           outputs[i].bytes, stream);
}

void CudaExecutor::start(const vitc_model::Entry &entry, int64_t batch,
                         int64_t together) {
  work->launches.clear();
  auto startKernels = [&] { startAll(entry, batch, together); };
  CUgraphExec graph = nullptr;
  // Events between kernels, and launches that depend on what is read back,
  // cannot be in a graph.
  if (!times && !entry.code->readsDevice) {
    key.code = entry.code;
    key.batch = batch;
    graph = work->graphs.get(key, startKernels);
  }
  // A GPU that has nothing to do passes an event at once: there is a graph
  // before its time begins.
  if (deviceTime)
    work->begin.record(work->stream);
  if (graph)
    work->graphs.launch(graph);
  else
    startKernels();
  if (deviceTime)
    work->end.record(work->stream);
}

void CudaExecutor::startAll(const vitc_model::Entry &entry, int64_t batch,
                            int64_t together) {
  const EntryDescriptor &descriptor = *entry.descriptor;
  auto middle = key.tensors.begin() + descriptor.numInputs;
  std::vector<void *> inputs(key.tensors.begin(), middle);
  std::vector<void *> outputs(middle, key.tensors.end());
  failure.reset();
  for (int64_t begin = 0; begin < batch; begin += together) {
    Context context = {};
    context.batch = std::min(together, batch - begin);
    context.weights =
        static_cast<const uint8_t *>(toPointer(device.weights.get()));
    context.arena = static_cast<uint8_t *>(toPointer(arena.get()));
    context.inputs = inputs.data();
    context.outputs = outputs.data();
    context.threads = 1;
    context.launch = launchKernel;
    context.read = readDevice;
    context.session = this;
    entry.code->function(&context);
    failure.rethrow();
    for (int32_t i = 0; i < descriptor.numInputs; ++i)
      inputs[i] = advanceToItem(descriptor.inputs[i], inputs[i], together);
    for (int32_t i = 0; i < descriptor.numOutputs; ++i)
      outputs[i] = advanceToItem(descriptor.outputs[i], outputs[i], together);
  }
}

void CudaExecutor::launch(const Context &context, int32_t site, int32_t kernel,
                          int64_t blocks, const void *const *arguments) {
  if (!times)
    return device.module->launch(kernel, blocks, arguments, work->stream.get());
  const CudaLibrary &library = device.context->getLibrary();
  TimedLaunch &timed = work->launches.emplace_back(
      TimedLaunch{site, context.batch, CudaEvent(library), CudaEvent(library)});
  timed.begin.record(work->stream);
  device.module->launch(kernel, blocks, arguments, work->stream.get());
  timed.end.record(work->stream);
}

void CudaExecutor::collectTimes() {
  const std::vector<TimedLaunch> &launches = work->launches;
  auto getNanoseconds = [&](const CudaEvent &event) -> int64_t {
    return std::llround(event.getMillisecondsSince(launches.front().begin) *
                        1e6);
  };
  for (const TimedLaunch &launch : launches)
    times->push_back({launch.site, launch.batch, getNanoseconds(launch.begin),
                      getNanoseconds(launch.end)});
}

//===----------------------------------------------------------------------===//
// Callbacks
//===----------------------------------------------------------------------===//

void CudaExecutor::launchKernel(Context *context, int32_t site, int32_t kernel,
                                int64_t blocks, const void *const *arguments) {
  auto &executor = *static_cast<CudaExecutor *>(context->session);
  executor.failure.guard(
      [&] { executor.launch(*context, site, kernel, blocks, arguments); });
}

int32_t CudaExecutor::readDevice(Context *context, void *host,
                                 const void *deviceData, int64_t bytes) {
  auto &executor = *static_cast<CudaExecutor *>(context->session);
  const CudaStream &stream = executor.work->stream;
  return executor.failure.guard([&] {
    stream.finish(
        [&] { stream.copyToHost(host, toAddress(deviceData), bytes); });
  });
}
