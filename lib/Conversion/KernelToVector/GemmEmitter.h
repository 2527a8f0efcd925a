//===- GemmEmitter.h - Loops and micro-tiles of a product ---- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GEMMEMITTER_H
#define VITC_CONVERSION_KERNELTOVECTOR_GEMMEMITTER_H

#include "GemmPrologue.h"

namespace vitc::kernel {

/// Whether blocks of rows end where items do.
bool isCutByItem(GemmOp op);

/// f32 values of a cache line.
inline constexpr int64_t kCacheLineValues = 16;

/// Emits one task of a gemm: some panels of columns for one block of rows.
///
///   the prologue copies the rows     if the task before has not
///   for each panel of columns        of the task's
///     for each block of K            the panel's part stays in L2
///       for each strip of columns    of tiling.columns
///         for each tile of rows      r or r - 1, r being at most tiling.rows
///           for k of the block       accumulators in registers
///
/// A run of one row reads a panel as one strip and all of K at once: no other
/// row would find parts of it in L2.
///
/// Every element of the result is summed in the order of k, however rows are
/// cut. Between blocks of K the result holds the partial sums.
class GemmEmitter {
public:
  GemmEmitter(GemmOp op, KernelBuilder &builder);
  void emit();

private:
  struct Panel {
    mlir::Value column;  // of the result
    mlir::Value weights; // offset of W[column, 0]
    int64_t width;       // elements from k to k + 1
    int64_t columns;     // of these the result has
  };
  /// Columns that are computed together.
  struct Strip {
    mlir::Value column;     // of the result
    mlir::Value weights;    // offset of W[column, 0]
    int64_t weightsStride;  // elements from k to k + 1
    int64_t numColumns;     // the last vector may be partial
    mlir::Value prefetched; // offset of what is fetched along with weights
    int64_t prefetchLines;  // cache lines of a strip and one k
    int64_t prefetchStep;   // elements from one of these to the next
  };
  struct Rows {
    mlir::Value begin, end;
  };
  struct KBlock {
    mlir::Value begin, end;
    mlir::Value isFirst, isLast; // null: it is the only one
  };

  // Gemm.cpp
  Rows getRows(mlir::Value block);
  /// A block of rows of one item, with its weights and its statistics.
  Rows startItem(mlir::Value block);
  void emitPrologue(Rows rows, mlir::Value group);
  void emitPanels(Rows rows, mlir::Value begin, mlir::Value end);
  void emitPanel(Rows rows, mlir::Value number, int64_t width, int64_t columns);
  Strip getStrip(const Panel &panel, mlir::Value column, int64_t numColumns);
  /// Where the weights begin that are multiplied after a strip.
  mlir::Value getNextStrip(const Panel &panel, const Strip &strip,
                           mlir::Value column, const KBlock &block);
  void emitBlocks(Rows rows, const Panel &panel);
  void emitStrip(Rows rows, const Strip &strip, const KBlock &block);
  void emitOneRow(const Panel &panel);

  // GemmTile.cpp
  /// `tile` counts the tiles of a strip.
  void emitTile(int64_t numRows, mlir::Value tile, const Strip &strip,
                const KBlock &block);
  /// Asks for the memory that the tile will be stored to, and its residual.
  void emitPrefetchResult(int64_t numRows, const Strip &strip);
  llvm::SmallVector<mlir::Value> emitInit(int64_t numRows, const Strip &strip,
                                          const KBlock &block);
  /// How many tiles of a strip prefetch the next one together.
  int64_t getSharingTiles();
  llvm::SmallVector<mlir::Value> emitKLoop(int64_t numRows, mlir::Value tile,
                                           const Strip &strip,
                                           const KBlock &block,
                                           mlir::ValueRange init);
  /// Stores the sums of a tile to the result; those of the last block of K are
  /// the result.
  void emitStore(int64_t numRows, mlir::Value tile, const Strip &strip,
                 mlir::ValueRange sums, bool isLast);
  void emitStoreScratch(mlir::ValueRange sums);
  /// Activation and residual of the tile in scratch; numRows is an index.
  void emitEpilogue(mlir::Value numRows, mlir::Value tile, const Strip &strip);

  /// Stores vector `j` of a strip; adds `residualRow` if there is one. Returns
  /// what it stores.
  mlir::Value emitStoreVector(mlir::Value value, const Strip &strip, int64_t j,
                              const RowOffset &resultRow,
                              const std::optional<RowOffset> &residualRow);
  /// Adds vector `j` of rows that are stored to the statistics of their chunk,
  /// which `isFirst` begins.
  void emitStatistics(mlir::ValueRange rows, mlir::Value isFirst,
                      const Strip &strip, int64_t j);

  int64_t getNumVectors(const Strip &strip) const;
  /// Columns of vector `j` of a strip that the result has.
  int64_t getCount(const Strip &strip, int64_t j) const;

  GemmOp op;
  KernelBuilder &b;
  GemmTilingAttr tiling;
  int64_t n, k;
  int64_t packedK; // K as the packed weights have it
  mlir::Value weights, bias;
  mlir::Value
      itemWeights; // offset of an item's weights; null if all share them
  std::optional<GemmPrologue> prologue;
  MatrixRows lhs; // counted from the task's first row if there is a prologue
  MatrixRows result;
  std::optional<MatrixRows> residual;
  mlir::Value scratch;         // a tile; null where registers hold its end
  mlir::Value statistics;      // null without
  mlir::Value chunkStatistics; // offset of the chunk's sums
  RowOffset chunkRow;          // the chunk's first row of the result
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GEMMEMITTER_H
