//===- TaskBlocks.h - Equal shares for all threads --------- -*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_TASKBLOCKS_H
#define VITC_CONVERSION_KERNELTOVECTOR_TASKBLOCKS_H

#include "VectorBuilder.h"

namespace vitc::kernel {

/// How many rows a block may have: `most` fit into the caches, with less than
/// `least` the weights would be read too often.
struct BlockRows {
  int64_t least, most;
};

/// The number of threads of a run, where `op` is launched.
mlir::Value getThreads(mlir::Operation *op, VectorBuilder &builder);

/// How many of `threads` work on one of `items`: one where each thread gets as
/// many items, or nearly.
mlir::Value shareThreads(VectorBuilder &builder, mlir::Value items,
                         mlir::Value threads);

/// The number of equal blocks that `size` rows are cut into: as few as `most`
/// allows, but a multiple of `threads` as far as `least` allows.
mlir::Value countBlocks(VectorBuilder &builder, mlir::Value size,
                        BlockRows rows, mlir::Value threads);

/// The first row of block `block` of `numBlocks` that cover `size` rows; those
/// of a block are as many as of another, or one more.
mlir::Value getBlockBegin(VectorBuilder &builder, mlir::Value block,
                          mlir::Value numBlocks, mlir::Value size);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_TASKBLOCKS_H
