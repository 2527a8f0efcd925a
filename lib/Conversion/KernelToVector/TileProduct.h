//===- TileProduct.h - Products of tiles in scratch memory --- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two products of attention, query x key and probability x value, are one
// micro-kernel on operands that were copied into a task's scratch memory:
// whatever index maps they came through, here they are dense.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_TILEPRODUCT_H
#define VITC_CONVERSION_KERNELTOVECTOR_TILEPRODUCT_H

#include "VectorBuilder.h"
#include <functional>

namespace vitc::kernel {

/// result[i, j] (+)= sum over k < depth of lhs[i, k] * rhs[k, j], for the rows
/// of one tile. The sum runs in the order of k, whatever the row count. All
/// memrefs are flat.
struct TileProduct {
  mlir::Value lhs;
  int64_t lhsStride; // elements from row to row
  /// rhs is cut into panels of `panelColumns` columns, a multiple of the lanes;
  /// in a panel, row-major, row follows row.
  mlir::Value rhs;
  int64_t panelColumns;
  int64_t panelSize; // elements from panel to panel
  mlir::Value result;
  mlir::Value resultBegin; // offset of its first row
  int64_t resultStride;
  mlir::Value depth;
  mlir::Value columns; // of the result, which has room for whole vectors
  /// How many columns are beyond whole panels where there are any, if known.
  std::optional<int64_t> lastColumns = std::nullopt;
  bool accumulate; // the result starts at its old value, else at zero
  /// Stores the sums of row `row` from `column` on, `count` of them, in vectors
  /// of which the last may be narrow; null: into the result.
  std::function<void(int64_t row, mlir::Value column,
                     llvm::ArrayRef<mlir::Value> sums, int64_t count)>
      write = nullptr;
};

/// Emits the product for `rows` rows, an index that is one of `rowCounts`: each
/// of these has code of its own.
void emitTileProduct(VectorBuilder &builder, const TileProduct &product,
                     mlir::Value rows, llvm::ArrayRef<int64_t> rowCounts);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_TILEPRODUCT_H
