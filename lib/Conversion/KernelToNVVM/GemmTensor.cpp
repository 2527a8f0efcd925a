//===- GemmTensor.cpp - Tiles multiplied by tensor cores ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp computes tiling.rows x tiling.columns results by instructions of
// 16 x 8, whose operands are 8 words deep. Of a warp's lanes, lane = 4 * g + t:
// PTX ISA 9.0, 9.7.14, pictures of the fragments of mma.m16n8k16. Packed
// weights have 8 terms of a column side by side, and so 8 columns of them, what
// ldmatrix reads at once, in different banks; of lhs the padding keeps rows so.
//
//===----------------------------------------------------------------------===//

#include "GemmProduct.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

/// What one instruction multiplies.
static constexpr int64_t kTileRows = 16, kTileColumns = 8, kTileWords = 8;
/// Rows of the matrices that a lane names for ldmatrix, and their words.
static constexpr int64_t kMatrixRows = 8, kMatrixWords = 4;
/// Of its results a lane has two neighbours in each of two rows.
static constexpr int64_t kPair = 2;

namespace {
class TensorProduct final : public DeviceTileProduct {
public:
  TensorProduct(GemmOp op, DeviceBuilder &b);

  SmallVector<Value> getZeros() override;
  SmallVector<Value> multiply(DevicePointer lhs, DevicePointer weights,
                              Value stage, ValueRange sums) override;
  SmallVector<Value> getVectors(ValueRange sums) override;

private:
  /// What instructions take of `count` matrices at `offset`, in words.
  SmallVector<Value> loadMatrices(DevicePointer operand, int64_t offset,
                                  int64_t count);
  /// A word as the operand of an instruction.
  Value toOperand(Value word);

  int64_t rowTiles, columnTiles;
  Value group, thread;         // g and t
  Value firstRow, firstColumn; // of the warp, in the block
  Type sumType;
};
} // namespace

TensorProduct::TensorProduct(GemmOp op, DeviceBuilder &b)
    : DeviceTileProduct(op, b), rowTiles(tiling.getRows() / kTileRows),
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
  sumType = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, b.getF32Type()));
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

/// The words of a lane's registers, in the order of the instruction's.
static SmallVector<Value> getFields(DeviceBuilder &b, Value fields,
                                    unsigned count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, fields, i));
  return values;
}

Value TensorProduct::toOperand(Value word) {
  // Pairs of f16 are vectors to LLVM, those of bf16 integers.
  if (!shape.element.isF16())
    return word;
  return LLVM::BitcastOp::create(b, VectorType::get(2, shape.element), word);
}

SmallVector<Value> TensorProduct::loadMatrices(DevicePointer operand,
                                               int64_t offset, int64_t count) {
  Type words = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, b.getI32Type()));
  DevicePointer row = b.advance(operand, b.index(offset));
  Value loaded = NVVM::LdMatrixOp::create(
      b, words, row.address, count, NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(b.getContext(), kMatrixRows, kMatrixRows),
      NVVM::LdStMatrixEltType::B16);
  return llvm::map_to_vector(getFields(b, loaded, count),
                             [&](Value word) { return toOperand(word); });
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
  bool isF16 = shape.element.isF16();
  NVVM::MMATypes type = isF16 ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  for (int64_t l = 0; l < shape.depth; l += kTileWords) {
    SmallVector<Value> columns;
    for (int64_t c = 0; c < columnTiles; c += 2)
      llvm::append_range(
          columns, loadMatrices(weights,
                                l / kMatrixWords * weightsStride +
                                    c * kTileColumns * kMatrixWords,
                                2 * std::min<int64_t>(2, columnTiles - c)));
    for (int64_t r = 0; r < rowTiles; ++r) {
      SmallVector<Value> rows =
          loadMatrices(lhs, r * kTileRows * lhsStride + l, 4);
      for (int64_t c = 0; c < columnTiles; ++c) {
        auto tile = MutableArrayRef(sums).slice((r * columnTiles + c) * 4, 4);
        Value product = NVVM::MmaOp::create(
            b, sumType, rows, ArrayRef(columns).slice(2 * c, 2),
            ValueRange(ArrayRef<Value>(tile)),
            {kTileRows, kTileColumns, kTileWords * shape.getTermsOfWord()},
            /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
            std::array{type, type},
            std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
        llvm::copy(getFields(b, product, 4), tile.begin());
      }
    }
  }
  return sums;
}

std::unique_ptr<DeviceTileProduct>
vitc::kernel::createTensorProduct(GemmOp op, DeviceBuilder &b) {
  return std::make_unique<TensorProduct>(op, b);
}
