//===- GemmTensor.cpp - Tiles multiplied by tensor cores ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp computes tiling.rows x tiling.columns results by instructions of
// 16 x 8, whose operands are 8 words deep (TensorCore.h). Packed
// weights have 4 words of a column side by side, and so 8 columns of them, what
// ldmatrix reads at once, in different banks; of lhs the padding keeps rows so.
//
//===----------------------------------------------------------------------===//

#include "GemmProduct.h"
#include "TensorCore.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kTileRows = TensorCore::kRows,
                         kTileColumns = TensorCore::kColumns,
                         kMatrixRows = TensorCore::kMatrix,
                         kPair = TensorCore::kPair;
/// Words of the terms of an instruction, and of a row of a matrix.
static constexpr int64_t kTileWords = TensorCore::kWords, kMatrixWords = 4;

namespace {
class TensorProduct final : public DeviceTileProduct {
public:
  TensorProduct(GemmOp op, DeviceBuilder &b);

  SmallVector<Value> getZeros() override;
  SmallVector<Value> multiply(DevicePointer lhs, DevicePointer weights,
                              Value stage, ValueRange sums) override;
  SmallVector<Value> getVectors(ValueRange sums) override;

private:
  TensorCore core;
  int64_t rowTiles, columnTiles;
  Value group, thread;         // g and t
  Value firstRow, firstColumn; // of the warp, in the block
};
} // namespace

TensorProduct::TensorProduct(GemmOp op, DeviceBuilder &b)
    : DeviceTileProduct(op, b), core(b, shape.element),
      rowTiles(tiling.getRows() / kTileRows),
      columnTiles(tiling.getColumns() / kTileColumns) {
  // Rows are 4 * (an odd number) words apart.
  shape.lhsPadding = 4;
  int64_t warpsOfRow = shape.columns / tiling.getColumns();
  Value lane = b.getLane(), warp = b.getWarp();
  Value warpRow = b.div(warp, warpsOfRow);
  group = b.div(lane, 4);
  thread = b.rem(lane, 4);
  firstRow = b.mul(warpRow, tiling.getRows());
  firstColumn = b.mul(b.rem(warp, warpsOfRow), tiling.getColumns());
  for (int64_t r = 0; r < tiling.getRows(); r += kTileRows / 2)
    fragment.rows.push_back(b.add(b.add(firstRow, group), r));
  for (int64_t c = 0; c < tiling.getColumns(); c += kTileColumns)
    fragment.columns.push_back(
        b.add(b.add(firstColumn, b.mul(thread, kPair)), c));
  fragment.width = kPair;
  fragment.part = b.add(b.mul(warpRow, kTileRows / 2), group);
  fragment.numParts = shape.rows / tiling.getRows() * (kTileRows / 2);
}

SmallVector<Value> TensorProduct::getZeros() {
  return SmallVector<Value>(rowTiles * columnTiles * 4, b.scalar(0.0));
}

SmallVector<Value> TensorProduct::getVectors(ValueRange sums) {
  SmallVector<Value> vectors;
  for (int64_t r = 0; r < rowTiles; ++r)
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t c = 0; c < columnTiles; ++c) {
        ValueRange tile = sums.slice((r * columnTiles + c) * 4, 4);
        vectors.push_back(vector::FromElementsOp::create(
            b, b.vectorType(kPair), tile.slice(half * kPair, kPair)));
      }
  return vectors;
}

SmallVector<Value> TensorProduct::multiply(DevicePointer lhs,
                                           DevicePointer weights, Value stage,
                                           ValueRange init) {
  SmallVector<Value> sums(init);
  int64_t lhsStride = shape.getLhsStride();
  int64_t weightsStride = shape.getWeightsStride();
  // Lanes name rows 0 to 15 at the first four words, then at the next four.
  Value lane = b.getLane();
  Value row = b.add(firstRow, b.rem(lane, kTileRows));
  Value word = b.mul(b.div(lane, kTileRows), kTileWords / 2);
  lhs = b.advance(lhs, b.add(b.add(b.mul(stage, shape.rows * lhsStride),
                                   b.mul(row, lhsStride)),
                             word));
  // Lanes name 8 columns at the first four words, at the next four, then the
  // next 8 columns.
  Value matrix = b.div(lane, kMatrixRows);
  Value column = b.add(b.add(firstColumn, b.rem(lane, kMatrixRows)),
                       b.mul(b.div(matrix, 2), kTileColumns));
  weights =
      b.advance(weights, b.add(b.add(b.mul(stage, shape.getWeightsWords()),
                                     b.mul(b.rem(matrix, 2), weightsStride)),
                               b.mul(column, kMatrixWords)));
  for (int64_t l = 0; l < shape.depth; l += kTileWords) {
    SmallVector<Value> columns;
    for (int64_t c = 0; c < columnTiles; c += 2)
      llvm::append_range(
          columns,
          core.loadMatrices(
              b.advance(weights, b.index(l / kMatrixWords * weightsStride +
                                         c * kTileColumns * kMatrixWords)),
              2 * std::min<int64_t>(2, columnTiles - c)));
    for (int64_t r = 0; r < rowTiles; ++r) {
      SmallVector<Value> rows = core.loadMatrices(
          b.advance(lhs, b.index(r * kTileRows * lhsStride + l)), 4);
      for (int64_t c = 0; c < columnTiles; ++c)
        core.multiplyAdd(
            rows, ArrayRef(columns).slice(2 * c, 2),
            MutableArrayRef(sums).slice((r * columnTiles + c) * 4, 4));
    }
  }
  return sums;
}

std::unique_ptr<DeviceTileProduct>
vitc::kernel::createTensorProduct(GemmOp op, DeviceBuilder &b) {
  return std::make_unique<TensorProduct>(op, b);
}
