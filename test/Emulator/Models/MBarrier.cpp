//===- MBarrier.cpp - Barriers that count threads and bytes ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Block.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

/// mbarrier.init barrier, count.
static void initialize(Thread &thread, const uint64_t *in, uint64_t *) {
  if (in[1] == 0 || in[1] >= 1 << 20)
    return thread.fault(llvm::formatv(
        "makes an mbarrier for {0} arrivals; it takes 1 to 1048575", in[1]));
  thread.block->makeBarrier(thread, in[0], in[1]);
}

static void arrive(Thread &thread, MBarrier &barrier, uint32_t count) {
  if (count == 0)
    return thread.fault("arrives 0 times at an mbarrier");
  if (barrier.missing == 0)
    return thread.fault(llvm::formatv(
        "arrives at an mbarrier at which all {0} of this phase have",
        barrier.count));
  if (count > barrier.missing)
    return thread.fault(llvm::formatv(
        "arrives {0} times at an mbarrier that lacks {1} of {2} arrivals",
        count, barrier.missing, barrier.count));
  thread.block->getShared().release(thread.index, barrier.clock);
  barrier.missing -= count;
  thread.block->updateBarrier(barrier);
}

/// Results, where there are any, are the state for mbarrier.test_wait: the
/// phase. The second operand, where there is one, counts as many arrivals.
static void arriveAlone(Thread &thread, const uint64_t *in, uint64_t *out) {
  if (MBarrier *barrier = thread.block->findBarrier(thread, in[0])) {
    *out = barrier->phase;
    arrive(thread, *barrier, thread.site->numOperands > 1 ? in[1] : 1);
  }
}
static void expectBytes(Thread &thread, const uint64_t *in, uint64_t *) {
  if (MBarrier *barrier = thread.block->findBarrier(thread, in[0]))
    barrier->missingBytes += in[1];
}
static void arriveAndExpectBytes(Thread &thread, const uint64_t *in,
                                 uint64_t *out) {
  if (MBarrier *barrier = thread.block->findBarrier(thread, in[0])) {
    *out = barrier->phase;
    barrier->missingBytes += in[1];
    arrive(thread, *barrier, 1);
  }
}

/// Waits as long as it takes, so that the result, where there is one, is true.
static void waitForParity(Thread &thread, const uint64_t *in, uint64_t *out) {
  *out = 1;
  if (MBarrier *barrier = thread.block->findBarrier(thread, in[0]))
    thread.block->waitForBarrier(thread, *barrier, in[1] & 1);
}

static void fenceAsyncProxy(Thread &thread, const uint64_t *, uint64_t *) {
  thread.block->getShared().fence(thread.index);
}

llvm::ArrayRef<Model> vitc::emulator::getMBarrierModels() {
  // PTX's first operand of an arrival is `_`.
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.mbarrier.init", initialize),
      threadModel("llvm.nvvm.mbarrier.init.shared", initialize),
      ptxModel("mbarrier.init.shared.b64", initialize, 2),
      threadModel("llvm.nvvm.mbarrier.arrive", arriveAlone),
      threadModel("llvm.nvvm.mbarrier.arrive.shared", arriveAlone),
      threadModel("llvm.nvvm.mbarrier.arrive.scope.cta.space.cta", arriveAlone),
      ptxModel("mbarrier.arrive.shared.b64", arriveAlone, 1, 2),
      ptxModel("mbarrier.arrive.shared::cta.b64", arriveAlone, 1, 2),
      threadModel("llvm.nvvm.mbarrier.expect.tx.scope.cta.space.cta",
                  expectBytes),
      threadModel("llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta",
                  arriveAndExpectBytes),
      ptxModel("mbarrier.arrive.expect_tx.shared.b64", arriveAndExpectBytes, 2),
      ptxModel("mbarrier.arrive.expect_tx.shared::cta.b64",
               arriveAndExpectBytes, 2),
      threadModel("llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta",
                  waitForParity),
      ptxModel("mbarrier.try_wait.parity.shared.b64.loop", waitForParity, 2, 3),
      ptxModel("mbarrier.try_wait.parity.shared::cta.b64.loop", waitForParity,
               2, 3),
      threadModel("llvm.nvvm.fence.mbarrier_init.release.cluster", doNothing),
      threadModel("llvm.nvvm.fence.proxy.async", fenceAsyncProxy),
      threadModel("llvm.nvvm.fence.proxy.async.shared_cta", fenceAsyncProxy),
      ptxModel("fence.proxy.async", fenceAsyncProxy, 0),
      ptxModel("fence.proxy.async.shared::cta", fenceAsyncProxy, 0),
  };
  return models;
}
