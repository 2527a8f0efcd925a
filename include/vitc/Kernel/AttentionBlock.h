//===- AttentionBlock.h - Attention of a block of threads ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a tiling of attention means on a GPU: who computes which scores and
// results, and what lies in shared memory. The schedule chooses by it, code
// generation follows it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_ATTENTIONBLOCK_H
#define VITC_KERNEL_ATTENTIONBLOCK_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// A row of scores is shared by getRowThreads() neighbouring threads, each with
/// every so manieth key; a thread has every getRowGroups()-th query. So a
/// warp's accesses to keys, probabilities and addends lie side by side. Of the
/// results of its queries a thread has vectors of getVectorWidth() elements,
/// dealt out likewise.
///
/// Where tensor cores take the operands' type, they multiply blocks whose
/// threads have kTensorRows rows and share a row by kTensorRowThreads: the
/// parts of their instructions' results. Of 16 bits a tiling with
/// kWarpgroupRows rows and all keys of a block as columns says that warpgroups
/// multiply, whose threads have the same parts; shared memory is swizzled for
/// them.
///
/// A block of one query is computed by all of its threads together, from keys
/// and values where they lie.
struct AttentionBlock {
  int64_t rows, columns; // of a thread's scores
  int64_t queries, keys;
  int64_t headDim, valueDim; // 0 without
  int64_t tensorBytes;       // of an element that tensor cores take, else 0
  bool usesWarpgroups;

  /// `factorBytes` as getTensorFactorBytes has them.
  AttentionBlock(AttentionTilingAttr tiling, int64_t headDim, int64_t valueDim,
                 int64_t factorBytes = 0);

  bool usesTensorCores() const { return tensorBytes != 0; }

  static constexpr int64_t kTensorRows = 2, kTensorRowThreads = 4;
  /// Queries of a warp, and what depths of products are multiples of.
  static constexpr int64_t kTensorSize = 16;
  static constexpr int64_t kTensorVectorBytes = 16;
  /// Columns of results that warpgroups take, and bytes of an element.
  static constexpr int64_t kMaxWarpgroupColumns = 256;
  static constexpr int64_t kWarpgroupBytes = 2;

  bool hasOneQuery() const { return queries == 1; }
  int64_t getRowThreads() const { return keys / columns; }
  int64_t getRowGroups() const { return queries / rows; }
  int64_t getThreads() const { return getRowThreads() * getRowGroups(); }
  /// Whether rows and columns divide the block into whole warps.
  bool isValid() const;
  /// Whether threads that share a row are a part of a warp, as all blocks but
  /// those of one query need.
  bool hasTiles() const;

  // Shared memory. Elements are floats, and rows are read in vectors of
  // kSharedVector, or as memory has them for tensor cores.

  static constexpr int64_t kSharedVector = 4;
  /// Elements of a token that lie in a piece for warpgroups, as 128 bytes, and
  /// the bytes of eight tokens, which repeat.
  static constexpr int64_t kSwizzledColumns = 64, kSwizzledBytes = 1024;
  /// Elements of a query or key that are multiplied; the last may be zeros.
  int64_t getDepth() const;
  /// Keys of which values are multiplied, for `count` of them.
  int64_t getValueDepth(int64_t count) const;
  /// Columns that a thread needs for `count` keys.
  int64_t getColumns(int64_t count) const;
  /// From one query or key to the next: an odd number of what a thread reads,
  /// so that neighbouring threads read from different banks, or for warpgroups
  /// a swizzled piece.
  int64_t getFactorStride() const;
  /// For tensor cores, from one query, key or value to the next beyond its
  /// elements: what a lane names at once.
  int64_t getTensorPadding() const { return kTensorVectorBytes / tensorBytes; }
  /// From the probabilities of one query to the next: the queries that a warp
  /// writes lie in different banks.
  int64_t getScoreStride() const;
  int64_t getVectorWidth() const;
  int64_t getVectors() const;
  /// Elements of a row of results, with what fills a thread's last vector.
  int64_t getResultColumns() const;
  /// From one value to the next.
  int64_t getValueStride() const;
  /// All that a block needs but tables.
  int64_t getSharedBytes() const;
  /// Of tables of where tokens lie, and which group they are of.
  static constexpr int64_t kMaxTableBytes = 16 << 10;
};

/// Bytes of an element of what `op` multiplies where all of it is of one type
/// that tensor cores take; else 0.
int64_t getTensorFactorBytes(AttentionOp op);

} // namespace vitc::kernel

#endif // VITC_KERNEL_ATTENTIONBLOCK_H
