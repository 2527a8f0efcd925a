//===- AttentionTile.h - Scores and softmax of a block -------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernel.attention and kernel.attention_map share on a GPU: the scores of
// a block of queries with blocks of keys, a micro-tile of them in the registers
// of each thread, and the online softmax over the blocks (Milakov and
// Gimelshein 2018, algorithm 3).
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONTILE_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONTILE_H

#include "AttentionProducts.h"
#include "AttentionScores.h"

namespace vitc::kernel {

/// Where a block of a grid is.
struct DeviceQueryBlock {
  mlir::Value item, head, index;
};

/// The block's place: those of a head, which read the same keys, follow each
/// other.
DeviceQueryBlock getQueryBlock(DeviceBuilder &builder, mlir::Value blocks,
                               int64_t heads);

/// Emits an error where the tiling does not fit, or a block of it needs more
/// shared memory than there is.
mlir::LogicalResult verifyBlock(mlir::Operation *op, AttentionTilingAttr tiling,
                                const AttentionBlock &block, GpuAttr gpu);

/// The queries and keys of an op; their tables are filled by the caller.
AttentionFactors getScoreFactors(DeviceBuilder &builder,
                                 const ScoreOperands &operands,
                                 DeviceTokenTables &tables);

/// A block of keys.
struct DeviceKeyBlock {
  mlir::Value first;
  int64_t columns; // of a thread's scores: the first ones of a last block
  /// Whether a query may not see all of the keys, or there may be fewer.
  bool mayBeHidden;
};

/// A thread's maxima and sums of the rows it computes. The sums are of its own
/// columns, the maxima of all.
struct SoftmaxRows {
  llvm::SmallVector<mlir::Value> maxima, sums;
};

/// The scores of one head of an item, a block of queries after the other. A
/// thread's are numbered row * columns + column.
class DeviceAttentionTile {
public:
  /// Takes shared memory.
  DeviceAttentionTile(DeviceBuilder &builder, const ScoreOperands &operands,
                      AttentionProducts &products);

  DeviceScores &getScores() { return scores; }
  /// The query of a thread's row, which may be beyond the last.
  mlir::Value getQuery(int64_t row) const { return queries[row]; }

  /// Starts to copy the block's queries from `first` on, and sets them. Waits
  /// for nothing: a barrier must come before the first scores.
  void startQueries(mlir::Value first);
  /// The keys that some query of the block sees, the first ones.
  mlir::Value countSeen();
  /// Starts to copy a block of keys. No thread reads one any more.
  void startKeys(mlir::Value first);
  /// The scores of the keys that were copied.
  llvm::SmallVector<mlir::Value> getBlockScores(const DeviceKeyBlock &keys);

  /// Before any scores are taken in.
  SoftmaxRows getEmptyRows();
  /// Takes `values`, scores, into `rows`, and replaces them by their
  /// exponentials. Returns for each row what sums of older exponentials are to
  /// be multiplied with; nothing if `isFirst`.
  llvm::SmallVector<mlir::Value>
  addScores(llvm::MutableArrayRef<mlir::Value> values, SoftmaxRows &rows,
            bool isFirst);
  /// 1 / the sum of a row, a finite number where all keys are masked. All
  /// threads take part.
  mlir::Value getInverseSum(const SoftmaxRows &rows, int64_t row);

private:
  DeviceBuilder &b;
  const ScoreOperands &operands;
  AttentionProducts &products;
  const AttentionBlock &block;
  DeviceScores scores;
  DevicePointer queryGroups, keyGroups;
  mlir::Value firstQuery;
  llvm::SmallVector<mlir::Value> queries;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONTILE_H
