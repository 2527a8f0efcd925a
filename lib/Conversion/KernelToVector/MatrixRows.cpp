//===- MatrixRows.cpp - An operand as the rows of a matrix ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixRows.h"

using namespace mlir;
using namespace vitc::kernel;

/// Dims of the map.
enum : unsigned { kBatch, kRow, kColumn };

/// Elements from row to row, if they are as many between two items of the batch
/// as within one.
static std::optional<int64_t> getRowStride(const Access &access, Value batch,
                                           Value rows) {
  std::optional<int64_t> batchStride = access.getStride(kBatch);
  std::optional<int64_t> rowStride = access.getStride(kRow);
  std::optional<int64_t> numRows = getConstant(rows);
  if (getConstant(batch) == 1)
    return rowStride;
  if (numRows == 1)
    return batchStride;
  if (numRows && rowStride && batchStride == *rowStride * *numRows)
    return rowStride;
  return std::nullopt;
}

MatrixRows::MatrixRows(KernelBuilder &builder, Value operand, AffineMap map,
                       Value batch, Value rows, int64_t maxTileRows)
    : b(builder), flat(b.getFlat(operand)), rows(b.get(rows)) {
  Access access(map, cast<MemRefType>(operand.getType()));
  offset = access.getOffsetWithout(kColumn);
  stride = getRowStride(access, batch, rows);
  if (!stride)
    table = b.getScratch(maxTileRows, b.getIndexType());
}

MatrixRows::MatrixRows(KernelBuilder &builder, Value flat, int64_t stride)
    : b(builder), flat(flat),
      offset(getAffineConstantExpr(0, builder.getContext())), stride(stride) {}

Value MatrixRows::getOffsetOf(Value m) const {
  Value zero = b.index(0);
  if (stride)
    return b.add(b.mul(m, *stride), b.apply(offset, {zero, zero, zero}));
  return b.apply(offset, {b.div(m, rows), b.rem(m, rows), zero});
}

void MatrixRows::startTile(Value m, Value numRows) {
  tileBegin = m;
  if (!table)
    return;
  b.forLoop(b.index(0), numRows, 1, [&](Value r) {
    b.storeScalar(getOffsetOf(b.add(m, r)), table, r);
  });
}

SmallVector<RowOffset> MatrixRows::getOffsets(int64_t count) const {
  SmallVector<RowOffset> offsets;
  for (int64_t r = 0; r < count; ++r) {
    if (table)
      offsets.push_back({b.loadScalar(table, b.index(r)), 0});
    else
      offsets.push_back({getOffsetOf(tileBegin), r * *stride});
  }
  return offsets;
}

RowOffset MatrixRows::getOffset(Value r) const {
  if (table)
    return {b.loadScalar(table, r), 0};
  return {getOffsetOf(b.add(tileBegin, r)), 0};
}
