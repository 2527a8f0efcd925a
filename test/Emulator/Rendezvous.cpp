//===- Rendezvous.cpp - Where threads wait for others ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

void Block::meet(Thread &thread, uint32_t mask) {
  const Model &model = *thread.site->model;
  unsigned lane = thread.getLane();
  unsigned warpBegin = thread.index - lane;
  if (!(mask >> lane & 1))
    return thread.fault(
        llvm::formatv("is lane {0}, which is not in the mask {1:x} "
                      "that it waits for",
                      lane, mask));
  if (threads.size() - warpBegin < 32 &&
      mask >> (threads.size() - warpBegin) != 0)
    return thread.fault(
        llvm::formatv("waits for lanes {0:x}, but its warp has {1} threads",
                      mask, threads.size() - warpBegin));

  std::vector<Meeting> &open = meetings[thread.getWarp()];
  auto meeting = open.begin();
  while (meeting != open.end() &&
         (meeting->group.mask != mask || meeting->site->model != &model))
    ++meeting;
  if (meeting == open.end())
    meeting = open.insert(open.end(), {thread.site, {{}, mask}, mask});
  else if (model.maskOperand == Model::kNoMask && meeting->site != thread.site)
    return thread.fault(llvm::formatv(
        "is not where thread {0} of its warp is, which came first: at '{1}'",
        meeting->group.lanes[llvm::countr_zero(mask & ~meeting->missing)]
            ->index,
        meeting->site->text));
  meeting->group.lanes[lane] = &thread;
  meeting->missing &= ~(uint32_t(1) << lane);
  if (meeting->missing)
    return wait(thread, "all lanes of its mask");
  // The others' words lie on their stacks until they run on.
  Group group = meeting->group;
  *meeting = open.back();
  open.pop_back();
  model.group(group);
  for (Thread *other : group.lanes)
    if (other && other != &thread)
      wake(*other);
}

void Block::meetWarpgroup(Thread &thread) {
  unsigned number = thread.index / 128;
  std::vector<Thread *> &here = warpgroupMeetings[number];
  if (threads.size() < (number + 1) * 128)
    return thread.fault(llvm::formatv(
        "takes part in a warpgroup of {0} threads; it must have 128",
        threads.size() - number * 128));
  if (!here.empty() && here.front()->site != thread.site)
    return thread.fault(llvm::formatv("is not where thread {0} of its "
                                      "warpgroup is, which came first: at "
                                      "'{1}'",
                                      here.front()->index,
                                      here.front()->site->text));
  here.push_back(&thread);
  if (here.size() < 128) {
    return wait(thread, "all threads of its warpgroup");
  }
  Warpgroup group;
  for (Thread *other : here)
    group.threads[other->index % 128] = other;
  here.clear();
  thread.site->model->warpgroup(group);
  for (Thread *other : group.threads)
    if (other != &thread)
      wake(*other);
}

MBarrier *Block::findBarrier(Thread &thread, uintptr_t address) {
  if (!checkAlignment(thread, address, 8, Access::Write))
    return nullptr;
  size_t offset = SharedMemory::getOffset(address);
  if (!fits(offset, 8, shared.getSize())) {
    thread.fault("uses an mbarrier outside of shared memory");
    return nullptr;
  }
  if (auto wrong = shared.useBarrier(thread.index, offset)) {
    thread.fault(*wrong);
    return nullptr;
  }
  return &mbarriers.at(offset);
}

void Block::makeBarrier(Thread &thread, uintptr_t address, uint32_t count) {
  size_t offset = SharedMemory::getOffset(address);
  if (!checkAlignment(thread, address, 8, Access::Write))
    return;
  if (!fits(offset, 8, shared.getSize()))
    return thread.fault("makes an mbarrier outside of shared memory");
  if (auto wrong = shared.makeBarrier(thread.index, offset))
    return thread.fault(*wrong);
  MBarrier &barrier = mbarriers[offset];
  if (!barrier.waiting.empty())
    return thread.fault(llvm::formatv("makes anew the mbarrier at byte {0} of "
                                      "shared memory, for which thread {1} "
                                      "waits",
                                      offset, barrier.waiting.front()->index));
  barrier = {};
  barrier.count = barrier.missing = count;
}

void Block::updateBarrier(MBarrier &barrier) {
  if (barrier.missing != 0 || barrier.missingBytes != 0)
    return;
  ++barrier.phase;
  barrier.missing = barrier.count;
  barrier.overClock = barrier.clock;
  for (Thread *thread : barrier.waiting) {
    shared.acquire(thread->index, barrier.overClock);
    wake(*thread);
  }
  barrier.waiting.clear();
}

void Block::waitForBarrier(Thread &thread, MBarrier &barrier, uint32_t parity) {
  if ((barrier.phase & 1) != parity) {
    shared.acquire(thread.index, barrier.overClock);
    return;
  }
  barrier.waiting.push_back(&thread);
  wait(thread, "the end of an mbarrier's phase {0}", {barrier.phase});
}

void Block::arriveAtBarrier(Thread &thread, uint32_t number, uint32_t count,
                            bool aligned, bool waits) {
  if (number >= barriers.size())
    return thread.fault(llvm::formatv("uses barrier {0}; a block has {1}",
                                      number, barriers.size()));
  if (count % 32 != 0)
    return thread.fault(llvm::formatv(
        "waits for {0} threads; a barrier counts whole warps of 32", count));
  if (count == 0)
    count = threads.size();
  if (count > threads.size())
    return thread.fault(llvm::formatv(
        "waits for {0} threads; the block has {1}", count, threads.size()));
  Barrier &barrier = barriers[number];
  if (barrier.numArrived == 0) {
    barrier.count = count;
    barrier.first = &thread;
  }
  if (barrier.count != count)
    return thread.fault(llvm::formatv(
        "waits for {0} threads at barrier {1}, but thread {2}, which came "
        "first, for {3}",
        count, number, barrier.first->index, barrier.count));
  Barrier::Arrival &warp = barrier.warps[thread.getWarp()];
  if (warp.count++ == 0) {
    warp.thread = &thread;
    warp.site = thread.site;
  } else if (aligned && warp.site != thread.site) {
    return thread.fault(llvm::formatv("is not where thread {0} of its warp is, "
                                      "which came first: at '{1}'",
                                      warp.thread->index, warp.site->text));
  }
  ++barrier.numArrived;
  shared.release(thread.index, barrier.clock);
  if (waits)
    barrier.waiting.push_back(&thread);
  if (barrier.numArrived < count) {
    if (!waits)
      return;
    return wait(thread, "{0} threads at barrier {1}", {count, number});
  }

  if (aligned)
    for (unsigned i = 0; i < meetings.size(); ++i)
      if (unsigned arrived = barrier.warps[i].count;
          arrived != 0 &&
          arrived != std::min<size_t>(32, threads.size() - i * 32))
        return thread.fault(
            llvm::formatv("completes barrier {0} with {1} lanes of "
                          "warp {2}; an aligned one takes all",
                          number, arrived, i));
  // Who does not wait learns nothing of the others.
  uint32_t warpsThatKnow = 0;
  for (Thread *other : barrier.waiting) {
    if (uint32_t bit = uint32_t(1) << other->getWarp();
        !(warpsThatKnow & bit)) {
      warpsThatKnow |= bit;
      shared.acquire(other->index, barrier.clock);
    }
    if (other != &thread)
      wake(*other);
  }
  barrier.reset();
}

void Block::Barrier::reset() {
  numArrived = 0;
  clock.clear();
  waiting.clear();
  warps.fill({});
}
