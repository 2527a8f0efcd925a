//===- BulkCopy.cpp - cp.async.bulk from global to shared memory ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The bytes arrive as those of a tile do, with no tensor map.
#include "../Block.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

/// [target], [source], bytes, [barrier].
static void copyOfPtx(Thread &thread, const uint64_t *in, uint64_t *) {
  static constexpr size_t granule = 16;
  uint64_t target = in[0], source = in[1];
  auto bytes = static_cast<uint32_t>(in[2]);
  Block &block = *thread.block;
  if (bytes == 0 || bytes % granule != 0)
    return thread.fault(llvm::formatv(
        "copies {0} bytes in bulk; a multiple of 16 is needed", bytes));
  if (!block.checkAlignment(thread, target, granule, Access::Write) ||
      !block.checkAlignment(thread, source, granule, Access::Read) ||
      !block.checkGlobal(thread, source, bytes, Access::Read))
    return;
  SharedMemory &shared = block.getShared();
  size_t offset = SharedMemory::getOffset(target);
  if (!fits(offset, bytes, shared.getSize()))
    return thread.fault(llvm::formatv(
        "copies {0} bytes at byte {1} of shared memory, which has {2}", bytes,
        static_cast<int64_t>(offset), shared.getSize()));
  MBarrier *barrier = block.findBarrier(thread, in[3]);
  if (!barrier)
    return;
  SharedMemory::Clock before;
  unsigned unit = shared.getUnit(in[3]);
  if (auto wrong = shared.startTile(thread.index, unit, offset, bytes, before))
    return thread.fault(*wrong);
  block.addTileLoad([&block, barrier, unit, before, source, offset, bytes] {
    std::memcpy(SharedMemory::getBase() + offset,
                reinterpret_cast<const void *>(source), bytes);
    block.getShared().finishTile(unit, offset, bytes, before, barrier->clock);
    barrier->missingBytes -= bytes;
    block.updateBarrier(*barrier);
  });
}

llvm::ArrayRef<Model> vitc::emulator::getBulkCopyModels() {
  static constexpr Model models[] = {
      ptxModel("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
               "bytes",
               copyOfPtx, 4),
  };
  return models;
}
