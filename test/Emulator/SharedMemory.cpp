//===- SharedMemory.cpp - A block's shared memory -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cstring>
#include <sys/mman.h>

using namespace vitc::emulator;

/// Maps kBytes at a multiple of themselves below 4 GiB.
static char *mapArena() {
  for (uintptr_t address = uintptr_t(1) << 28; address < uintptr_t(1) << 32;
       address += uintptr_t(1) << 24) {
    void *wanted = reinterpret_cast<void *>(address);
    void *got = mmap(wanted, SharedMemory::kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == wanted)
      return static_cast<char *>(got);
    if (got != MAP_FAILED)
      munmap(got, SharedMemory::kBytes);
  }
  llvm::report_fatal_error("no room for shared memory below 4 GiB");
}

char *SharedMemory::getBase() {
  static char *base = mapArena();
  return base;
}

void SharedMemory::reset(size_t usedBytes, unsigned numThreads) {
  size = usedBytes;
  numWarps = (numThreads + 31) / 32;
  numClocks = numWarps + 1 + (numThreads + 127) / 128;
  std::memset(getBase(), 0xff, kBytes);
  states.assign(size, State::Unwritten);
  writers.assign(size, 0);
  writeEpochs.assign(size, 0);
  readEpochs.assign(size * numClocks, 0);
  numReads.assign(size, 0);
  fences.assign(numThreads, 0);
  clocks.assign(size_t(numClocks) * numClocks, 0);
  for (unsigned warp = 0; warp < numClocks; ++warp)
    clocks[warp * numClocks + warp] = 1;
}

std::string SharedMemory::describeRace(unsigned thread, size_t offset,
                                       Access kind, unsigned other,
                                       bool otherWrote) const {
  Epoch epoch =
      otherWrote ? writeEpochs[offset] : readEpochs[offset * numClocks + other];
  return llvm::formatv(
      "{0} byte {1} of shared memory, which {2} {3} with no barrier between",
      kind == Access::Read ? "reads" : "writes", offset,
      describeThread(other, epoch), otherWrote ? "writes" : "reads");
}

std::optional<std::string>
SharedMemory::checkByte(unsigned thread, size_t offset, Access kind) const {
  unsigned warp = thread / 32;
  unsigned writer = writers[offset];
  switch (states[offset]) {
  case State::Unwritten:
    if (kind != Access::Write && strict)
      return llvm::formatv(
          "reads byte {0} of shared memory, which nobody wrote", offset);
    break;
  case State::Copying:
    return llvm::formatv("{0} byte {1} of shared memory, to which {2}{3} "
                         "copies with no wait since",
                         kind == Access::Read ? "reads" : "writes", offset,
                         writer == numWarps ? "" : "a cp.async of ",
                         describeThread(writer, writeEpochs[offset]));
  case State::Barrier:
    return llvm::formatv("{0} byte {1} of shared memory, which belongs to an "
                         "mbarrier",
                         kind == Access::Read ? "reads" : "writes", offset);
  case State::WrittenAtomically:
    if (kind == Access::Atomic)
      break;
    [[fallthrough]];
  case State::Written:
    if (!knows(warp, writer, writeEpochs[offset]))
      return describeRace(thread, offset, kind, writer, /*otherWrote=*/true);
    break;
  }
  if (kind == Access::Read)
    return std::nullopt;
  if (numReads[offset] != 0)
    return llvm::formatv("writes byte {0} of shared memory, which a wgmma or "
                         "TMA store that nobody waited for still reads",
                         offset);
  for (unsigned other = 0; other < numClocks; ++other)
    if (!knows(warp, other, readEpochs[offset * numClocks + other]))
      return describeRace(thread, offset, kind, other, /*otherWrote=*/false);
  return std::nullopt;
}

std::optional<std::string> SharedMemory::access(unsigned thread, size_t offset,
                                                size_t bytes, Access kind) {
  Epoch epoch = now(thread);
  for (size_t i = offset; i < offset + bytes; ++i) {
    if (auto wrong = checkByte(thread, i, kind))
      return wrong;
    if (kind == Access::Read) {
      readEpochs[i * numClocks + thread / 32] = epoch;
      continue;
    }
    states[i] =
        kind == Access::Write ? State::Written : State::WrittenAtomically;
    writers[i] = thread / 32;
    writeEpochs[i] = epoch;
  }
  return std::nullopt;
}

std::optional<std::string>
SharedMemory::startCopy(unsigned thread, size_t offset, size_t bytes) {
  auto wrong = access(thread, offset, bytes, Access::Write);
  if (!wrong)
    std::fill_n(states.begin() + offset, bytes, State::Copying);
  return wrong;
}

void SharedMemory::finishCopy(unsigned thread, size_t offset, size_t bytes) {
  std::fill_n(states.begin() + offset, bytes, State::Written);
  std::fill_n(writeEpochs.begin() + offset, bytes, now(thread));
}

std::string SharedMemory::describeThread(unsigned warp, Epoch epoch) const {
  if (warp == numWarps)
    return "a TMA load";
  if (warp > numWarps)
    return "a wgmma of warpgroup " + std::to_string(warp - numWarps - 1);
  return "thread " + std::to_string(warp * 32 + epoch % 32);
}

std::optional<std::string>
SharedMemory::startTile(unsigned thread, size_t offset, size_t bytes) {
  Clock clock;
  release(thread, clock);
  acquire(getUnit(), clock);
  return startCopy(getUnit(), offset, bytes);
}

void SharedMemory::finishTile(size_t offset, size_t bytes) {
  finishCopy(getUnit(), offset, bytes);
}

void SharedMemory::releaseTiles(Clock &clock) { release(getUnit(), clock); }

std::optional<std::string>
SharedMemory::startRead(unsigned thread, size_t offset, size_t bytes) {
  for (size_t i = offset; i < offset + bytes; ++i) {
    if (auto wrong = checkByte(thread, i, Access::Read))
      return wrong;
    ++numReads[i];
    if (writers[i] >= numWarps || states[i] == State::Unwritten)
      continue;
    unsigned writer = writers[i] * 32 + writeEpochs[i] % 32;
    if (writeEpochs[i] / 32 > fences[writer])
      return llvm::formatv("reads byte {0} of shared memory through the async "
                           "proxy, which thread {1} wrote with no "
                           "fence.proxy.async since",
                           i, writer);
  }
  return std::nullopt;
}

void SharedMemory::finishTileRead(unsigned thread, size_t offset,
                                  size_t bytes) {
  for (size_t i = offset; i < offset + bytes; ++i) {
    --numReads[i];
    readEpochs[i * numClocks + thread / 32] = now(thread);
  }
}

void SharedMemory::finishProductRead(unsigned thread, size_t offset,
                                     size_t bytes) {
  finishTileRead(getTensorCores(thread) * 32, offset, bytes);
}

void SharedMemory::acquireProducts(unsigned thread) {
  unsigned cores = getTensorCores(thread);
  uint32_t &clock = clocks[cores * numClocks + cores];
  for (unsigned warp = thread / 128 * 4; warp < thread / 128 * 4 + 4; ++warp)
    clocks[warp * numClocks + cores] = clock;
  ++clock;
}

void SharedMemory::fence(unsigned thread) {
  unsigned warp = thread / 32;
  fences[thread] = clocks[warp * numClocks + warp]++;
}

std::optional<std::string> SharedMemory::makeBarrier(unsigned thread,
                                                     size_t offset) {
  if (states[offset] != State::Barrier) {
    if (auto wrong = access(thread, offset, 8, Access::Write))
      return wrong;
  }
  std::fill_n(states.begin() + offset, 8, State::Barrier);
  return std::nullopt;
}

std::optional<std::string> SharedMemory::useBarrier(unsigned thread,
                                                    size_t offset) const {
  if (states[offset] != State::Barrier)
    return llvm::formatv("uses an mbarrier at byte {0} of shared memory, where "
                         "none was made",
                         offset);
  if (!knows(thread / 32, writers[offset], writeEpochs[offset]))
    return llvm::formatv("uses the mbarrier at byte {0} of shared memory, "
                         "which {1} makes with no barrier between",
                         offset,
                         describeThread(writers[offset], writeEpochs[offset]));
  return std::nullopt;
}

void SharedMemory::release(unsigned thread, Clock &clock) {
  uint32_t *own = clocks.data() + thread / 32 * numClocks;
  clock.resize(numClocks);
  for (unsigned i = 0; i < numClocks; ++i)
    clock[i] = std::max(clock[i], own[i]);
  ++own[thread / 32];
}

void SharedMemory::acquire(unsigned thread, const Clock &clock) {
  uint32_t *own = clocks.data() + thread / 32 * numClocks;
  for (unsigned i = 0; i < clock.size(); ++i)
    own[i] = std::max(own[i], clock[i]);
}

void SharedMemory::synchronize(const std::vector<unsigned> &threads) {
  Clock joined;
  for (unsigned thread : threads)
    release(thread, joined);
  for (unsigned thread : threads)
    acquire(thread, joined);
}
