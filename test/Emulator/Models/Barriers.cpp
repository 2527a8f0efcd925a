//===- Barriers.cpp - Barriers and fences ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Block.h"

using namespace vitc::emulator;

namespace {
/// How a barrier instruction waits; a model's parameter.
enum BarrierFlags : uint32_t { Aligned = 1, HasCount = 2, Waits = 4 };
} // namespace

static void useBarrier(Thread &thread, const uint64_t *in, uint64_t *) {
  uint32_t flags = thread.getParameter();
  if ((flags & HasCount) && in[1] == 0)
    return thread.fault("waits for 0 threads at a barrier");
  thread.block->arriveAtBarrier(thread, in[0], flags & HasCount ? in[1] : 0,
                                flags & Aligned, flags & Waits);
}

static void synchronizeLanes(Group &group) {
  std::vector<unsigned> together;
  for (Thread *thread : group.lanes)
    if (thread)
      together.push_back(thread->index);
  group.getFirst().block->getShared().synchronize(together);
}

static void trap(Thread &thread, const uint64_t *, uint64_t *) {
  thread.fault("reaches a trap");
}

llvm::ArrayRef<Model> vitc::emulator::getBarrierModels() {
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.barrier.cta.sync.aligned.all", useBarrier,
                  Aligned | Waits),
      threadModel("llvm.nvvm.barrier.cta.sync.aligned.count", useBarrier,
                  Aligned | HasCount | Waits),
      threadModel("llvm.nvvm.barrier.cta.sync.all", useBarrier, Waits),
      threadModel("llvm.nvvm.barrier.cta.sync.count", useBarrier,
                  HasCount | Waits),
      threadModel("llvm.nvvm.barrier.cta.arrive.aligned.count", useBarrier,
                  Aligned | HasCount),
      threadModel("llvm.nvvm.barrier.cta.arrive.count", useBarrier, HasCount),
      maskedModel("llvm.nvvm.bar.warp.sync", synchronizeLanes,
                  /*maskOperand=*/0),
      threadModel("llvm.nvvm.membar.cta", doNothing),
      threadModel("llvm.nvvm.membar.gl", doNothing),
      threadModel("llvm.nvvm.membar.sys", doNothing),
      threadModel("llvm.trap", trap),
  };
  return models;
}
