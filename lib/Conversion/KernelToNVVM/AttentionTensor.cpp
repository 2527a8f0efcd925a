//===- AttentionTensor.cpp - Attention by tensor cores --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands of 16 bits or tf32 as memory has them, sums in f32. A warp has 16
// queries and all keys of a block, in products of 16 x 8 by instructions that
// are 8 words deep (TensorCore.h). Scores stay in registers as probabilities:
// of 16 bits those of two products are what one with values needs. Of tf32
// those of one product are, if terms are numbered otherwise: t and t + 4 of an
// instruction, which a lane has, stand for the keys 2 t and 2 t + 1, whose
// values it is given. ldmatrix transposes 16 bits only, so lanes load values
// themselves, each from its own bank.
//
//===----------------------------------------------------------------------===//

#include "AttentionTensor.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kTileRows = TensorCore::kRows,
                         kTileColumns = TensorCore::kColumns,
                         kMatrix = TensorCore::kMatrix,
                         kPair = TensorCore::kPair;

TensorProducts::TensorProducts(DeviceBuilder &builder,
                               const AttentionBlock &block,
                               const AttentionFactors &factors)
    : AttentionProducts(builder, block, factors,
                        factors.values->getMemory().element),
      element(factors.values->getMemory().element), core(b, element),
      vector(block.getTensorPadding()), firstRow(b.mul(b.getWarp(), kTileRows)),
      group(b.div(b.getLane(), 4)), thread(b.rem(b.getLane(), 4)) {}

Value TensorProducts::getRow(int64_t row) {
  return b.add(b.add(firstRow, group), row * kMatrix);
}

Value TensorProducts::getColumn(int64_t column) {
  return b.add(b.mul(thread, kPair),
               column / kPair * kTileColumns + column % kPair);
}

SmallVector<Value> TensorProducts::toTiles(ValueRange results) {
  size_t row = results.size() / 2;
  SmallVector<Value> tiles;
  for (size_t first = 0; first < row; first += kPair)
    for (size_t begin : {first, row + first})
      llvm::append_range(tiles, results.slice(begin, kPair));
  return tiles;
}

SmallVector<Value> TensorProducts::toRows(ValueRange tiles) {
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
  // Rows 0 to 15 at the first vector, then at the next; of keys, the first
  // eight at these two, then the next eight.
  Value lane = b.getLane();
  Value half = b.div(lane, kTileRows);
  Value queryRow = b.add(firstRow, b.rem(lane, kTileRows));
  Value queryPart = b.mul(half, vector);
  Value keyRow = b.add(b.rem(lane, kMatrix), b.mul(half, kMatrix));
  Value keyPart = b.mul(b.rem(b.div(lane, kMatrix), 2), vector);
  DevicePointer query = b.advance(
      queries.memory, b.add(b.mul(queryRow, queries.stride), queryPart));
  DevicePointer key =
      b.advance(keys.memory, b.add(b.mul(keyRow, keys.stride), keyPart));
  SmallVector<Value> zeros(block.rows * columns, b.scalar(0.0));
  return toRows(b.forLoop(
      b.index(0), b.index(block.getDepth()), 2 * vector, zeros,
      [&](Value d, ValueRange current) {
        SmallVector<Value> sums(current);
        SmallVector<Value> rows = core.loadMatrices(b.advance(query, d), 4);
        for (int64_t first = 0; first < numKeys; first += 2 * kTileColumns) {
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

/// Rounds words, which are operands then: of 16 bits pairs of neighbours.
void TensorProducts::keepProbabilities(ArrayRef<Value> kept, int64_t columns) {
  auto pair = VectorType::get(kPair, b.getF32Type());
  int64_t width = element.isTF32() ? 1 : kPair;
  probabilities.clear();
  for (size_t i = 0; i < kept.size(); i += width) {
    Value word = kept[i];
    if (width == kPair)
      word = vector::FromElementsOp::create(b, pair, kept.slice(i, kPair));
    probabilities.push_back(core.toOperand(b.roundTo(word, element)));
  }
  keptColumns = columns / width;
}

DevicePointer TensorProducts::getFirstValues() {
  if (element.isTF32())
    return b.advance(values.memory,
                     b.add(b.mul(thread, kPair * values.stride), group));
  // Keys 0 to 15 at the first elements, then at the next eight.
  Value lane = b.getLane();
  return b.advance(values.memory,
                   b.add(b.mul(b.rem(lane, kTileRows), values.stride),
                         b.mul(b.div(lane, kTileRows), kMatrix)));
}

SmallVector<Value> TensorProducts::loadValues(DevicePointer first, int64_t key,
                                              int64_t column) {
  int64_t offset = key * values.stride + column;
  if (!element.isTF32())
    return core.loadMatrices(b.advance(first, b.index(offset)), 4,
                             NVVM::MMALayout::col);
  SmallVector<Value> operands;
  for (int64_t tile : {0, 1})
    for (int64_t neighbour = 0; neighbour < kPair; ++neighbour)
      operands.push_back(
          core.toOperand(b.load(first, b.index(offset + tile * kTileColumns +
                                               neighbour * values.stride))));
  return operands;
}

SmallVector<Value> TensorProducts::getProbabilityWords(int64_t step) const {
  // Two words of a row are an operand each.
  SmallVector<Value> words;
  for (int64_t column : {2 * step, 2 * step + 1})
    for (int64_t row : {0, 1})
      words.push_back(probabilities[row * keptColumns + column]);
  return words;
}

SmallVector<Value> TensorProducts::multiplyValues(ValueRange results,
                                                  int64_t depth) {
  DevicePointer first = getFirstValues();
  SmallVector<Value> sums = toTiles(results);
  int64_t terms = 2 * vector;
  for (int64_t key = 0; key < depth; key += terms) {
    SmallVector<Value> rows = getProbabilityWords(key / terms);
    for (int64_t tile = 0; tile < block.getVectors(); tile += 2) {
      SmallVector<Value> two = loadValues(first, key, tile * kTileColumns);
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
