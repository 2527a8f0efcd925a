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
  numWords = (size + 3) / 4;
  numWarps = (numThreads + 31) / 32;
  numReaders = numWarps + (numThreads + 127) / 128;
  std::memset(getBase(), 0xff, size);
  cells.resize(std::max(cells.size(), numWords + size));
  std::fill_n(cells.begin(), numWords, Cell{});
  readEpochs.resize(std::max(readEpochs.size(), cells.size() * numReaders));
  fences.assign(numThreads, {});
  clocks.assign(numReaders, Clock(numReaders));
  for (unsigned warp = 0; warp < numReaders; ++warp)
    clocks[warp][warp] = 1;
  units.clear();
  numTiles.clear();
}

void SharedMemory::split(size_t word) {
  for (size_t i = word * 4; i < std::min(word * 4 + 4, size); ++i) {
    Cell &byte = cells[numWords + i] = cells[word];
    for (unsigned reader = 0; reader < numReaders; ++reader)
      getReadEpoch(byte, reader) = getReadEpoch(cells[word], reader);
  }
  cells[word].isSplit = true;
}

template <typename Visit>
bool SharedMemory::visitCells(size_t offset, size_t bytes, Visit visit) {
  for (size_t end = offset + bytes; offset < end;) {
    size_t word = offset / 4;
    if (!cells[word].isSplit) {
      if (offset % 4 == 0 && offset + 4 <= end) {
        if (!visit(cells[word], offset))
          return false;
        offset += 4;
        continue;
      }
      split(word);
    }
    for (; offset < std::min(end, word * 4 + 4); ++offset)
      if (!visit(cells[numWords + offset], offset))
        return false;
  }
  return true;
}

std::string SharedMemory::describeRace(const Cell &cell, size_t offset,
                                       Access kind, unsigned other,
                                       bool otherWrote) {
  Epoch epoch = otherWrote ? cell.writeEpoch : getReadEpoch(cell, other);
  return llvm::formatv(
      "{0} byte {1} of shared memory, which {2} {3} with no barrier between",
      kind == Access::Read ? "reads" : "writes", offset,
      describeThread(other, epoch), otherWrote ? "writes" : "reads");
}

std::optional<std::string> SharedMemory::checkCell(unsigned thread,
                                                   const Cell &cell,
                                                   size_t offset, Access kind) {
  unsigned warp = thread / 32;
  switch (cell.state) {
  case State::Unwritten:
    if (kind != Access::Write && strict)
      return llvm::formatv(
          "reads byte {0} of shared memory, which nobody wrote", offset);
    break;
  case State::Copying:
    return llvm::formatv("{0} byte {1} of shared memory, to which {2}{3} "
                         "copies with no wait since",
                         kind == Access::Read ? "reads" : "writes", offset,
                         cell.writer >= numReaders ? "" : "a cp.async of ",
                         describeThread(cell.writer, cell.writeEpoch));
  case State::Barrier:
    return llvm::formatv("{0} byte {1} of shared memory, which belongs to an "
                         "mbarrier",
                         kind == Access::Read ? "reads" : "writes", offset);
  case State::WrittenAtomically:
    if (kind == Access::Atomic)
      break;
    [[fallthrough]];
  case State::Written:
    if (!knows(warp, cell.writer, cell.writeEpoch))
      return describeRace(cell, offset, kind, cell.writer, /*otherWrote=*/true);
    break;
  }
  if (kind == Access::Read)
    return std::nullopt;
  if (cell.numReads != 0)
    return llvm::formatv("writes byte {0} of shared memory, which a wgmma or "
                         "TMA store that nobody waited for still reads",
                         offset);
  for (uint64_t readers = cell.readers; readers; readers &= readers - 1) {
    unsigned other = llvm::countr_zero(readers);
    if (!knows(warp, other, getReadEpoch(cell, other)))
      return describeRace(cell, offset, kind, other, /*otherWrote=*/false);
  }
  return std::nullopt;
}

std::optional<std::string> SharedMemory::access(unsigned thread, size_t offset,
                                                size_t bytes, Access kind) {
  Epoch epoch = now(thread);
  unsigned warp = thread / 32;
  std::optional<std::string> wrong;
  bool wasSplit = false;
  visitCells(offset, bytes, [&](Cell &cell, size_t place) {
    if ((wrong = checkCell(thread, cell, place, kind)))
      return false;
    if (kind == Access::Read) {
      cell.readers |= uint64_t(1) << warp;
      getReadEpoch(cell, warp) = epoch;
      return true;
    }
    cell.writer = warp;
    cell.writeEpoch = epoch;
    if (kind == Access::Atomic) {
      cell.state = State::WrittenAtomically;
      return true;
    }
    cell.state = State::Written;
    // They happened before this write, and so before what it happens before.
    cell.readers = 0;
    wasSplit |= &cell >= &cells[numWords];
    return true;
  });
  // Words of which all was written are whole again.
  if (wasSplit && !wrong)
    for (size_t word = (offset + 3) / 4; word < (offset + bytes) / 4; ++word)
      cells[word] = {epoch,
                     static_cast<uint16_t>(warp),
                     0,
                     State::Written,
                     /*isSplit=*/false,
                     0};
  return wrong;
}

std::optional<std::string>
SharedMemory::startCopy(unsigned thread, size_t offset, size_t bytes) {
  auto wrong = access(thread, offset, bytes, Access::Write);
  if (!wrong)
    visitCells(offset, bytes, [](Cell &cell, size_t) {
      cell.state = State::Copying;
      return true;
    });
  return wrong;
}

void SharedMemory::finishCopy(unsigned thread, size_t offset, size_t bytes) {
  visitCells(offset, bytes, [epoch = now(thread)](Cell &cell, size_t) {
    cell.state = State::Written;
    cell.writeEpoch = epoch;
    return true;
  });
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
  if (!wrong)
    visitCells(offset, bytes, [&](Cell &cell, size_t) {
      cell.writer = unit;
      return true;
    });
  release(thread, before);
  return wrong;
}

void SharedMemory::finishTile(unsigned unit, size_t offset, size_t bytes,
                              const Clock &before, Clock &clock) {
  uint32_t count = ++numTiles[unit - numReaders];
  visitCells(offset, bytes, [&](Cell &cell, size_t) {
    cell.state = State::Written;
    cell.writeEpoch = count * 32;
    return true;
  });
  join(clock, before);
  clock.resize(std::max<size_t>(clock.size(), unit + 1));
  clock[unit] = std::max(clock[unit], count);
}

std::optional<std::string>
SharedMemory::startRead(unsigned thread, size_t offset, size_t bytes) {
  std::optional<std::string> wrong;
  visitCells(offset, bytes, [&](Cell &cell, size_t place) {
    if ((wrong = checkCell(thread, cell, place, Access::Read)))
      return false;
    ++cell.numReads;
    if (cell.writer >= numWarps || cell.state == State::Unwritten)
      return true;
    // A fence that comes too late is none, whatever order ran.
    unsigned writer = cell.writer * 32 + cell.writeEpoch % 32;
    auto fence = llvm::lower_bound(fences[writer], cell.writeEpoch / 32);
    if (fence == fences[writer].end() ||
        !knows(thread / 32, cell.writer, *fence * 32))
      wrong = llvm::formatv("reads byte {0} of shared memory through the async "
                            "proxy, which thread {1} wrote with no "
                            "fence.proxy.async since",
                            place, writer);
    return !wrong;
  });
  return wrong;
}

void SharedMemory::finishTileRead(unsigned thread, size_t offset,
                                  size_t bytes) {
  visitCells(offset, bytes, [&](Cell &cell, size_t) {
    --cell.numReads;
    cell.readers |= uint64_t(1) << thread / 32;
    getReadEpoch(cell, thread / 32) = now(thread);
    return true;
  });
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
  auto mark = [&](State state) {
    visitCells(offset, 8, [&](Cell &cell, size_t) {
      cell.state = state;
      return true;
    });
  };
  if (getCell(offset).state == State::Barrier) {
    if (auto wrong = useBarrier(thread, offset))
      return wrong;
    mark(State::Written);
  }
  if (auto wrong = access(thread, offset, 8, Access::Write))
    return wrong;
  mark(State::Barrier);
  return std::nullopt;
}

std::optional<std::string> SharedMemory::useBarrier(unsigned thread,
                                                    size_t offset) {
  const Cell &cell = getCell(offset);
  if (cell.state != State::Barrier)
    return llvm::formatv("uses an mbarrier at byte {0} of shared memory, where "
                         "none was made",
                         offset);
  if (!knows(thread / 32, cell.writer, cell.writeEpoch))
    return llvm::formatv("uses the mbarrier at byte {0} of shared memory, "
                         "which {1} makes with no barrier between",
                         offset, describeThread(cell.writer, cell.writeEpoch));
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
