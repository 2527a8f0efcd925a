//===- DeviceStages.cpp - Shared memory that warps hand over --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.0, 9.7.12.15 (mbarrier) and 9.7.8.24 (cp.async.bulk).
//
//===----------------------------------------------------------------------===//

#include "DeviceStages.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace vitc::kernel;

DeviceStages::DeviceStages(DeviceBuilder &builder, int64_t numStages,
                           int64_t numFilling, int64_t numEmptying)
    : b(builder), numStages(numStages), numFilling(numFilling),
      numEmptying(numEmptying), full(b.getShared(numStages, b.getI64Type())),
      empty(b.getShared(numStages, b.getI64Type())) {}

void DeviceStages::init() const {
  b.ifElse(
      b.equal(b.getThread(), 0),
      [&] {
        for (auto [barriers, count] :
             {std::pair(full, numFilling), std::pair(empty, numEmptying)})
          for (int64_t stage = 0; stage < numStages; ++stage)
            b.emitPtx(
                "mbarrier.init.shared.b64 [$0], $1;",
                {getBarrier(barriers, b.index(stage)), b.integer(count, 32)});
        NVVM::FenceMbarrierInitOp::create(b);
      },
      nullptr);
}

Value DeviceStages::getBarrier(DevicePointer barriers, Value stage) const {
  return b.advance(barriers, stage).address;
}

DeviceStages::Position DeviceStages::getFirst() const {
  return {b.index(0), b.index(0)};
}

DeviceStages::Position DeviceStages::getNext(const Position &position) const {
  Value isLast = b.equal(position.stage, numStages - 1);
  return {
      b.select(isLast, b.index(0), b.add(position.stage, 1)),
      b.select(isLast, b.sub(b.index(1), position.parity), position.parity)};
}

Value DeviceStages::getBefore(Value stage, Value distance) const {
  Value isRoundBefore = b.less(stage, distance);
  return b.sub(b.select(isRoundBefore, b.add(stage, numStages), stage),
               distance);
}

void DeviceStages::wait(DevicePointer barriers, Value stage,
                        Value parity) const {
  // An instruction gives up after some time.
  b.emitPtx("{\n\t"
            ".reg .pred done;\n\t"
            "WAIT:\n\t"
            "mbarrier.try_wait.parity.shared.b64 done, [$0], $1;\n\t"
            "@done bra DONE;\n\t"
            "bra WAIT;\n\t"
            "DONE:\n\t"
            "}",
            {getBarrier(barriers, stage), b.toInteger(parity, 32)});
}

void DeviceStages::waitUntilFull(const Position &position) const {
  wait(full, position.stage, position.parity);
}

void DeviceStages::waitUntilEmpty(const Position &position) const {
  // The round before the first counts as over.
  wait(empty, position.stage, b.sub(b.index(1), position.parity));
}

void DeviceStages::arriveFull(Value stage) const {
  b.emitPtx("mbarrier.arrive.shared.b64 _, [$0];", getBarrier(full, stage));
}

void DeviceStages::arriveEmpty(Value stage) const {
  b.emitPtx("mbarrier.arrive.shared.b64 _, [$0];", getBarrier(empty, stage));
}

void DeviceStages::arriveExpecting(Value stage, Value bytes) const {
  b.emitPtx("mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;",
            {getBarrier(full, stage), b.toInteger(bytes, 32)});
}

void DeviceStages::copyBulk(DevicePointer to, DevicePointer from, Value bytes,
                            Value stage) const {
  b.emitPtx("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
            "[$0], [$1], $2, [$3];",
            {to.address, from.address, b.toInteger(bytes, 32),
             getBarrier(full, stage)});
}
