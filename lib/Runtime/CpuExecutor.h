//===- CpuExecutor.h - Kernels on the threads of the pool ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CPUEXECUTOR_H
#define VITC_LIB_RUNTIME_CPUEXECUTOR_H

#include "Arena.h"
#include "CallbackFailure.h"
#include "Executor.h"
#include "OneDNN.h"

namespace vitc::rt {

/// Runs kernels on the processor, on tensors where the caller has them.
class CpuExecutor final : public Executor {
public:
  CpuExecutor(const vitc_model &model, int64_t maxBatch);

  void run(const vitc_model::Entry &entry, int64_t batch,
           const std::vector<RunTensor> &inputs,
           const std::vector<RunTensor> &outputs) override;
  std::unique_ptr<Buffer> allocate(int64_t bytes) override;
  void write(const Buffer &to, int64_t offset, const void *from,
             int64_t bytes) override;
  void copy(const Buffer &to, int64_t toOffset, const Buffer &from,
            int64_t fromOffset, int64_t bytes) override;
  int64_t getArenaBytes() const override { return arena.size(); }
  const uint8_t *getArenaData() const override { return arena.data(); }

private:
  /// Runs the next `count` items of the batch and moves the pointers past them.
  void runItems(const vitc_model::Entry &entry, int64_t count);
  template <typename Body>
  void launch(const Context &context, int32_t site, Body body) noexcept;
  static void parallel(Context *context, int32_t site, TaskFn fn,
                       const void *args, int64_t tasks);
  static void oneDnnGemm(Context *context, int32_t site,
                         const OneDnnGemm *gemm);

  const vitc_model &model;
  Arena arena;
  /// Where the items that are to be run next begin.
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  std::unique_ptr<OneDnnGemms> gemms;
  CallbackFailure failure;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_CPUEXECUTOR_H
