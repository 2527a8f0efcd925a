//===- MemoryAccess.cpp - Checks before memory is touched -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

static const char *getVerb(Access access) {
  return access == Access::Read ? "reads" : "writes";
}

bool Block::checkAlignment(Thread &thread, uintptr_t address, size_t alignment,
                           Access access) {
  if (address % alignment == 0)
    return true;
  thread.fault(llvm::formatv("{0} at address {1:x}, which must be a multiple "
                             "of {2}",
                             getVerb(access), address, alignment));
  return false;
}

bool Block::checkShared(Thread &thread, uintptr_t address, size_t bytes,
                        Access access) {
  size_t offset = SharedMemory::getOffset(address);
  if (!fits(offset, bytes, shared.getSize())) {
    thread.fault(llvm::formatv("{0} {1} bytes at byte {2} of shared memory, "
                               "which has {3}",
                               getVerb(access), bytes,
                               static_cast<int64_t>(offset), shared.getSize()));
    return false;
  }
  if (shared.accessWords(thread.index, offset, bytes, access))
    return true;
  auto wrong = shared.access(thread.index, offset, bytes, access);
  if (wrong)
    thread.fault(*wrong);
  return !wrong;
}

/// Lets the code of a load or store know what it need not ask for again.
static void rememberAllocation(const Site &site,
                               const GlobalMemory::Allocation &allocation,
                               size_t bytes) {
  if (!site.toGlobal)
    return;
  site.begin = allocation.begin;
  site.span = allocation.size - bytes + 1;
}

bool Block::checkGlobal(Thread &thread, uintptr_t address, size_t bytes,
                        Access access) {
  const GlobalMemory::Allocation *allocation = memory.findBefore(address);
  bool inside =
      allocation && fits(address - allocation->begin, bytes, allocation->size);
  if (inside && (access == Access::Read || allocation->writable)) {
    rememberAllocation(*thread.site, *allocation, bytes);
    return true;
  }
  thread.fault(llvm::formatv("{0} {1} bytes of global memory, {2}{3}",
                             getVerb(access), bytes, memory.describe(address),
                             inside ? ", which is read only" : ""));
  return false;
}

void Block::checkAccess(const Site &site, uintptr_t address, size_t bytes) {
  Thread &thread = getCurrent();
  Block &block = *thread.block;
  if (site.toShared && --callsLeft >= 0 && address % site.alignment == 0) {
    size_t offset = SharedMemory::getOffset(address);
    if (fits(offset, bytes, block.shared.getSize()) &&
        block.shared.accessWords(thread.index, offset, bytes, site.access))
      return;
  }
  block.enter(thread, site);
  bool toShared =
      site.toShared || (!site.toGlobal && SharedMemory::contains(address));
  bool isLocal =
      !site.toShared && !site.toGlobal &&
      thread.fiber.contains(reinterpret_cast<char *>(address), bytes);
  if (block.checkAlignment(thread, address, site.alignment, site.access) &&
      !isLocal) {
    if (toShared)
      block.checkShared(thread, address, bytes, site.access);
    else
      block.checkGlobal(thread, address, bytes, site.access);
  }
  if (!block.error.empty())
    thread.fiber.suspend();
}
