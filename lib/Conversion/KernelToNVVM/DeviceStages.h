//===- DeviceStages.h - Shared memory that warps hand over ------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_DEVICESTAGES_H
#define VITC_CONVERSION_KERNELTONVVM_DEVICESTAGES_H

#include "DeviceBuilder.h"

namespace vitc::kernel {

/// Stages of shared memory that some threads fill and others empty, one after
/// the other and round again, on sm_90 and later. Two mbarriers of each say
/// when it is full and when it is empty; at first all are empty.
class DeviceStages {
public:
  /// How often those arrive who fill a stage, and those who empty it.
  DeviceStages(DeviceBuilder &builder, int64_t numStages, int64_t numFilling,
               int64_t numEmptying);
  int64_t getNumStages() const { return numStages; }

  /// Makes the mbarriers. All threads of the block take part, with a barrier
  /// behind it before they do anything else here.
  void init() const;

  /// A stage, and which of the two parities its round has.
  struct Position {
    mlir::Value stage, parity;

    llvm::SmallVector<mlir::Value> getValues() const { return {stage, parity}; }
    static Position get(mlir::ValueRange values) {
      return {values[0], values[1]};
    }
  };
  Position getFirst() const;
  Position getNext(const Position &position) const;
  /// The stage `distance` ones before, less than there are.
  mlir::Value getBefore(mlir::Value stage, mlir::Value distance) const;

  void waitUntilEmpty(const Position &position) const;
  void waitUntilFull(const Position &position) const;
  /// Arrives, having filled or emptied a share.
  void arriveFull(mlir::Value stage) const;
  void arriveEmpty(mlir::Value stage) const;
  /// Arrives, `bytes` that copyBulk() brings being missing, too.
  void arriveExpecting(mlir::Value stage, mlir::Value bytes) const;
  /// Copies `bytes`, a multiple of 16 and so aligned, to the stage's memory
  /// while threads run on.
  void copyBulk(DevicePointer to, DevicePointer from, mlir::Value bytes,
                mlir::Value stage) const;

private:
  mlir::Value getBarrier(DevicePointer barriers, mlir::Value stage) const;
  void wait(DevicePointer barriers, mlir::Value stage,
            mlir::Value parity) const;

  DeviceBuilder &b;
  int64_t numStages, numFilling, numEmptying;
  DevicePointer full, empty; // an mbarrier each stage
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_DEVICESTAGES_H
