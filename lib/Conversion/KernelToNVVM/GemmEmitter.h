//===- GemmEmitter.h - The kernel of a gemm ---------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMEMITTER_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMEMITTER_H

#include "GemmEpilogue.h"

namespace vitc::kernel {

/// Emits a block of a gemm: the results of some rows and columns, whose sums
/// threads hold in registers.
///
///   for each tile of rows           one, but of a chunk that has statistics
///     the rows' means, deviations   where the gemm normalises them
///     for each step of k            copies run tiling.unroll - 1 steps ahead
///       copy the tiles of a step to come to shared memory
///       multiply the tiles of this one
///     bias, activation, residual
class DeviceGemmEmitter {
public:
  DeviceGemmEmitter(GemmOp op, DeviceBuilder &builder);
  void emit();

private:
  /// The sums of the tile of rows from `begin` on.
  llvm::SmallVector<mlir::Value> emitProduct(mlir::Value begin);
  /// Stores the tile's results, and returns them.
  llvm::SmallVector<mlir::Value> emitResults(mlir::Value begin,
                                             mlir::ValueRange vectors);
  void emitChunk();

  GemmOp op;
  DeviceBuilder &b;
  std::unique_ptr<DeviceTileProduct> product;
  const GemmTileShape &shape;
  mlir::Value rowBlock, firstColumn;
  DeviceGemmRows rows;
  DeviceLhsTiles lhs;
  DeviceWeightTiles weights;
  DeviceGemmEpilogue epilogue;
};

/// Emits a block of a gemm of few rows, which memory bounds: tiling.rows times
/// tiling.columns results. Threads share the terms of their sums, so that each
/// weight is read once for all of a block's rows.
class DeviceFewRowsEmitter {
public:
  /// Rows of a block that is of this kind, at most.
  static constexpr int64_t kMaxRows = 8;
  static constexpr int64_t kThreads = 256;
  /// Blocks that share a multiprocessor.
  static constexpr int64_t kResident = 2;

  DeviceFewRowsEmitter(GemmOp op, DeviceBuilder &builder);
  void emit();

private:
  /// Copies terms [begin, begin + size) of the rows to shared memory.
  void emitRows(mlir::Value begin, int64_t size);
  /// What is multiplied of elements that are changed.
  mlir::Value roundTerms(mlir::Value elements);
  /// Normalises rows that are there.
  void emitNorm();
  /// The sum of term(element) over a row in shared memory, for all threads.
  mlir::Value sumRow(int64_t r,
                     llvm::function_ref<mlir::Value(mlir::Value)> term);
  /// Runs of a thread's columns, their numbers counted from a block of terms
  /// on, and the vectors of each.
  struct Batch {
    llvm::SmallVector<mlir::Value> runs;
    llvm::SmallVector<llvm::SmallVector<mlir::Value, 4>> weights;
    mlir::Value isThere; // null: it always is
  };
  /// Runs that a thread asks for at once.
  int64_t getRunsAtOnce() const;
  /// `count` of this thread's from run `from` on of the terms from `begin` on.
  /// Where `isThere`, if it is given, is false they are zeros.
  Batch loadBatch(mlir::Value begin, mlir::Value from, int64_t count,
                  mlir::Value isThere = {});
  void multiply(const Batch &batch, llvm::MutableArrayRef<mlir::Value> sums);
  /// Sums with the products of runs [from, ...) of `size` terms.
  llvm::SmallVector<mlir::Value> emitTerms(mlir::Value begin, int64_t from,
                                           int64_t size, mlir::ValueRange sums);
  void emitResults(mlir::ValueRange sums);

  GemmOp op;
  DeviceBuilder &b;
  GemmTilingAttr tiling;
  int64_t n, k, numRows, numColumns;
  int64_t slicesOfWarp, numSlices; // threads that share a column's terms
  mlir::Value firstColumn, slice;
  DeviceGemmRows rows;
  DeviceGemmLhs lhs;
  DeviceGemmEpilogue epilogue;
  DevicePointer weights;
  int64_t run;            // terms of a column that lie side by side
  int64_t columnDistance; // from one of the thread's columns to the next
  mlir::Value column;     // the first of the thread's four, in the block
  llvm::SmallVector<mlir::Value> weightsBegins; // of its vectors, in runs
  mlir::Value weightsStride;                    // from run to run, in runs
  DevicePointer terms;                          // [numRows][kBlock]
  DevicePointer parts;                          // [warps][numRows][numColumns]
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMEMITTER_H
