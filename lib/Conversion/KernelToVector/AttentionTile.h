//===- AttentionTile.h - Scores and softmax of a tile -------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernel.attention and kernel.attention_map share: the scores of a tile of
// queries against a block of keys, in scratch memory, and the online softmax
// over the blocks (Milakov and Gimelshein 2018, algorithm 3).
//
// Scores carry a factor log2(e), so that softmax is a bare exp2.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_ATTENTIONTILE_H
#define VITC_CONVERSION_KERNELTOVECTOR_ATTENTIONTILE_H

#include "Kernels.h"
#include "ScoreOperands.h"

namespace vitc::kernel {

/// Turns exponents of e into exponents of 2.
inline constexpr double kLog2E = 1.4426950408889634;

/// Indices [begin, begin + size).
struct IndexRange {
  mlir::Value begin;
  mlir::Value size;
};

/// Part `index` of `parts` of [0, total): sizes differ by one at most.
IndexRange evenPart(VectorBuilder &builder, mlir::Value total,
                    mlir::Value parts, mlir::Value index);

/// The most elements of a part where blocks of `block` cover `total`, which
/// may be a constant.
int64_t maxPart(mlir::Value total, int64_t block);

/// Scores and softmax of one head of one image. Queries are numbered from the
/// first of the query block that the tile belongs to; `slots` of them fit.
class AttentionTile {
public:
  /// Carves the scratch, so it is made outside of loops.
  AttentionTile(KernelBuilder &builder, const ScoreOperands &operands,
                int64_t slots);

  /// The head to work on.
  void setHead(mlir::Value batch, mlir::Value head);
  /// The queries to work on, as many as there are slots.
  void setQueries(IndexRange queries);
  mlir::Value countKeyBlocks();
  /// A block of keys, less those that no query sees: empty where it has none
  /// else.
  IndexRange getKeyBlock(mlir::Value index);
  /// Forgets the maximum and sum of all slots.
  void resetSoftmax();
  /// Copies a block of keys, transposed: the scores' right side.
  void setKeys(IndexRange keys);
  /// Computes the scores of `queries`, at most tiling.rows of them.
  void computeScores(IndexRange queries);
  /// Adds bias, mask and what is between groups to row `row` of the scores,
  /// which is `query`'s, and masks keys that it does not see.
  void finishRow(mlir::Value row, mlir::Value query);
  /// Takes row `row` into the maximum and sum of `slot`. Returns the factor, in
  /// all lanes, for what was summed up with the old maximum. With
  /// `keepProbabilities` the row becomes exp2(score - maximum).
  mlir::Value updateSoftmax(mlir::Value row, mlir::Value slot,
                            bool keepProbabilities);
  /// The maximum of `slot` in all lanes, 0 where all keys are masked.
  mlir::Value getMaximum(mlir::Value slot);
  /// 1 / sum of `slot`, 0 where all keys are masked: a scalar.
  mlir::Value getInverseSum(mlir::Value slot);

  mlir::Value getScores() const { return scores; }
  int64_t getScoreStride() const { return keyCapacity + b.lanes(); }
  /// Keys of the block that some query of the tile sees.
  mlir::Value countVisibleKeys() const { return visible; }
  /// Vectors in a row of the scores.
  mlir::Value getVectors();
  /// Keys in a block, at most; a multiple of tiling.columns.
  int64_t getKeyCapacity() const { return keyCapacity; }

private:
  //===--- AttentionTile.cpp ----------------------------------------------===//
  mlir::Value countSeen(mlir::Value queryEnd, IndexRange keys);
  void transposeKeys(mlir::Value panel, int64_t column, IndexRange keys);
  void multiply(IndexRange queries);
  mlir::Value replaceInfinity(mlir::Value maximum);

  //===--- AttentionRow.cpp -----------------------------------------------===//
  void computeGroups(IndexRange tokens, mlir::Value groups);
  void compareGroups();
  mlir::Value addTo(mlir::Value score, mlir::Value addend);
  mlir::Value addBetweenGroups(mlir::Value score, mlir::Value query,
                               mlir::Value key);
  void capScores(mlir::Value rows);
  void addAddends(mlir::Value row, mlir::Value query, bool betweenGroups);
  void maskFrom(mlir::Value row, mlir::Value limit);

  KernelBuilder &b;
  const ScoreOperands &operands;
  int64_t slots;
  int64_t keyCapacity;
  mlir::Value query, key, keyLength;      // flat views
  llvm::SmallVector<mlir::Value> addends; // flat views
  mlir::Value queryTile;                  // [rows, headDim], scaled
  mlir::Value keyPanels;                  // [panels, headDim, columns]
  mlir::Value scores;                     // [rows, keyCapacity + lanes]
  mlir::Value queryGroups, keyGroups;     // [slots], [keyCapacity]
  mlir::Value maxima, sums; // [slots, lanes]: equal lanes; partial sums
  mlir::Value batch, head;
  mlir::Value numKeys;   // of the item
  mlir::Value hasGroups; // whether tokens of several groups meet
  IndexRange queries, keys;
  mlir::Value visible;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ATTENTIONTILE_H
