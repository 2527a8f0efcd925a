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
  mlir::Value vectors; // columns of the result, in vectors
  bool accumulate;     // the result starts at its old value, else at zero
};

/// Emits the product for `rows` rows, an index of at most `maxRows`. A few row
/// counts have code; the others compute and write up to the next of these, so
/// lhs and result have room for maxRows rows.
void emitTileProduct(VectorBuilder &builder, const TileProduct &product,
                     mlir::Value rows, int64_t maxRows);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_TILEPRODUCT_H
