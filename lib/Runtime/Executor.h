//===- Executor.h - Where a session's kernels run ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session checks what its caller gives and hands it to its executor, which
// owns the memory that kernels work in and starts them: CpuExecutor on the
// processor, cuda::CudaExecutor on a GPU.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_EXECUTOR_H
#define VITC_LIB_RUNTIME_EXECUTOR_H

#include "Model.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace vitc::rt {

/// When one kernel launch ran, for how many items of the batch; nanoseconds of
/// a clock that starts at any time.
struct SiteTime {
  int32_t site;
  int64_t batch;
  int64_t begin, end;
};

/// An input or output of a run, in the caller's memory or in a Buffer.
struct RunTensor {
  void *data;
  int64_t bytes; // 0 of a map that is not asked for
  bool isState;  // an input that is updated where it lies
};

/// Memory that kernels read and write where it lies and that keeps what is in
/// it from one run to the next; zeros at first. It must not outlive its
/// executor.
class Buffer {
public:
  virtual ~Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  /// What RunTensor and vitc_tensor_t take; of a GPU, an address of its memory.
  void *data() const { return base; }

protected:
  explicit Buffer(void *base) : base(base) {}

private:
  void *base;
};

class Executor {
public:
  virtual ~Executor() = default;

  /// Runs `entry` on a batch that its session was made for and returns when the
  /// outputs are filled. Throws Failure.
  virtual void run(const vitc_model::Entry &entry, int64_t batch,
                   const std::vector<RunTensor> &inputs,
                   const std::vector<RunTensor> &outputs) = 0;

  virtual std::unique_ptr<Buffer> allocate(int64_t bytes) = 0;
  /// Fills a part of a buffer from the caller's memory.
  virtual void write(const Buffer &to, int64_t offset, const void *from,
                     int64_t bytes) = 0;
  /// Copies between two buffers.
  virtual void copy(const Buffer &to, int64_t toOffset, const Buffer &from,
                    int64_t fromOffset, int64_t bytes) = 0;

  virtual int64_t getArenaBytes() const = 0;
  /// What the last run left in the arena; null where it is not the processor's.
  virtual const uint8_t *getArenaData() const = 0;

  /// While `times` is not null, each kernel launch is added to it.
  void recordTimes(std::vector<SiteTime> *times) { this->times = times; }
  /// While `milliseconds` is not null, an executor that copies tensors to a
  /// device and back adds to it what each run took between the copies.
  void recordDeviceTime(double *milliseconds) { deviceTime = milliseconds; }

protected:
  std::vector<SiteTime> *times = nullptr;
  double *deviceTime = nullptr;
};

/// For batches of up to `maxBatch` items of the model, which must outlive it.
std::unique_ptr<Executor> makeExecutor(const vitc_model &model,
                                       int64_t maxBatch);

/// `data`, or where item `item` of it begins if it has items of the batch; null
/// for null.
void *advanceToItem(const TensorDescriptor &tensor, void *data, int64_t item);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_EXECUTOR_H
