//===- MatrixRows.h - An operand as the rows of a matrix ----- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_MATRIXROWS_H
#define VITC_CONVERSION_KERNELTOVECTOR_MATRIXROWS_H

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

/// Where element 0 of a row lies: `base` + `distance`. Rows that are evenly
/// spaced share the base, so that one register addresses them all.
struct RowOffset {
  mlir::Value base;
  int64_t distance;

  /// Offset of element column + j of the row.
  mlir::Value at(VectorBuilder &builder, mlir::Value column, int64_t j) const {
    return builder.add(builder.add(base, column), distance + j);
  }
};

/// An operand with a map (b, i, j), j contiguous, as a matrix of batch * rows
/// rows, row m being (m / rows, m mod rows), of which a tile is worked on.
class MatrixRows {
public:
  /// `operand` is one of the op that `builder` builds for; a tile has up to
  /// `maxTileRows` rows.
  MatrixRows(KernelBuilder &builder, mlir::Value operand, mlir::AffineMap map,
             mlir::Value batch, mlir::Value rows, int64_t maxTileRows);
  /// Rows that begin `stride` elements apart at the start of a flat memref.
  MatrixRows(KernelBuilder &builder, mlir::Value flat, int64_t stride);

  mlir::Value getFlat() const { return flat; }
  /// The tile is rows m, m + 1, ..., m + numRows - 1 from here on.
  void startTile(mlir::Value m, mlir::Value numRows);
  /// Offsets of the tile's first `count` rows.
  llvm::SmallVector<RowOffset> getOffsets(int64_t count) const;
  /// Offset of the tile's row `r`.
  RowOffset getOffset(mlir::Value r) const;
  /// Where row `m` begins, of the tile or not.
  mlir::Value getOffsetOf(mlir::Value m) const;

private:
  KernelBuilder &b;
  mlir::Value flat;
  mlir::Value rows;        // null where the stride says all
  mlir::AffineExpr offset; // of (b, i)
  /// Elements from row to row when that is the same everywhere, as it is
  /// without skipped or repeated rows.
  std::optional<int64_t> stride;
  /// The tile's offsets otherwise. From memory they are values like any other;
  /// LLVM does not move the addition of an address that is computed by a
  /// division out of the loop over k, and runs out of registers there.
  mlir::Value table;
  mlir::Value tileBegin;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_MATRIXROWS_H
