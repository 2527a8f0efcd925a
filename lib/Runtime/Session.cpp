//===- Session.cpp - One model at work ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <chrono>
#include <type_traits>

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

vitc_session::vitc_session(const vitc_model &model, int64_t maxBatch)
    : model(model), maxBatch(maxBatch) {
  if (maxBatch < 1)
    throw Failure(VITC_INVALID_ARGUMENT, "max_batch is {}; needs 1 or more",
                  maxBatch);
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

int64_t vitc_session::bindTensors(const vitc_model::Entry &entry,
                                  const vitc_tensor_t *inputs,
                                  const vitc_tensor_t *outputs,
                                  const AttentionRequest *request) {
  const EntryDescriptor &descriptor = *entry.descriptor;
  int32_t numInputs = descriptor.numInputs, numOutputs = descriptor.numOutputs;
  if (request) {
    const AttentionDescriptor &attention = model.descriptor.attention;
    numInputs -= 1;
    numOutputs -= attention.numLayers + attention.numProjections;
  }
  if (numInputs > 0)
    requireNonNull(inputs, "inputs");
  if (numOutputs > 0)
    requireNonNull(outputs, "outputs");
  BatchCheck check{maxBatch};
  for (int32_t i = 0; i < numInputs; ++i) {
    checkTensor("input", descriptor.inputs[i], inputs[i], check);
    inputPointers[i] = inputs[i].data;
  }
  for (int32_t i = 0; i < numOutputs; ++i) {
    checkTensor("output", descriptor.outputs[i], outputs[i], check);
    outputPointers[i] = outputs[i].data;
  }
  int64_t batch = std::max<int64_t>(check.batch, 1);
  if (request) {
    // Maps of a model with a fixed batch are of as many images as that.
    int64_t images = descriptor.outputs[numOutputs].dims[0];
    checkRequest(model.descriptor.attention, *request,
                 images < 0 ? batch : images);
    inputPointers[numInputs] = request->selections;
    for (int32_t i = numOutputs; i < descriptor.numOutputs; ++i)
      outputPointers[i] = request->maps[i - numOutputs].data;
  }
  return batch;
}

/// `data`, or where item `item` of it begins if it has items of the batch; null
/// for a map that is not asked for.
template <typename Data>
static Data *advanceToItem(const TensorDescriptor &tensor, Data *data,
                           int64_t item) {
  if (!data || tensor.rank == 0 || tensor.dims[0] != -1)
    return data;
  int64_t bytes = dtypeBytes(tensor.dtype) *
                  countElements(tensor.dims + 1, tensor.rank - 1, /*batch=*/1);
  using Bytes = std::conditional_t<std::is_const_v<Data>, const char, char>;
  return static_cast<Bytes *>(data) + item * bytes;
}

namespace {
/// Marks a session as running; refuses a second run at the same time.
class RunningMark {
public:
  explicit RunningMark(std::atomic<bool> &running) : running(running) {
    if (running.exchange(true))
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the session is in use by another thread; needs a session "
                    "for each thread");
  }
  ~RunningMark() { running.store(false); }
  RunningMark(const RunningMark &) = delete;
  RunningMark &operator=(const RunningMark &) = delete;

private:
  std::atomic<bool> &running;
};
} // namespace

void vitc_session::run(const vitc_model::Entry &entry,
                       const vitc_tensor_t *inputs,
                       const vitc_tensor_t *outputs,
                       const AttentionRequest *request) {
  RunningMark mark(running);
  int64_t batch = bindTensors(entry, inputs, outputs, request);
  int64_t together = countItemsTogether(model, entry, batch);
  hasFailed.store(false);
  {
    ThreadPool::Lease lease(model.runtime.pool);
    for (int64_t begin = 0; begin < batch; begin += together)
      runItems(entry, std::min(together, batch - begin));
  }
  if (hasFailed.load())
    throw Failure(failure.status, std::string(failure.message));
}

void vitc_session::runItems(const vitc_model::Entry &entry, int64_t count) {
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
    inputPointers[i] =
        advanceToItem(descriptor.inputs[i], inputPointers[i], count);
  for (int32_t i = 0; i < descriptor.numOutputs; ++i)
    outputPointers[i] =
        advanceToItem(descriptor.outputs[i], outputPointers[i], count);
}

/// Runs one kernel launch unless an earlier one failed.
template <typename Body>
void vitc_session::launch(const Context &context, int32_t site,
                          Body body) noexcept {
  if (hasFailed.load(std::memory_order_relaxed))
    return;
  int64_t begin = times ? now() : 0;
  vitc_error_t error;
  if (guard(&error, body) != VITC_OK) {
    std::lock_guard lock(failureMutex);
    if (!hasFailed.exchange(true))
      failure = error;
    return;
  }
  if (times)
    times->push_back({site, context.batch, begin, now()});
}

void vitc_session::parallel(Context *context, int32_t site, TaskFn fn,
                            const void *args, int64_t tasks) {
  auto &session = *static_cast<vitc_session *>(context->session);
  session.launch(*context, site, [&] {
    if (!session.model.runtime.pool.parallel(fn, args, tasks))
      throw Failure(VITC_INTERNAL,
                    "kernel launch {} was made from within a task; needs to "
                    "come from the entry function",
                    site);
  });
}

void vitc_session::oneDnnGemm(Context *context, int32_t site,
                              const OneDnnGemm *gemm) {
  auto &session = *static_cast<vitc_session *>(context->session);
  session.launch(*context, site, [&] { session.gemms->run(*gemm); });
}

//===----------------------------------------------------------------------===//
// C ABI
//===----------------------------------------------------------------------===//

vitc_status_t vitc_session_create(const vitc_model_t *model, int64_t max_batch,
                                  vitc_session_t **session,
                                  vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(session, "session");
    *session = new vitc_session(*model, max_batch);
  });
}

void vitc_session_destroy(vitc_session_t *session) { delete session; }

vitc_status_t vitc_session_run(vitc_session_t *session,
                               const vitc_tensor_t *inputs,
                               const vitc_tensor_t *outputs,
                               vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    session->run(session->getModel().main, inputs, outputs, nullptr);
  });
}

vitc_status_t vitc_session_run_entry(vitc_session_t *session, const char *entry,
                                     const vitc_tensor_t *inputs,
                                     const vitc_tensor_t *outputs,
                                     vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    requireNonNull(entry, "entry");
    session->run(session->getModel().requireEntry(entry), inputs, outputs,
                 nullptr);
  });
}

vitc_status_t vitc_session_run_attention(vitc_session_t *session,
                                         const vitc_tensor_t *inputs,
                                         const vitc_tensor_t *outputs,
                                         const vitc_selection_t *selections,
                                         const vitc_tensor_t *maps,
                                         vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    if (session->getModel().step.descriptor)
      throw Failure(VITC_UNSUPPORTED,
                    "the model generates tokens; their attention needs "
                    "vitc_session_generate");
    requireNonNull(selections, "selections");
    requireNonNull(maps, "maps");
    AttentionRequest request{selections, maps};
    session->run(session->getModel().requireAttention(), inputs, outputs,
                 &request);
  });
}
