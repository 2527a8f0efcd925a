//===- ChunkSums.h - Statistics of what a product writes ----- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_CHUNKSUMS_H
#define VITC_CONVERSION_VITTOKERNEL_CHUNKSUMS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace vitc {

/// An op that sums chunks of a product's rows for some of its columns.
struct ChunkSums {
  mlir::linalg::GenericOp op;
  int64_t chunks;
  int64_t column; // the first one
};

/// The chunk sums that are read from `result`, whose element x is that of
/// toRows(x) = (b, i, j) of a product. All have as many chunks.
llvm::SmallVector<ChunkSums> findChunkSums(mlir::Value result,
                                           mlir::AffineMap toRows);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_CHUNKSUMS_H
