//===- CudaExecutor.h - Kernels on a GPU ---------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entry function runs on the processor and says which kernels to start.
// Tensors of the caller's are copied to staging memory and back, through
// page-locked memory; those in buffers stay on the GPU.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDAEXECUTOR_H
#define VITC_LIB_RUNTIME_CUDA_CUDAEXECUTOR_H

#include "CallbackFailure.h"
#include "Cuda/CudaBuffers.h"
#include "Cuda/CudaGraphs.h"
#include "Cuda/CudaModel.h"
#include "Cuda/CudaStream.h"
#include "Cuda/CudaTransfers.h"
#include "Executor.h"

#include <limits>

namespace vitc::rt::cuda {

class CudaExecutor final : public Executor {
public:
  CudaExecutor(const vitc_model &model, int64_t maxBatch);

  void run(const vitc_model::Entry &entry, int64_t batch,
           const std::vector<RunTensor> &inputs,
           const std::vector<RunTensor> &outputs) override;
  std::unique_ptr<Buffer> allocate(int64_t bytes) override;
  void write(const Buffer &to, int64_t offset, const void *from,
             int64_t bytes) override;
  void copy(const Buffer &to, int64_t toOffset, const Buffer &from,
            int64_t fromOffset, int64_t bytes) override;
  int64_t getArenaBytes() const override { return arena.size(); }
  const uint8_t *getArenaData() const override { return nullptr; }

private:
  /// A kernel launch between two events.
  struct TimedLaunch {
    int32_t site;
    int64_t batch;
    CudaEvent begin, end;
  };
  struct Work {
    explicit Work(const CudaContext &context)
        : context(context), stream(context.getLibrary()),
          graphs(context.getLibrary(), stream.get()),
          begin(context.getLibrary()), end(context.getLibrary()) {}

    const CudaContext &context;
    CudaStream stream;
    CudaGraphs graphs;
    CudaEvent begin, end; // of a run, between the copies
    std::vector<TimedLaunch> launches;
  };
  /// Its context must be the thread's when it ends.
  struct EndWork {
    void operator()(Work *work) const noexcept;
  };

  CudaMemory obtain(int64_t bytes, MemoryUse use);
  void grow(CudaMemory &memory, int64_t bytes, MemoryUse use);
  int64_t reserveArena(const EntryDescriptor &entry, int64_t batch);
  void reserveStaging(const EntryDescriptor &entry, int64_t batch);
  void reserveStaging(int64_t bytes);

  /// Whether a tensor is copied to staging memory and back.
  bool isStaged(const RunTensor &tensor) const {
    return tensor.bytes > 0 && !buffers.contains(tensor.data);
  }
  void placeTensors(const std::vector<RunTensor> &inputs,
                    const std::vector<RunTensor> &outputs);
  void queue(const vitc_model::Entry &entry, int64_t batch, int64_t together,
             const std::vector<RunTensor> &inputs,
             const std::vector<RunTensor> &outputs);
  /// Starts the kernels of a batch, `together` items at once.
  void start(const vitc_model::Entry &entry, int64_t batch, int64_t together);
  void startAll(const vitc_model::Entry &entry, int64_t batch,
                int64_t together);
  void launch(const Context &context, int32_t site, int32_t kernel,
              int64_t blocks, const void *const *arguments);
  void collectTimes();

  // Callbacks of generated code.
  static void launchKernel(Context *context, int32_t site, int32_t kernel,
                           int64_t blocks, const void *const *arguments);
  static int32_t readDevice(Context *context, void *host, const void *device,
                            int64_t bytes);

  const CudaModel &device;
  std::unique_ptr<Work, EndWork> work;
  CudaMemory arena, staging;
  CudaTransfers transfers;
  CudaBuffers buffers;
  /// The largest arena that the GPU might have room for.
  int64_t arenaLimit = std::numeric_limits<int64_t>::max();
  GraphKey key = {}; // of the current run
  CallbackFailure failure;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDAEXECUTOR_H
