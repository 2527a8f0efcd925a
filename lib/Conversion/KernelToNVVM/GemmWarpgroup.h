//===- GemmWarpgroup.h - Tiles multiplied by warpgroups ---------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMWARPGROUP_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMWARPGROUP_H

#include "DeviceStages.h"
#include "GemmEpilogue.h"

namespace vitc::kernel {

/// Multiplies tiles that lie in shared memory as runs, by wgmma: a warpgroup
/// 64 rows and all columns of a block, sums in registers.
class DeviceWarpgroupProduct {
public:
  /// This thread counts from the first that multiplies on.
  DeviceWarpgroupProduct(DeviceBuilder &builder, const GemmTileShape &shape,
                         DevicePointer lhs, DevicePointer weights);

  /// Rows and columns of each pair of results.
  const DeviceFragment &getFragment() const { return fragment; }

  llvm::SmallVector<mlir::Value> getZeros() const;
  /// Sums with the products of the first `terms` of a stage, which is read when
  /// this returns.
  llvm::SmallVector<mlir::Value> multiply(mlir::Value stage, int64_t terms,
                                          mlir::ValueRange sums) const;
  /// The pair of the fragment's row and column, by their numbers.
  mlir::Value getPair(mlir::ValueRange sums, int64_t row, int64_t column) const;

private:
  DeviceBuilder &b;
  const GemmTileShape &shape;
  DeviceFragment fragment;
  mlir::Value lhs, weights; // descriptors of the first stage
};

/// Weights of a block's tiles, which copies in bulk bring as they are packed.
class DeviceWeightRuns {
public:
  DeviceWeightRuns(GemmOp op, DeviceBuilder &builder,
                   const GemmTileShape &shape, const DeviceStages &stages);

  DevicePointer getWords() const { return words; }
  /// Fills what no copy does: columns that the last tile does not have. All
  /// threads of the block take part.
  void clear() const;
  /// Starts to fill a stage with the terms of a step, of columns from
  /// `firstColumn` on. A warp's lanes take part, one of them arrives.
  void copy(mlir::Value firstColumn, mlir::Value step, mlir::Value stage) const;

private:
  DeviceBuilder &b;
  const GemmTileShape &shape;
  const DeviceStages &stages;
  int64_t n, packedColumns, packedRuns, stepRuns;
  DevicePointer weights, words;
};

/// Emits a gemm for blocks of warpgroups that stay: one fills stages, the
/// others multiply what lies in them.
///
///   for each tile of the block's   a grid's blocks take turns
///     filling:      for each step of k: wait until a stage is empty, fill it
///     multiplying:  for each step of k: wait until it is full, multiply
///                   bias, activation, residual, while the next are filled
class DeviceWarpgroupEmitter {
public:
  /// Whether an op's tiling is of this kind, and its threads.
  static bool isTiled(GemmOp op);
  static int64_t countThreads(GemmOp op);
  /// What a thread has when a block begins.
  static int64_t getRegisters(GemmOp op);
  /// Blocks that a GPU runs at once.
  static int64_t countResidentBlocks(GemmOp op);

  DeviceWarpgroupEmitter(GemmOp op, DeviceBuilder &builder);
  void emit();

private:
  /// Lets the threads of this warpgroup have as many.
  void setRegisters(int64_t registers);
  struct Tile {
    mlir::Value rowBlock, firstColumn;
  };
  /// Calls body(tile, carried), which gives what the next one gets, for the
  /// tiles of this block.
  llvm::SmallVector<mlir::Value>
  forTiles(mlir::ValueRange inits,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(const Tile &,
                                                             mlir::ValueRange)>
               body);
  void emitFilling();
  /// Fills stages by copies that end `lag` steps later, or by elements that
  /// threads load a step before they store them.
  void fillByCopies(DeviceLhsTiles &lhs);
  void fillByElements(DeviceLhsTiles &lhs);
  void startTile(DeviceLhsTiles &lhs, const Tile &tile);
  void copyWeights(const Tile &tile, mlir::Value step, mlir::Value stage);
  void emitMultiplying();
  void emitResults(const DeviceWarpgroupProduct &product, const Tile &tile,
                   mlir::ValueRange sums);

  GemmOp op;
  DeviceBuilder &b;
  GemmTileShape shape;
  int64_t numWarpgroups, numSteps; // that multiply; of k
  DeviceStages stages;
  DeviceWeightRuns weights;
  DevicePointer lhsWords;
  int64_t fillingRegisters = 0; // of a thread that fills stages
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMWARPGROUP_H
