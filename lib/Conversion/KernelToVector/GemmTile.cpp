//===- GemmTile.cpp - Micro-tiles of a product ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// numRows x numVectors accumulators stay in registers while k runs. Each step
// of k loads the vectors of one row of weights and broadcasts one value of each
// row of lhs. With an activation the sums pass through a scratch tile in L1: a
// loop over its rows keeps the polynomial's constants in registers, where code
// on the accumulators would spill. Statistics are summed from the values that
// are stored, chunk by chunk in the order of rows.
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"

#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace vitc::kernel;

/// Tiles of at most so many rows come alone or in pairs: see emitKLoop.
static constexpr int64_t kFewRows = 3;
/// Others share what they ask for. Measured with 64 rows, K = 512 and tiles of
/// 6 x 16: 1.3 % faster than with all lines asked for by each tile.
static constexpr int64_t kSharingTiles = 4;

/// Results of so many bytes leave L2 to the weights, and are written to memory
/// that is farther away.
static constexpr int64_t kFarResultBytes = 512 << 10;

/// Whether a tile should ask for its part of the result before it multiplies.
/// The address stays in registers meanwhile, of which a runtime batch leaves
/// none over.
static bool isFarResult(GemmOp op) {
  std::optional<int64_t> items = getConstant(op.getBatch());
  std::optional<int64_t> rows = getConstant(op.getRows());
  return items && rows &&
         *items * *rows * static_cast<int64_t>(op.getN() * sizeof(float)) >=
             kFarResultBytes;
}

int64_t GemmEmitter::getNumVectors(const Strip &strip) const {
  return llvm::divideCeil(strip.numColumns, b.lanes());
}

int64_t GemmEmitter::getCount(const Strip &strip, int64_t j) const {
  return std::min(b.lanes(), strip.numColumns - j * b.lanes());
}

void GemmEmitter::emitTile(int64_t numRows, Value tile, const Strip &strip,
                           const KBlock &block) {
  emitPrefetchResult(numRows, strip);
  SmallVector<Value> sums =
      emitKLoop(numRows, tile, strip, block, emitInit(numRows, strip, block));
  auto storeSums = [&] {
    if (scratch)
      emitStoreScratch(sums);
    else
      emitStore(numRows, tile, strip, sums, /*isLast=*/true);
  };
  auto storePartialSums = [&] {
    emitStore(numRows, tile, strip, sums, /*isLast=*/false);
  };
  bool isPlain = op.getActivation() == vitc::vit::Activation::None &&
                 !residual && !statistics;
  if (!block.isLast || isPlain)
    return storeSums();
  b.ifElse(block.isLast, storeSums, storePartialSums);
}

SmallVector<Value> GemmEmitter::emitInit(int64_t numRows, const Strip &strip,
                                         const KBlock &block) {
  int64_t numVectors = getNumVectors(strip);
  auto first = [&] {
    SmallVector<Value> vectors;
    for (int64_t j = 0; j < numVectors; ++j)
      vectors.push_back(bias ? b.load(bias, b.add(strip.column, j * b.lanes()),
                                      b.lanes(), getCount(strip, j))
                             : b.splat(0.0));
    SmallVector<Value> init;
    for (int64_t r = 0; r < numRows; ++r)
      llvm::append_range(init, vectors);
    return init;
  };
  auto partialSums = [&] {
    SmallVector<Value> init;
    for (RowOffset offset : result.getOffsets(numRows))
      for (int64_t j = 0; j < numVectors; ++j)
        init.push_back(b.load(result.getFlat(),
                              offset.at(b, strip.column, j * b.lanes()),
                              b.lanes(), getCount(strip, j)));
    return init;
  };
  if (!block.isFirst)
    return first();
  SmallVector<Type> types(numRows * numVectors, b.vectorType());
  return b.ifElse(block.isFirst, types, first, partialSums);
}

void GemmEmitter::emitPrefetchResult(int64_t numRows, const Strip &strip) {
  if (!isFarResult(op))
    return;
  auto prefetch = [&](const MatrixRows &rows) {
    for (RowOffset offset : rows.getOffsets(numRows))
      for (int64_t column = 0; column < strip.numColumns;
           column += kCacheLineValues)
        b.prefetch(rows.getFlat(), offset.at(b, strip.column, column),
                   /*intoL1=*/true);
  };
  prefetch(result);
  if (residual && op.getResidual() != op.getInit())
    prefetch(*residual);
}

int64_t GemmEmitter::getSharingTiles() {
  std::optional<int64_t> rows = getConstant(op.getRows());
  if (!rows)
    return kSharingTiles;
  if (!isCutByItem(op))
    *rows *= getConstant(op.getBatch()).value_or(1);
  return std::min<int64_t>(kSharingTiles,
                           llvm::divideCeil(*rows, tiling.getRows()));
}

SmallVector<Value> GemmEmitter::emitKLoop(int64_t numRows, Value tile,
                                          const Strip &strip,
                                          const KBlock &block,
                                          ValueRange init) {
  int64_t numVectors = getNumVectors(strip);
  SmallVector<RowOffset> lhsRows = lhs.getOffsets(numRows);
  // One step of k, k = kIndex + u.
  auto multiply = [&](Value kIndex, int64_t u, SmallVector<Value> &sums) {
    Value weightsRow = b.add(strip.weights, b.mul(kIndex, strip.weightsStride));
    int64_t step = u * strip.weightsStride;
    SmallVector<Value> vectors;
    for (int64_t j = 0; j < numVectors; ++j)
      vectors.push_back(
          b.load(weights, b.add(weightsRow, step + j * b.lanes())));
    for (int64_t r = 0; r < numRows; ++r) {
      Value value =
          b.broadcast(b.loadScalar(lhs.getFlat(), lhsRows[r].at(b, kIndex, u)));
      for (int64_t j = 0; j < numVectors; ++j) {
        Value &sum = sums[r * numVectors + j];
        sum = b.fma(value, vectors[j], sum);
      }
    }
  };
  // The next strip comes into L2 while this one is used. Tiles share its lines:
  // each asks for one of them in every few steps of k. Tiles with few rows have
  // few or no successors and ask for all.
  int64_t unroll = tiling.getUnroll();
  int64_t numLines = strip.prefetchLines, steps = 1;
  Value prefetched = strip.prefetched;
  if (numRows > kFewRows) {
    steps =
        std::gcd(unroll, std::max<int64_t>(1, getSharingTiles() / numLines));
    Value share = b.rem(tile, numLines * steps);
    Value line = b.mul(b.rem(share, numLines), strip.prefetchStep);
    Value step = b.mul(b.div(share, numLines), strip.weightsStride);
    prefetched = b.add(prefetched, b.add(line, step));
    numLines = 1;
  }
  auto prefetch = [&](Value kIndex, int64_t u) {
    Value place = b.add(prefetched, b.mul(kIndex, strip.weightsStride));
    for (int64_t i = 0; i < numLines; ++i)
      b.prefetch(weights,
                 b.add(place, u * strip.weightsStride + i * strip.prefetchStep),
                 /*intoL1=*/false);
  };

  int64_t mainEnd = k - k % unroll;
  Value end = b.min(block.end, b.index(mainEnd));
  SmallVector<Value> sums = b.forLoop(block.begin, end, unroll, init,
                                      [&](Value kIndex, ValueRange current) {
                                        SmallVector<Value> sums(current);
                                        for (int64_t u = 0; u < unroll; ++u) {
                                          if (u % steps == 0)
                                            prefetch(kIndex, u);
                                          multiply(kIndex, u, sums);
                                        }
                                        return sums;
                                      });
  if (mainEnd == k)
    return sums;
  return b.forLoop(b.index(mainEnd), block.end, 1, sums,
                   [&](Value kIndex, ValueRange current) {
                     SmallVector<Value> sums(current);
                     multiply(kIndex, 0, sums);
                     return sums;
                   });
}

Value GemmEmitter::emitStoreVector(
    Value value, const Strip &strip, int64_t j, const RowOffset &resultRow,
    const std::optional<RowOffset> &residualRow) {
  int64_t lane = j * b.lanes();
  int64_t count = getCount(strip, j);
  if (residualRow)
    value = b.addf(value, b.load(residual->getFlat(),
                                 residualRow->at(b, strip.column, lane),
                                 b.lanes(), count));
  b.store(value, result.getFlat(), resultRow.at(b, strip.column, lane), count);
  return value;
}

void GemmEmitter::emitStatistics(ValueRange rows, Value isFirst,
                                 const Strip &strip, int64_t j) {
  int64_t lane = j * b.lanes(), count = getCount(strip, j);
  // [2, n] of the chunk: sums, then sums of squares.
  Value sumPlace = b.add(b.add(chunkStatistics, strip.column), lane);
  Value squaresPlace = b.add(sumPlace, n);
  auto load = [&](Value place) {
    Value value = b.load(statistics, place, b.lanes(), count);
    return b.select(isFirst, b.splat(0.0), value);
  };
  Value first = b.load(result.getFlat(), chunkRow.at(b, strip.column, lane),
                       b.lanes(), count);
  Value sum = load(sumPlace), squares = load(squaresPlace);
  for (Value row : rows) {
    Value difference = b.subf(row, first);
    sum = b.addf(sum, difference);
    squares = b.fma(difference, difference, squares);
  }
  b.store(sum, statistics, sumPlace, count);
  b.store(squares, statistics, squaresPlace, count);
}

void GemmEmitter::emitStore(int64_t numRows, Value tile, const Strip &strip,
                            ValueRange sums, bool isLast) {
  int64_t numVectors = getNumVectors(strip);
  SmallVector<RowOffset> resultRows = result.getOffsets(numRows);
  SmallVector<std::optional<RowOffset>> residualRows(numRows);
  if (isLast && residual)
    llvm::copy(residual->getOffsets(numRows), residualRows.begin());
  SmallVector<SmallVector<Value>> columns(numVectors);
  for (int64_t r = 0; r < numRows; ++r)
    for (int64_t j = 0; j < numVectors; ++j) {
      Value sum = sums[r * numVectors + j];
      if (isLast)
        sum = b.activation(op.getActivation(), sum);
      columns[j].push_back(
          emitStoreVector(sum, strip, j, resultRows[r], residualRows[r]));
    }
  if (isLast && statistics)
    for (int64_t j = 0; j < numVectors; ++j)
      emitStatistics(columns[j], b.equal(tile, 0), strip, j);
}

void GemmEmitter::emitStoreScratch(ValueRange sums) {
  for (auto [i, sum] : llvm::enumerate(sums))
    b.store(sum, scratch, b.index(i * b.lanes()));
}

void GemmEmitter::emitEpilogue(Value numRows, Value tile, const Strip &strip) {
  int64_t numVectors = getNumVectors(strip);
  b.forLoop(b.index(0), numRows, 1, [&](Value r) {
    Value scratchRow = b.mul(r, numVectors * b.lanes());
    RowOffset resultRow = result.getOffset(r);
    std::optional<RowOffset> residualRow;
    if (residual)
      residualRow = residual->getOffset(r);
    for (int64_t j = 0; j < numVectors; ++j) {
      Value sum = b.load(scratch, b.add(scratchRow, j * b.lanes()));
      Value row = emitStoreVector(b.activation(op.getActivation(), sum), strip,
                                  j, resultRow, residualRow);
      if (statistics)
        emitStatistics(row, b.equal(b.add(tile, r), 0), strip, j);
    }
  });
}
