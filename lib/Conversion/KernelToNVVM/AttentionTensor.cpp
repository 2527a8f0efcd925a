//===- AttentionTensor.cpp - Attention by tensor cores --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands of 16 bits as memory has them, sums in f32. A warp has 16 queries
// and all keys of a block, in products of 16 x 8 by instructions that are 16
// deep (TensorCore.h). The scores of two such products are what the
// probabilities of one product with values need: they stay in registers.
//
//===----------------------------------------------------------------------===//

#include "AttentionProducts.h"
#include "TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kTileRows = TensorCore::kRows,
                         kTileColumns = TensorCore::kColumns,
                         kTileDepth = TensorCore::kTerms,
                         kMatrix = TensorCore::kMatrix,
                         kPair = TensorCore::kPair;

namespace {
class TensorProducts final : public AttentionProducts {
public:
  TensorProducts(DeviceBuilder &builder, const AttentionBlock &block,
                 const AttentionFactors &factors)
      : AttentionProducts(builder, block, factors,
                          factors.values->getMemory().element),
        element(factors.values->getMemory().element), core(b, element),
        firstRow(b.mul(b.getWarp(), kTileRows)), group(b.div(b.getLane(), 4)),
        thread(b.rem(b.getLane(), 4)) {}

  Value getRow(int64_t row) override {
    return b.add(b.add(firstRow, group), row * kMatrix);
  }
  Value getColumn(int64_t column) override {
    return b.add(b.mul(thread, kPair),
                 column / kPair * kTileColumns + column % kPair);
  }
  SmallVector<Value> multiplyKeys(int64_t columns) override;
  void keepProbabilities(ArrayRef<Value> values, int64_t columns) override;
  SmallVector<Value> multiplyValues(ValueRange results, int64_t depth) override;
  SharedRows getProbabilities() override {
    llvm_unreachable("probabilities are in registers");
  }

private:
  Type element;
  TensorCore core;
  Value firstRow;      // of the warp, in the block
  Value group, thread; // g and t
  SmallVector<Value> probabilities;
  int64_t keptColumns = 0;
};
} // namespace

/// Results row by row, as the sums of tiles; and back.
static SmallVector<Value> toTiles(ValueRange results) {
  size_t row = results.size() / 2;
  SmallVector<Value> tiles;
  for (size_t first = 0; first < row; first += kPair)
    for (size_t begin : {first, row + first})
      llvm::append_range(tiles, results.slice(begin, kPair));
  return tiles;
}
static SmallVector<Value> toRows(ValueRange tiles) {
  SmallVector<Value> results;
  for (size_t half : {0, 2})
    for (size_t tile = half; tile < tiles.size(); tile += 4)
      llvm::append_range(results, tiles.slice(tile, kPair));
  return results;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<Value> TensorProducts::multiplyKeys(int64_t columns) {
  int64_t numKeys = columns / kPair * kTileColumns;
  // Rows 0 to 15 at the first elements, then at the next eight; of keys, the
  // first eight at these and the next, then the next eight.
  Value lane = b.getLane();
  Value queryRow = b.add(firstRow, b.rem(lane, kTileRows));
  Value queryPart = b.mul(b.div(lane, kTileRows), kMatrix);
  Value keyRow = b.add(b.rem(lane, kMatrix), queryPart);
  Value keyPart = b.mul(b.rem(b.div(lane, kMatrix), 2), kMatrix);
  DevicePointer query = b.advance(
      queries.memory, b.add(b.mul(queryRow, queries.stride), queryPart));
  DevicePointer key =
      b.advance(keys.memory, b.add(b.mul(keyRow, keys.stride), keyPart));
  SmallVector<Value> zeros(block.rows * columns, b.scalar(0.0));
  return toRows(b.forLoop(
      b.index(0), b.index(block.getDepth()), kTileDepth, zeros,
      [&](Value d, ValueRange current) {
        SmallVector<Value> sums(current);
        SmallVector<Value> rows = core.loadMatrices(b.advance(query, d), 4);
        for (int64_t first = 0; first < numKeys; first += kTileDepth) {
          SmallVector<Value> two = core.loadMatrices(
              b.advance(b.advance(key, d), b.index(first * keys.stride)), 4);
          for (int64_t half = 0; half < 2; ++half)
            core.multiplyAdd(rows, ValueRange(two).slice(half * 2, 2),
                             MutableArrayRef<Value>(sums).slice(
                                 (first / kTileColumns + half) * 4, 4));
        }
        return sums;
      }));
}

/// Rounds pairs of neighbours, which are operands then.
void TensorProducts::keepProbabilities(ArrayRef<Value> kept, int64_t columns) {
  auto pair = VectorType::get(kPair, b.getF32Type());
  SmallVector<Value> words;
  for (size_t i = 0; i < kept.size(); i += kPair) {
    Value neighbours =
        vector::FromElementsOp::create(b, pair, kept.slice(i, kPair));
    Value rounded = arith::TruncFOp::create(b, pair.clone(element), neighbours);
    words.push_back(core.toOperand(rounded));
  }
  probabilities = words;
  keptColumns = columns / kPair;
}

SmallVector<Value> TensorProducts::multiplyValues(ValueRange results,
                                                  int64_t depth) {
  // Keys 0 to 15 at the first elements, then at the next eight.
  Value lane = b.getLane();
  Value place = b.add(b.mul(b.rem(lane, kTileDepth), values.stride),
                      b.mul(b.div(lane, kTileDepth), kMatrix));
  DevicePointer value = b.advance(values.memory, place);
  SmallVector<Value> sums = toTiles(results);
  for (int64_t key = 0; key < depth; key += kTileDepth) {
    int64_t first = key / kTileColumns;
    SmallVector<Value> rows;
    for (int64_t column : {first, first + 1})
      for (int64_t row : {0, 1})
        rows.push_back(probabilities[row * keptColumns + column]);
    for (int64_t tile = 0; tile < block.getVectors(); tile += 2) {
      SmallVector<Value> two = core.loadMatrices(
          b.advance(value, b.index(key * values.stride + tile * kTileColumns)),
          4, NVVM::MMALayout::col);
      for (int64_t half = 0; half < 2; ++half)
        core.multiplyAdd(
            rows, ValueRange(two).slice(half * 2, 2),
            MutableArrayRef<Value>(sums).slice((tile + half) * 4, 4));
    }
  }
  return toRows(sums);
}

std::unique_ptr<AttentionProducts>
vitc::kernel::createTensorProducts(DeviceBuilder &builder,
                                   const AttentionBlock &block,
                                   const AttentionFactors &factors) {
  return std::make_unique<TensorProducts>(builder, block, factors);
}
