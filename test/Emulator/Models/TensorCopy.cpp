//===- TensorCopy.cpp - TMA: tiles between global and shared memory -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A load's bytes arrive as late as they may, when no thread can run on; a
// store's leave when its thread waits for it. Nobody may touch them meanwhile.
#include "../Block.h"
#include "../TensorMap.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

namespace {
/// One copy: which tile, and where it lies in shared memory.
struct Tile {
  TensorMap map;
  int32_t x, y;
  size_t offset;
};
} // namespace

/// Checks what is the same for loads and stores. False: `thread` is at fault.
static bool getTile(Thread &thread, uint64_t map, int32_t x, int32_t y,
                    uintptr_t shared, Access ofGlobal, Tile &tile) {
  Block &block = *thread.block;
  if (!block.checkAlignment(thread, map, 64, Access::Read) ||
      !block.checkGlobal(thread, map, sizeof(TensorMap), Access::Read))
    return false;
  std::memcpy(&tile.map, reinterpret_cast<const void *>(map),
              sizeof(TensorMap));
  if (tile.map.magic != TensorMap::kMagic) {
    thread.fault("copies by something that is no tensor map");
    return false;
  }
  if (llvm::Error error = tile.map.check()) {
    thread.fault("copies by what is wrong: " +
                 llvm::toString(std::move(error)));
    return false;
  }
  // A swizzle's pattern repeats every 8 rows.
  uint32_t alignment = std::max<uint32_t>(128, 8 * tile.map.swizzleBytes);
  if (!block.checkAlignment(thread, shared, alignment,
                            ofGlobal == Access::Read ? Access::Write
                                                     : Access::Read))
    return false;
  tile.offset = SharedMemory::getOffset(shared);
  if (!fits(tile.offset, tile.map.getTileBytes(),
            block.getShared().getSize())) {
    thread.fault(llvm::formatv(
        "copies a tile of {0} bytes at byte {1} of shared memory, which has "
        "{2}",
        tile.map.getTileBytes(), static_cast<int64_t>(tile.offset),
        block.getShared().getSize()));
    return false;
  }
  tile.x = x;
  tile.y = y;
  uint64_t lastRow =
      tile.map.address + (tile.map.size[1] - 1) * tile.map.rowBytes;
  size_t rowBytes = tile.map.size[0] * tile.map.elementBytes;
  return block.checkGlobal(thread, tile.map.address, rowBytes, ofGlobal) &&
         block.checkGlobal(thread, lastRow, rowBytes, ofGlobal);
}

/// Calls copy(shared, global) for each element; global is null past the matrix.
template <typename Copy>
static void forEachElement(const Tile &tile, Copy copy) {
  const TensorMap &map = tile.map;
  auto base = reinterpret_cast<uintptr_t>(SharedMemory::getBase());
  uint32_t tileRowBytes = map.tile[0] * map.elementBytes;
  for (uint32_t row = 0; row < map.tile[1]; ++row)
    for (uint32_t column = 0; column < map.tile[0]; ++column) {
      uint64_t place =
          base + tile.offset + row * tileRowBytes + column * map.elementBytes;
      int64_t x = int64_t(tile.x) + column, y = int64_t(tile.y) + row;
      bool inside = x >= 0 && y >= 0 && uint64_t(x) < map.size[0] &&
                    uint64_t(y) < map.size[1];
      uint64_t global =
          inside ? map.address + y * map.rowBytes + x * map.elementBytes : 0;
      copy(reinterpret_cast<char *>(swizzle(place, map.swizzleBytes)),
           reinterpret_cast<char *>(global));
    }
}

static void load(Thread &thread, uint64_t shared, uint64_t map, int32_t x,
                 int32_t y, uint64_t barrierAddress) {
  Tile tile;
  if (!getTile(thread, map, x, y, shared, Access::Read, tile))
    return;
  Block &block = *thread.block;
  MBarrier *barrier = block.findBarrier(thread, barrierAddress);
  if (!barrier)
    return;
  SharedMemory::Clock before;
  unsigned unit = block.getShared().getUnit(barrierAddress);
  if (auto wrong = block.getShared().startTile(thread.index, unit, tile.offset,
                                               tile.map.getTileBytes(), before))
    return thread.fault(*wrong);
  block.addTileLoad([&block, barrier, tile, unit, before] {
    forEachElement(tile, [&](char *target, const char *source) {
      if (source)
        std::memcpy(target, source, tile.map.elementBytes);
      else
        std::memset(target, 0, tile.map.elementBytes);
    });
    block.getShared().finishTile(unit, tile.offset, tile.map.getTileBytes(),
                                 before, barrier->clock);
    barrier->missingBytes -= tile.map.getTileBytes();
    block.updateBarrier(*barrier);
  });
}

/// target, barrier, map, x, y, then what clusters need.
static void loadTile(Thread &thread, const uint64_t *in, uint64_t *) {
  if (in[7] & 1)
    return thread.fault("copies to several blocks of a cluster, of which there "
                        "is no model");
  load(thread, in[0], in[2], in[3], in[4], in[1]);
}
/// [target], [map, {x, y}], [barrier].
static void loadTileOfPtx(Thread &thread, const uint64_t *in, uint64_t *) {
  load(thread, in[0], in[1], in[2], in[3], in[4]);
}

static void store(Thread &thread, uint64_t shared, uint64_t map, int32_t x,
                  int32_t y) {
  Tile tile;
  if (!getTile(thread, map, x, y, shared, Access::Write, tile))
    return;
  size_t bytes = tile.map.getTileBytes();
  if (auto wrong =
          thread.block->getShared().startRead(thread.index, tile.offset, bytes))
    return thread.fault(*wrong);
  thread.tileStores.add(
      {{tile.offset, bytes}, [tile] {
         forEachElement(tile, [&](const char *source, char *target) {
           if (target)
             std::memcpy(target, source, tile.map.elementBytes);
         });
       }});
}

/// source, map, x, y, then a cache hint.
static void storeTile(Thread &thread, const uint64_t *in, uint64_t *) {
  store(thread, in[0], in[1], in[2], in[3]);
}
/// [map, {x, y}], [source].
static void storeTileOfPtx(Thread &thread, const uint64_t *in, uint64_t *) {
  store(thread, in[3], in[0], in[1], in[2]);
}

static void commitGroup(Thread &thread, const uint64_t *, uint64_t *) {
  thread.tileStores.commit();
}
/// Leaves as many of the newest groups as the operand says.
static void waitForGroups(Thread &thread, const uint64_t *in, uint64_t *) {
  while (thread.tileStores.getNumCommitted() > in[0])
    thread.tileStores.finishOldest([&](const Thread::TileStore &store) {
      store.run();
      thread.block->getShared().finishTileRead(thread.index, store.read.offset,
                                               store.read.bytes);
    });
}

llvm::ArrayRef<Model> vitc::emulator::getTensorCopyModels() {
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.cp.async.bulk.tensor.g2s.tile.2d", loadTile),
      ptxModel("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
               "complete_tx::bytes",
               loadTileOfPtx, 5),
      threadModel("llvm.nvvm.cp.async.bulk.tensor.s2g.tile.2d", storeTile),
      ptxModel("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group",
               storeTileOfPtx, 4),
      threadModel("llvm.nvvm.cp.async.bulk.commit.group", commitGroup),
      ptxModel("cp.async.bulk.commit_group", commitGroup, 0),
      threadModel("llvm.nvvm.cp.async.bulk.wait.group", waitForGroups),
      threadModel("llvm.nvvm.cp.async.bulk.wait.group.read", waitForGroups),
      ptxModel("cp.async.bulk.wait_group", waitForGroups, 1),
      ptxModel("cp.async.bulk.wait_group.read", waitForGroups, 1),
      threadModel("llvm.nvvm.prefetch.tensormap", doNothing),
      ptxModel("prefetch.tensormap", doNothing, 1),
  };
  return models;
}
