//===- CpuExecutor.cpp - Kernels on the threads of the pool ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CpuExecutor.h"

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace vitc::rt;

static int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Bytes of a thread's L2: what layers pass on to each other stays in it, if it
/// fits, while the next layer runs.
static constexpr int64_t kThreadCacheBytes = int64_t(1) << 20;

/// How many items of a batch go through all layers together: as many as fit
/// into the threads' caches, at least one a thread. More would only move what
/// layers pass on to each other out to memory.
static int64_t countItemsTogether(const vitc_model &model,
                                  const vitc_model::Entry &entry,
                                  int64_t maxBatch) {
  const EntryDescriptor &descriptor = *entry.descriptor;
  if (!descriptor.independentItems || descriptor.arenaPerBatch <= 0)
    return maxBatch;
  int64_t itemsPerThread =
      std::max<int64_t>(1, kThreadCacheBytes / descriptor.arenaPerBatch);
  return std::min(maxBatch,
                  itemsPerThread * model.runtime.pool.getNumThreads());
}

CpuExecutor::CpuExecutor(const vitc_model &model, int64_t maxBatch)
    : model(model) {
  int64_t bytes = 0, scratchBytes = 0;
  size_t numInputs = 0, numOutputs = 0;
  for (const vitc_model::Entry &entry :
       {model.main, model.attention, model.text, model.step}) {
    if (!entry.descriptor)
      continue;
    bytes =
        std::max(bytes, arenaBytes(entry.descriptor->arenaBase,
                                   entry.descriptor->arenaPerBatch,
                                   countItemsTogether(model, entry, maxBatch)));
    scratchBytes = std::max(scratchBytes, entry.code->scratchBytes);
    numInputs = std::max<size_t>(numInputs, entry.descriptor->numInputs);
    numOutputs = std::max<size_t>(numOutputs, entry.descriptor->numOutputs);
  }
  arena = Arena(bytes, "the session's arena");
  inputPointers.resize(numInputs);
  outputPointers.resize(numOutputs);
  model.runtime.pool.reserveScratch(scratchBytes);
  if (model.oneDnn)
    gemms = std::make_unique<OneDnnGemms>(model.oneDnn, model.runtime.pool);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

namespace {
/// Zeros of the heap.
class HeapBuffer final : public Buffer {
public:
  explicit HeapBuffer(std::unique_ptr<uint8_t[]> bytes)
      : Buffer(bytes.get()), bytes(std::move(bytes)) {}

private:
  std::unique_ptr<uint8_t[]> bytes;
};
} // namespace

static uint8_t *getBytes(const Buffer &buffer) {
  return static_cast<uint8_t *>(buffer.data());
}

std::unique_ptr<Buffer> CpuExecutor::allocate(int64_t bytes) {
  return std::make_unique<HeapBuffer>(std::make_unique<uint8_t[]>(bytes));
}

void CpuExecutor::write(const Buffer &to, int64_t offset, const void *from,
                        int64_t bytes) {
  std::memcpy(getBytes(to) + offset, from, bytes);
}

void CpuExecutor::copy(const Buffer &to, int64_t toOffset, const Buffer &from,
                       int64_t fromOffset, int64_t bytes) {
  std::memcpy(getBytes(to) + toOffset, getBytes(from) + fromOffset, bytes);
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

void CpuExecutor::run(const vitc_model::Entry &entry, int64_t batch,
                      const std::vector<RunTensor> &inputs,
                      const std::vector<RunTensor> &outputs) {
  auto getData = [](const RunTensor &tensor) { return tensor.data; };
  std::transform(inputs.begin(), inputs.end(), inputPointers.begin(), getData);
  std::transform(outputs.begin(), outputs.end(), outputPointers.begin(),
                 getData);
  int64_t together = countItemsTogether(model, entry, batch);
  failure.reset();
  {
    ThreadPool::Lease lease(model.runtime.pool);
    for (int64_t begin = 0; begin < batch; begin += together)
      runItems(entry, std::min(together, batch - begin));
  }
  failure.rethrow();
}

void CpuExecutor::runItems(const vitc_model::Entry &entry, int64_t count) {
  Context context = {};
  context.batch = count;
  context.weights = model.descriptor.weights;
  context.arena = arena.data();
  context.inputs = inputPointers.data();
  context.outputs = outputPointers.data();
  context.parallel = parallel;
  context.oneDnnGemm = gemms ? oneDnnGemm : nullptr;
  context.threads = model.runtime.pool.getNumThreads();
  context.session = this;
  entry.code->function(&context);

  const EntryDescriptor &descriptor = *entry.descriptor;
  for (int32_t i = 0; i < descriptor.numInputs; ++i)
    inputPointers[i] = advanceToItem(
        descriptor.inputs[i], const_cast<void *>(inputPointers[i]), count);
  for (int32_t i = 0; i < descriptor.numOutputs; ++i)
    outputPointers[i] =
        advanceToItem(descriptor.outputs[i], outputPointers[i], count);
}

/// Runs one kernel launch unless an earlier one failed.
template <typename Body>
void CpuExecutor::launch(const Context &context, int32_t site,
                         Body body) noexcept {
  int64_t begin = times ? now() : 0;
  if (failure.guard(body) && times)
    times->push_back({site, context.batch, begin, now()});
}

void CpuExecutor::parallel(Context *context, int32_t site, TaskFn fn,
                           const void *args, int64_t tasks) {
  auto &executor = *static_cast<CpuExecutor *>(context->session);
  executor.launch(*context, site, [&] {
    if (!executor.model.runtime.pool.parallel(fn, args, tasks))
      throw Failure(VITC_INTERNAL,
                    "kernel launch {} was made from within a task; needs to "
                    "come from the entry function",
                    site);
  });
}

void CpuExecutor::oneDnnGemm(Context *context, int32_t site,
                             const OneDnnGemm *gemm) {
  auto &executor = *static_cast<CpuExecutor *>(context->session);
  executor.launch(*context, site, [&] { executor.gemms->run(*gemm); });
}
