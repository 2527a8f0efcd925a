//===- SharedMemory.cpp - A block's shared memory -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

#include "llvm/ADT/STLExtras.h"
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

/// Adds to `clock` what `other` knows.
static void join(SharedMemory::Clock &clock, const SharedMemory::Clock &other) {
  clock.resize(std::max(clock.size(), other.size()));
  for (auto [i, moment] : llvm::enumerate(other))
    clock[i] = std::max(clock[i], moment);
}

char *SharedMemory::getBase() {
  static char *base = mapArena();
  return base;
}

void SharedMemory::reset(size_t usedBytes, unsigned numThreads) {
  size = usedBytes;
  numWarps = (numThreads + 31) / 32;
  numReaders = numWarps + (numThreads + 127) / 128;
  std::memset(getBase(), 0xff, kBytes);
  states.assign(size, State::Unwritten);
  writers.assign(size, 0);
  writeEpochs.assign(size, 0);
  readEpochs.assign(size * numReaders, 0);
  numReads.assign(size, 0);
  fences.assign(numThreads, {});
  clocks.assign(numReaders, Clock(numReaders));
  for (unsigned warp = 0; warp < numReaders; ++warp)
    clocks[warp][warp] = 1;
  units.clear();
  numTiles.clear();
}

std::string SharedMemory::describeRace(unsigned thread, size_t offset,
                                       Access kind, unsigned other,
                                       bool otherWrote) const {
  Epoch epoch = otherWrote ? writeEpochs[offset]
                           : readEpochs[offset * numReaders + other];
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
                         writer >= numReaders ? "" : "a cp.async of ",
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
  for (unsigned other = 0; other < numReaders; ++other)
    if (!knows(warp, other, readEpochs[offset * numReaders + other]))
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
      readEpochs[i * numReaders + thread / 32] = epoch;
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
  if (warp >= numReaders)
    return "a TMA load";
  if (warp >= numWarps)
    return "a wgmma of warpgroup " + std::to_string(warp - numWarps);
  return "thread " + std::to_string(warp * 32 + epoch % 32);
}

unsigned SharedMemory::getUnit(uintptr_t barrier) {
  auto [unit, isNew] = units.try_emplace(barrier, numReaders + numTiles.size());
  if (isNew)
    numTiles.push_back(0);
  return unit->second;
}

std::optional<std::string> SharedMemory::startTile(unsigned thread,
                                                   unsigned unit, size_t offset,
                                                   size_t bytes,
                                                   Clock &before) {
  auto wrong = startCopy(thread, offset, bytes);
  std::fill_n(writers.begin() + offset, bytes, unit);
  release(thread, before);
  return wrong;
}

void SharedMemory::finishTile(unsigned unit, size_t offset, size_t bytes,
                              const Clock &before, Clock &clock) {
  uint32_t count = ++numTiles[unit - numReaders];
  std::fill_n(states.begin() + offset, bytes, State::Written);
  std::fill_n(writeEpochs.begin() + offset, bytes, count * 32);
  join(clock, before);
  clock.resize(std::max<size_t>(clock.size(), unit + 1));
  clock[unit] = std::max(clock[unit], count);
}

std::optional<std::string>
SharedMemory::startRead(unsigned thread, size_t offset, size_t bytes) {
  for (size_t i = offset; i < offset + bytes; ++i) {
    if (auto wrong = checkByte(thread, i, Access::Read))
      return wrong;
    ++numReads[i];
    if (writers[i] >= numWarps || states[i] == State::Unwritten)
      continue;
    // A fence that comes too late is none, whatever order ran.
    unsigned writer = writers[i] * 32 + writeEpochs[i] % 32;
    auto fence = llvm::lower_bound(fences[writer], writeEpochs[i] / 32);
    if (fence == fences[writer].end() ||
        !knows(thread / 32, writers[i], *fence * 32))
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
    readEpochs[i * numReaders + thread / 32] = now(thread);
  }
}

void SharedMemory::finishProductRead(unsigned thread, size_t offset,
                                     size_t bytes) {
  finishTileRead(getTensorCores(thread) * 32, offset, bytes);
}

void SharedMemory::acquireProducts(unsigned thread) {
  unsigned cores = getTensorCores(thread);
  uint32_t &clock = clocks[cores][cores];
  for (unsigned warp = thread / 128 * 4; warp < thread / 128 * 4 + 4; ++warp)
    clocks[warp][cores] = clock;
  ++clock;
}

void SharedMemory::fence(unsigned thread) {
  unsigned warp = thread / 32;
  fences[thread].push_back(clocks[warp][warp]++);
}

std::optional<std::string> SharedMemory::makeBarrier(unsigned thread,
                                                     size_t offset) {
  if (states[offset] == State::Barrier) {
    if (auto wrong = useBarrier(thread, offset))
      return wrong;
    std::fill_n(states.begin() + offset, 8, State::Written);
  }
  if (auto wrong = access(thread, offset, 8, Access::Write))
    return wrong;
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
  Clock &own = clocks[thread / 32];
  join(clock, own);
  ++own[thread / 32];
}

void SharedMemory::acquire(unsigned thread, const Clock &clock) {
  join(clocks[thread / 32], clock);
}

void SharedMemory::synchronize(const std::vector<unsigned> &threads) {
  Clock joined;
  for (unsigned thread : threads)
    release(thread, joined);
  for (unsigned thread : threads)
    acquire(thread, joined);
}
