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

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

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

/// What is added to the scores: the bias or the mask.
struct ScoreAddend {
  llvm::StringRef name;
  mlir::Value value;
  Access access;
};

/// The operands that scores are computed from, of either op.
struct ScoreOperands {
  mlir::Value query, key;
  Access queryAccess, keyAccess;
  llvm::SmallVector<ScoreAddend, 2> addends;
  mlir::Value keys;
  int64_t headDim;
  double scale;
  AttentionTilingAttr tiling;

  /// Emits an error where an operand or the tiling does not fit.
  template <typename OpTy>
  static mlir::FailureOr<ScoreOperands> get(OpTy op, CpuAttr cpu) {
    ScoreOperands operands{
        op.getQuery(),
        op.getKey(),
        Access(op.getQueryMap(),
               mlir::cast<mlir::MemRefType>(op.getQuery().getType())),
        Access(op.getKeyMap(),
               mlir::cast<mlir::MemRefType>(op.getKey().getType())),
        {},
        op.getKeys(),
        static_cast<int64_t>(op.getHeadDim()),
        op.getScale().convertToDouble(),
        op.getTilingAttr()};
    operands.add("bias", op.getBias(), op.getBiasMap());
    operands.add("mask", op.getMask(), op.getMaskMap());
    if (failed(operands.verify(op, cpu)))
      return mlir::failure();
    return operands;
  }

private:
  void add(llvm::StringRef name, mlir::Value addend,
           std::optional<mlir::AffineMap> map);
  mlir::LogicalResult verify(mlir::Operation *op, CpuAttr cpu) const;
};

/// Scores and softmax of one head of one image. Queries are numbered from the
/// first of the query block that the tile belongs to; `slots` of them fit.
class AttentionTile {
public:
  /// Carves the scratch, so it is made outside of loops.
  AttentionTile(KernelBuilder &builder, const ScoreOperands &operands,
                int64_t slots);

  /// The head to work on.
  void setHead(mlir::Value batch, mlir::Value head);
  mlir::Value countKeyBlocks();
  IndexRange getKeyBlock(mlir::Value index);
  /// Forgets the maximum and sum of all slots.
  void resetSoftmax();
  /// Copies a block of keys, transposed: the scores' right side.
  void setKeys(IndexRange keys);
  /// Computes the scores of `queries`, at most tiling.rows of them.
  void computeScores(IndexRange queries);
  /// Adds bias and mask to row `row` of the scores, which is `query`'s, and
  /// masks what the last vector holds beyond the keys.
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
  /// Vectors in a row of the scores.
  mlir::Value getVectors();
  /// Keys in a block, at most; a multiple of tiling.columns.
  int64_t getKeyCapacity() const { return keyCapacity; }

private:
  void transposeKeys(mlir::Value panel, int64_t column, IndexRange keys);
  void addTo(mlir::Value scoreRow, mlir::Value query, mlir::Value addend,
             const Access &access);
  mlir::Value replaceInfinity(mlir::Value maximum);

  KernelBuilder &b;
  const ScoreOperands &operands;
  int64_t slots;
  int64_t keyCapacity;
  mlir::Value query, key;                 // flat views
  llvm::SmallVector<mlir::Value> addends; // flat views
  mlir::Value queryTile;                  // [rows, headDim], scaled
  mlir::Value keyPanels;                  // [panels, headDim, columns]
  mlir::Value scores;                     // [rows, keyCapacity + lanes]
  mlir::Value maxima, sums; // [slots, lanes]: equal lanes; partial sums
  mlir::Value batch, head;
  IndexRange keys;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ATTENTIONTILE_H
