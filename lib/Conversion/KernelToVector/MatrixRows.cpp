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
                       Value batch, Value rows)
    : flat(builder.getFlat(operand)), rows(builder.get(rows)) {
  Access access(map, cast<MemRefType>(operand.getType()));
  offset = access.getOffsetWithout(kColumn);
  stride = getRowStride(access, batch, rows);
}

SmallVector<RowOffset> MatrixRows::getOffsets(VectorBuilder &builder, Value m,
                                              int64_t count) const {
  SmallVector<RowOffset> offsets;
  Value zero = builder.index(0);
  if (stride) {
    Value origin = builder.apply(offset, {zero, zero, zero});
    Value first = builder.add(builder.mul(m, *stride), origin);
    for (int64_t r = 0; r < count; ++r)
      offsets.push_back({first, r * *stride});
    return offsets;
  }
  for (int64_t r = 0; r < count; ++r) {
    Value row = builder.add(m, r);
    Value b = builder.div(row, rows);
    Value i = builder.rem(row, rows);
    offsets.push_back({builder.apply(offset, {b, i, zero}), 0});
  }
  return offsets;
}
