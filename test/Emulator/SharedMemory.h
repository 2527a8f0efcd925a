//===- SharedMemory.h - A block's shared memory --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_SHAREDMEMORY_H
#define VITC_TEST_EMULATOR_SHAREDMEMORY_H

#include "Site.h"

#include "llvm/ADT/bit.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vitc::emulator {

/// The memory of every block in turn, and who did what to each byte since it
/// began.
///
/// It lies at a multiple of 256 KiB below 4 GiB: the low 18 bits of an address,
/// which descriptors hold, are those of the GPU, and 32 bits hold all of it.
///
/// An access is a race unless what it meets happened before it, which vector
/// clocks of the warps tell: only barriers and fences order, in no case the
/// order in which threads happened to run. Lanes of one warp are not told
/// apart. The tensor cores of each warpgroup and the unit that copies tiles,
/// for each mbarrier it tells, have clocks of their own, as if they were warps.
/// Of a byte's writes only the last is known, of atomic ones too.
class SharedMemory {
public:
  static constexpr size_t kBytes = size_t(256) << 10;
  /// What a block of sm_90 may have, and what it may declare statically.
  static constexpr size_t kMaxBytes = size_t(227) << 10;
  static constexpr size_t kMaxStaticBytes = size_t(48) << 10;

  /// The first byte.
  static char *getBase();
  static bool contains(uintptr_t address) {
    return getOffset(address) < kBytes;
  }
  /// How far from it `address` lies; beyond every size if it lies before.
  static size_t getOffset(uintptr_t address) {
    return address - reinterpret_cast<uintptr_t>(getBase());
  }

  /// Every byte 0xff, NaN in every float type, and none of them written.
  void reset(size_t usedBytes, unsigned numThreads);
  size_t getSize() const { return size; }

  /// Makes the usual access of whole words, to what is plainly right: false
  /// leaves the rest to access().
  bool accessWords(unsigned thread, size_t offset, size_t bytes, Access kind) {
    if ((offset | bytes) % 4 != 0 || kind == Access::Atomic)
      return false;
    unsigned warp = thread / 32;
    const Clock &own = clocks[warp];
    Epoch epoch = own[warp] * 32 + thread % 32;
    uint64_t reader = uint64_t(1) << warp;
    for (size_t word = offset / 4; word < (offset + bytes) / 4; ++word) {
      Cell &cell = cells[word];
      if (cell.state != State::Written || cell.isSplit ||
          (cell.writer != warp && (cell.writer >= own.size() ||
                                   cell.writeEpoch / 32 > own[cell.writer])))
        return false;
      if (kind == Access::Read) {
        cell.readers |= reader;
        readEpochs[word * numReaders + warp] = epoch;
        continue;
      }
      if (cell.numReads != 0)
        return false;
      for (uint64_t others = cell.readers & ~reader; others;
           others &= others - 1) {
        unsigned other = llvm::countr_zero(others);
        if (readEpochs[word * numReaders + other] / 32 > own[other])
          return false;
      }
      cell.readers = 0;
      cell.writer = warp;
      cell.writeEpoch = epoch;
    }
    return true;
  }
  /// What is wrong with an access of `thread`, or nothing.
  std::optional<std::string> access(unsigned thread, size_t offset,
                                    size_t bytes, Access kind);
  /// The same for a copy of `thread` that begins now and is done at finishCopy.
  std::optional<std::string> startCopy(unsigned thread, size_t offset,
                                       size_t bytes);
  void finishCopy(unsigned thread, size_t offset, size_t bytes);

  /// What happened until a moment, by warp.
  using Clock = std::vector<uint32_t>;
  /// Adds to `clock` what happened before what `thread` does from now on.
  void release(unsigned thread, Clock &clock);
  /// All in `clock` happened before what `thread` does from now on.
  void acquire(unsigned thread, const Clock &clock);

  /// A copy of the unit for tiles, which `thread` starts. It, and what was
  /// `before` it, happened before what those do who acquire the clock that
  /// finishTile adds to. A `unit` is what loads the tiles of one mbarrier.
  unsigned getUnit(uintptr_t barrier);
  std::optional<std::string> startTile(unsigned thread, unsigned unit,
                                       size_t offset, size_t bytes,
                                       Clock &before);
  void finishTile(unsigned unit, size_t offset, size_t bytes,
                  const Clock &before, Clock &clock);
  /// A read of the unit for tiles that `thread` starts, or of the tensor cores
  /// that its warpgroup shares, which lasts until it is finished. It does not
  /// see what a thread writes before it is fenced.
  std::optional<std::string> startRead(unsigned thread, size_t offset,
                                       size_t bytes);
  void finishTileRead(unsigned thread, size_t offset, size_t bytes);
  void finishProductRead(unsigned thread, size_t offset, size_t bytes);
  /// The tensor cores' reads happened before what the warpgroup of `thread`
  /// does from now on: whichever of its warps tells others.
  void acquireProducts(unsigned thread);
  /// fence.proxy.async.
  void fence(unsigned thread);
  /// Makes an mbarrier of 8 bytes, and checks that one is there.
  std::optional<std::string> makeBarrier(unsigned thread, size_t offset);
  std::optional<std::string> useBarrier(unsigned thread, size_t offset);

  /// What all these threads did happened before what they do from now on.
  void synchronize(const std::vector<unsigned> &threads);

  /// Whether reads of bytes that nobody wrote are an error.
  bool strict = true;

private:
  enum class State : uint8_t {
    Unwritten,
    Copying,
    Written,
    WrittenAtomically,
    Barrier
  };
  /// A moment of a warp, with the lane that acted: clock * 32 + lane.
  using Epoch = uint32_t;

  /// What happened to a byte; or to all four of an aligned word, as long as
  /// they are only touched together.
  struct Cell {
    Epoch writeEpoch;  ///< Of the last write.
    uint16_t writer;   ///< Its warp.
    uint16_t numReads; ///< That have begun and not finished.
    State state;
    bool isSplit;     ///< Of a word: each byte has a cell of its own.
    uint64_t readers; ///< Warps that read since the last plain write.
  };
  /// What loads tiles has numbers beyond those of `readers`.
  static_assert(1024 / 32 + 1024 / 128 <= 64);

  Epoch now(unsigned thread) const {
    unsigned warp = thread / 32;
    return clocks[warp][warp] * 32 + thread % 32;
  }
  /// Whether `warp` knows of the moment `epoch` of `other`.
  bool knows(unsigned warp, unsigned other, Epoch epoch) const {
    const Clock &own = clocks[warp];
    return warp == other || epoch / 32 <= (other < own.size() ? own[other] : 0);
  }
  /// The tensor cores of a thread's warpgroup, as a warp.
  unsigned getTensorCores(unsigned thread) const {
    return numWarps + thread / 128;
  }

  Cell &getCell(size_t offset) {
    Cell &word = cells[offset / 4];
    return word.isSplit ? cells[numWords + offset] : word;
  }
  /// When `reader` read a cell; it is one of its readers.
  Epoch &getReadEpoch(const Cell &cell, unsigned reader) {
    return readEpochs[(&cell - cells.data()) * numReaders + reader];
  }
  void split(size_t word);
  /// Calls visit(cell, offset) for the cells of a range, in their order, until
  /// it returns false.
  template <typename Visit>
  bool visitCells(size_t offset, size_t bytes, Visit visit);

  std::optional<std::string> checkCell(unsigned thread, const Cell &cell,
                                       size_t offset, Access kind);
  std::string describeThread(unsigned warp, Epoch epoch) const;
  std::string describeRace(const Cell &cell, size_t offset, Access kind,
                           unsigned other, bool otherWrote);

  size_t size = 0, numWords = 0;
  unsigned numWarps = 0, numReaders = 0; ///< With the tensor cores.
  std::vector<Cell> cells;       ///< Of the words, then of split words' bytes.
  std::vector<Epoch> readEpochs; ///< By cell and reader.
  /// By thread: the clocks of its fences, in their order.
  std::vector<std::vector<uint32_t>> fences;
  /// By warp: what it knows of each other; 0 past the end.
  std::vector<Clock> clocks;
  /// What loads tiles, by mbarrier: a number after the readers'.
  std::map<uintptr_t, unsigned> units;
  std::vector<uint32_t> numTiles; ///< That came, by unit.
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_SHAREDMEMORY_H
