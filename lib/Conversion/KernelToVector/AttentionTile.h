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
#include "TokenRows.h"

namespace vitc::kernel {

/// Part `index` of `parts` of [0, total): sizes differ by one at most.
TokenRange evenPart(VectorBuilder &builder, mlir::Value total,
                    mlir::Value parts, mlir::Value index);

/// Panels of `tiling.columns` keys that a block has, at most. Blocks end where
/// panels do, so that only the last has a narrow one.
int64_t getBlockPanels(AttentionTilingAttr tiling);

/// The sizes of even parts of `total` in blocks of at most `block`: one or two
/// where it is a constant, else any. Ascending.
llvm::SmallVector<int64_t> getPartSizes(mlir::Value total, int64_t block);

/// Transposes a square of vectors, a power of two of them.
void transpose(VectorBuilder &builder,
               llvm::MutableArrayRef<mlir::Value> vectors);

/// What a tile is made for.
struct AttentionTileShape {
  int64_t queries = 0;                  // of a block of queries, at most
  int64_t slots = 0;                    // queries with a maximum and a sum
  llvm::SmallVector<int64_t> rowCounts; // queries of a tile: one of these
  bool hasOneKeyBlock = false; // whose maxima and sums are those of all keys
};

/// Scores and softmax of one head of one image. Queries are numbered from the
/// first of the query block that the tile belongs to.
class AttentionTile {
public:
  /// Carves the scratch, so it is made outside of loops. `tables` may be null.
  AttentionTile(KernelBuilder &builder, const ScoreOperands &operands,
                const AttentionTileShape &shape, TokenTables *tables);

  /// The head to work on.
  void setHead(mlir::Value batch, mlir::Value head);
  /// The queries to work on, a block of them.
  void setQueries(TokenRange queries);
  mlir::Value countKeyBlocks();
  /// Where a block of all keys lies.
  TokenRange getWholeKeyBlock(mlir::Value index);
  /// A block of keys, less those that no query sees: empty where it has none
  /// else.
  TokenRange getKeyBlock(mlir::Value index);
  /// Forgets the maximum and sum of all slots.
  void resetSoftmax();
  /// Copies a block of keys, transposed: the scores' right side. A single query
  /// reads them where they lie.
  void setKeys(TokenRange keys);
  TokenRange getKeys() const { return keys; }
  /// Computes the scores of `queries`, at most tiling.rows of them.
  void computeScores(TokenRange queries);
  /// Adds bias, mask and what is between groups to row `row` of the scores,
  /// which is `query`'s, and masks keys that it does not see.
  void finishRow(mlir::Value row, mlir::Value query);
  /// Whether a row of scores fits into registers, where it needs one sweep.
  bool hasShortRows() const;
  /// All of the softmax of a short row, `query`'s: finishRow, updateMaximum and
  /// addExponentials, which replace the scores.
  void computeShortRow(mlir::Value row, mlir::Value query, mlir::Value slot);
  /// Takes row `row` into the maximum of `slot`. Returns the factor, in all
  /// lanes, for what was summed up with the old maximum, null where nothing
  /// was.
  mlir::Value updateMaximum(mlir::Value row, mlir::Value slot);
  /// Adds exp2(score - maximum) of row `row` to the sum of `slot`. With
  /// `keepProbabilities` these replace the scores.
  void addExponentials(mlir::Value row, mlir::Value slot,
                       bool keepProbabilities);
  /// The maximum of `slot` in all lanes, 0 where all keys are masked.
  mlir::Value getMaximum(mlir::Value slot);
  /// 1 / sum of `slot`, a finite number where all keys are masked: a scalar.
  mlir::Value getInverseSum(mlir::Value slot);

  /// None where the scores begin as 0.
  const std::optional<TokenRows> &getQueryRows() const { return queryRows; }
  const std::optional<TokenRows> &getKeyRows() const { return keyRows; }
  /// Whether a head has one query, a decoder's token: copies of its keys and
  /// values would be read once.
  bool hasOneQuery() const;
  mlir::Value getScores() const { return scores; }
  int64_t getScoreStride() const { return keyCapacity + b.lanes(); }
  /// Keys of the block that some query of the tile sees.
  mlir::Value countVisibleKeys() const { return visible; }
  /// Whether there are such keys for a tile of `queries`.
  mlir::Value seesKeys(TokenRange queries) {
    return b.less(b.index(0),
                  countSeen(b.add(queries.begin, queries.size), keys));
  }
  /// Vectors in a row of the scores.
  mlir::Value getVectors();
  /// Keys in a block, at most; a multiple of tiling.columns.
  int64_t getKeyCapacity() const { return keyCapacity; }

private:
  //===--- AttentionTile.cpp ----------------------------------------------===//
  mlir::Value countPanels();
  mlir::Value countSeen(mlir::Value queryEnd, TokenRange keys);
  void transposeKeys(mlir::Value group);
  void multiply(TokenRange queries);
  mlir::Value replaceInfinity(mlir::Value maximum);

  //===--- AttentionRow.cpp -----------------------------------------------===//
  void computeGroups(TokenRange tokens, mlir::Value groups);
  void compareGroups();
  mlir::Value addTo(mlir::Value score, mlir::Value addend);
  mlir::Value addBetweenGroups(mlir::Value score, mlir::Value query,
                               mlir::Value key);
  void capScores(mlir::Value rows);
  /// Where the addends of `query` begin.
  llvm::SmallVector<mlir::Value> getAddendRows(mlir::Value query);
  /// `score` of `query` and `count` keys from `key` of the block on, with what
  /// is added to it.
  mlir::Value addAddends(mlir::Value score, llvm::ArrayRef<mlir::Value> rows,
                         mlir::Value query, mlir::Value key, int64_t count,
                         bool betweenGroups);
  void addAddendsToRow(mlir::Value row, mlir::Value query, bool betweenGroups);
  void maskFrom(mlir::Value row, mlir::Value limit);

  //===--- AttentionOneQuery.cpp ------------------------------------------===//
  void multiplyOneQuery();
  llvm::SmallVector<mlir::Value> multiplyKeys(mlir::ValueRange keyNumbers);

  //===--- AttentionShortRow.cpp ------------------------------------------===//
  llvm::SmallVector<mlir::Value> loadScores(mlir::Value row, mlir::Value query,
                                            bool betweenGroups);

  KernelBuilder &b;
  const ScoreOperands &operands;
  AttentionTileShape shape;
  std::optional<TokenRows> queryRows, keyRows;
  int64_t keyCapacity;
  mlir::Value keyLength;                  // flat view
  llvm::SmallVector<mlir::Value> addends; // flat views
  mlir::Value queryTile;                  // [rows, headDim], scaled
  mlir::Value keyPanels;                  // [panels, headDim, columns]
  mlir::Value scores;                     // [rows, keyCapacity + lanes]
  mlir::Value queryGroups, keyGroups;     // [slots], [keyCapacity]
  mlir::Value maxima, sums; // [slots, lanes]: equal lanes; partial sums
  mlir::Value batch, head;
  mlir::Value numKeys;   // of the item
  mlir::Value hasGroups; // whether tokens of several groups meet
  TokenRange queries, keys;
  mlir::Value visible;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ATTENTIONTILE_H
