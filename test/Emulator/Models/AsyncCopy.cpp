//===- AsyncCopy.cpp - cp.async from global to shared memory --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A copy's bytes arrive as late as they may, when its thread waits for them,
// and nobody may touch where they go until then.
#include "../Block.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

static void startCopy(Thread &thread, uintptr_t target, uintptr_t source,
                      uint64_t bytes, uint64_t sourceBytes) {
  Block &block = *thread.block;
  if (sourceBytes > bytes)
    return thread.fault(
        llvm::formatv("copies {0} bytes of {1}", sourceBytes, bytes));
  if (!block.checkAlignment(thread, target, bytes, Access::Write) ||
      !block.checkAlignment(thread, source, bytes, Access::Read) ||
      !block.checkShared(thread, target, bytes, Access::Write))
    return;
  if (sourceBytes != 0 &&
      !block.checkGlobal(thread, source, sourceBytes, Access::Read))
    return;
  size_t offset = SharedMemory::getOffset(target);
  block.getShared().startCopy(thread.index, offset, bytes);
  thread.copies.add({offset, reinterpret_cast<const char *>(source),
                     static_cast<uint8_t>(bytes),
                     static_cast<uint8_t>(sourceBytes)});
}

/// target, source, and how many bytes there are; the others are 0.
static void copyAsync(Thread &thread, const uint64_t *in, uint64_t *) {
  uint64_t bytes = thread.getParameter();
  startCopy(thread, in[0], in[1], bytes,
            thread.site->numOperands > 2 ? in[2] : bytes);
}

/// PTX's: [target], [source], size, and how many bytes there are.
static void copyAsyncOfPtx(Thread &thread, const uint64_t *in, uint64_t *) {
  uint64_t bytes = in[2], smallest = thread.getParameter();
  if ((bytes != 4 && bytes != 8 && bytes != 16) || bytes < smallest)
    return thread.fault(llvm::formatv("copies {0} bytes at once", bytes));
  startCopy(thread, in[0], in[1], bytes,
            thread.site->numOperands > 3 ? in[3] : bytes);
}

static void finish(Thread &thread, const Thread::Copy &copy) {
  char *target = SharedMemory::getBase() + copy.offset;
  std::memset(target, 0, copy.bytes);
  std::memcpy(target, copy.source, copy.sourceBytes);
  thread.block->getShared().finishCopy(thread.index, copy.offset, copy.bytes);
}

static void commitGroup(Thread &thread, const uint64_t *, uint64_t *) {
  thread.copies.commit();
}
/// Leaves as many of the newest groups as the operand says.
static void waitForGroups(Thread &thread, const uint64_t *in, uint64_t *) {
  while (thread.copies.getNumCommitted() > in[0])
    thread.copies.finishOldest(
        [&](const Thread::Copy &copy) { finish(thread, copy); });
}
static void waitForAll(Thread &thread, const uint64_t *, uint64_t *) {
  thread.copies.finishAll(
      [&](const Thread::Copy &copy) { finish(thread, copy); });
}

llvm::ArrayRef<Model> vitc::emulator::getAsyncCopyModels() {
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.cp.async.ca.shared.global.4", copyAsync, 4),
      threadModel("llvm.nvvm.cp.async.ca.shared.global.8", copyAsync, 8),
      threadModel("llvm.nvvm.cp.async.ca.shared.global.16", copyAsync, 16),
      threadModel("llvm.nvvm.cp.async.cg.shared.global.16", copyAsync, 16),
      threadModel("llvm.nvvm.cp.async.ca.shared.global.4.s", copyAsync, 4),
      threadModel("llvm.nvvm.cp.async.ca.shared.global.8.s", copyAsync, 8),
      threadModel("llvm.nvvm.cp.async.ca.shared.global.16.s", copyAsync, 16),
      threadModel("llvm.nvvm.cp.async.cg.shared.global.16.s", copyAsync, 16),
      threadModel("llvm.nvvm.cp.async.commit.group", commitGroup),
      threadModel("llvm.nvvm.cp.async.wait.group", waitForGroups),
      threadModel("llvm.nvvm.cp.async.wait.all", waitForAll),
      ptxModel("cp.async.ca.shared.global", copyAsyncOfPtx, 3, 4, 4),
      ptxModel("cp.async.cg.shared.global", copyAsyncOfPtx, 3, 4, 16),
      ptxModel("cp.async.cg.shared.global.L2::128B", copyAsyncOfPtx, 3, 4, 16),
      ptxModel("cp.async.commit_group", commitGroup, 0),
      ptxModel("cp.async.wait_group", waitForGroups, 1),
      ptxModel("cp.async.wait_all", waitForAll, 0),
  };
  return models;
}
