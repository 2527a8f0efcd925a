//===- AttentionTile.cpp - Scores and softmax of a tile -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "TileProduct.h"
#include "VectorFold.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// In place of the sum of a row without keys, whose results are 0 / sum.
static constexpr double kLeastSum = 0.5;

TokenRange vitc::kernel::evenPart(VectorBuilder &b, Value total, Value parts,
                                  Value index) {
  Value size = b.div(total, parts);
  Value larger = b.rem(total, parts); // parts with one element more
  Value isLarger = b.less(index, larger);
  return {b.add(b.mul(index, size), b.min(index, larger)),
          b.select(isLarger, b.add(size, 1), size)};
}

int64_t vitc::kernel::getBlockPanels(AttentionTilingAttr tiling) {
  return llvm::divideCeil(tiling.getKeyBlock(), tiling.getColumns());
}

/// The most keys of a block, in whole panels.
static int64_t getKeyCapacity(const ScoreOperands &operands) {
  int64_t columns = operands.tiling.getColumns();
  int64_t panels = getBlockPanels(operands.tiling);
  std::optional<int64_t> keys = getConstant(operands.keys);
  if (!keys || *keys == 0)
    return panels * columns;
  int64_t all = llvm::divideCeil(*keys, columns);
  return llvm::divideCeil(all, llvm::divideCeil(all, panels)) * columns;
}

SmallVector<int64_t> vitc::kernel::getPartSizes(Value total, int64_t block) {
  std::optional<int64_t> constant = getConstant(total);
  if (!constant || *constant == 0)
    return llvm::to_vector(llvm::seq_inclusive<int64_t>(1, block));
  int64_t parts = llvm::divideCeil(*constant, block);
  SmallVector<int64_t> sizes = {*constant / parts};
  if (*constant % parts != 0)
    sizes.push_back(sizes[0] + 1);
  return sizes;
}

AttentionTile::AttentionTile(KernelBuilder &builder,
                             const ScoreOperands &operands,
                             const AttentionTileShape &shape,
                             TokenTables *tables)
    : b(builder), operands(operands), shape(shape),
      keyCapacity(::getKeyCapacity(operands)),
      keyLength(operands.keyLength ? b.getFlat(operands.keyLength->value)
                                   : Value()) {
  for (const ScoreAddend &addend : operands.addends)
    addends.push_back(b.getFlat(addend.value));
  int64_t rows = operands.tiling.getRows();
  if (operands.query) {
    auto getRows = [&](const ScoreFactor &factor, Value tokens) {
      TokenRows rows(b.getFlat(factor.value), factor.access, operands.headDim);
      return tables ? tables->add(rows, factor.access, b.get(tokens)) : rows;
    };
    queryRows = getRows(*operands.query, operands.queries);
    keyRows = getRows(*operands.key, operands.keys);
    queryTile = b.getScratch(rows * operands.headDim);
    keyPanels = b.getScratch(hasOneQuery() ? b.lanes() * b.lanes()
                                           : keyCapacity * operands.headDim);
  }
  if (operands.groups) {
    queryGroups = b.getScratch(llvm::alignTo(shape.queries, b.lanes()));
    keyGroups = b.getScratch(keyCapacity);
  }
  scores = b.getScratch(rows * getScoreStride());
  maxima = b.getScratch(shape.slots * b.lanes());
  sums = b.getScratch(shape.slots * b.lanes());
}

void AttentionTile::setHead(Value newBatch, Value newHead) {
  batch = newBatch;
  head = newHead;
  numKeys = b.get(operands.keys);
  if (!operands.keyLength)
    return;
  Value length = b.loadScalar(
      keyLength, b.apply(operands.keyLength->access.getOffset(), batch));
  length = arith::IndexCastOp::create(b, b.getIndexType(), length);
  length = arith::MaxSIOp::create(b, length, b.index(0));
  numKeys = b.min(length, numKeys);
}

void AttentionTile::setQueries(TokenRange newQueries) {
  queries = newQueries;
  if (operands.groups)
    computeGroups(queries, queryGroups);
}

Value AttentionTile::countPanels() {
  return b.ceilDiv(b.get(operands.keys), operands.tiling.getColumns());
}

Value AttentionTile::countKeyBlocks() {
  return b.ceilDiv(countPanels(), getBlockPanels(operands.tiling));
}

/// How many of `keys`, the first of them, some query before `queryEnd` sees.
Value AttentionTile::countSeen(Value queryEnd, TokenRange keys) {
  if (!operands.causal)
    return keys.size;
  Value end = arith::AddIOp::create(b, queryEnd, b.index(*operands.causal));
  Value seen = arith::SubIOp::create(b, end, keys.begin);
  seen = arith::MaxSIOp::create(b, seen, b.index(0));
  return b.min(seen, keys.size);
}

TokenRange AttentionTile::getWholeKeyBlock(Value index) {
  int64_t columns = operands.tiling.getColumns();
  TokenRange panels = evenPart(b, countPanels(), countKeyBlocks(), index);
  Value begin = b.mul(panels.begin, columns);
  return {begin, b.min(b.mul(panels.size, columns),
                       b.sub(b.get(operands.keys), begin))};
}

TokenRange AttentionTile::getKeyBlock(Value index) {
  // Blocks are cut from all keys, so that each result is one sum whatever is
  // masked.
  TokenRange block = getWholeKeyBlock(index);
  if (operands.keyLength)
    block.size =
        b.min(block.size, arith::MaxSIOp::create(
                              b, arith::SubIOp::create(b, numKeys, block.begin),
                              b.index(0)));
  block.size = countSeen(b.add(queries.begin, queries.size), block);
  return block;
}

void AttentionTile::resetSoftmax() {
  b.forLoop(b.index(0), b.index(shape.slots * b.lanes()), b.lanes(),
            [&](Value slot) {
              b.store(b.splat(-kInfinity), maxima, slot);
              b.store(b.splat(0.0), sums, slot);
            });
}

Value AttentionTile::getVectors() { return b.ceilDiv(visible, b.lanes()); }

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// By exchanging blocks of half the size, a quarter, ... with two-source
/// shuffles.
void vitc::kernel::transpose(VectorBuilder &b, MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t half = size / 2; half > 0; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < size; ++lane) {
      bool isHigh = lane & half;
      low.push_back(isHigh ? size + lane - half : lane);
      high.push_back(isHigh ? size + lane : lane + half);
    }
    for (int64_t i = 0; i < size; ++i) {
      if (i & half)
        continue;
      Value first = rows[i], second = rows[i + half];
      rows[i] = vector::ShuffleOp::create(b, first, second, low);
      rows[i + half] = vector::ShuffleOp::create(b, first, second, high);
    }
  }
}

void AttentionTile::setKeys(TokenRange newKeys) {
  keys = newKeys;
  if (operands.groups) {
    computeGroups(keys, keyGroups);
    compareGroups();
  }
  if (!operands.key || hasOneQuery())
    return;
  b.forLoop(b.index(0), b.ceilDiv(keys.size, b.lanes()), 1,
            [&](Value group) { transposeKeys(group); });
}

/// Writes a column of each key of a group of as many as there are lanes.
/// Columns beyond the keys repeat the last key: their scores are masked.
void AttentionTile::transposeKeys(Value group) {
  int64_t columns = operands.tiling.getColumns();
  int64_t lanes = b.lanes(), headDim = operands.headDim;
  Value first = b.mul(group, lanes);
  Value panel = b.div(first, columns), column = b.rem(first, columns);
  Value last = b.sub(keys.size, b.index(1));
  SmallVector<Value> rows;
  for (int64_t i = 0; i < lanes; ++i) {
    Value j = b.add(keys.begin, b.min(b.add(first, i), last));
    rows.push_back(keyRows->getOffset(b, batch, head, j));
  }
  Value target = b.add(b.mul(panel, headDim * columns), column);

  int64_t whole = headDim / lanes * lanes;
  b.forLoop(b.index(0), b.index(whole), lanes, [&](Value d) {
    SmallVector<Value> square;
    for (Value row : rows)
      square.push_back(b.load(keyRows->getMemory(), b.add(row, d)));
    transpose(b, square);
    Value begin = b.add(target, b.mul(d, columns));
    for (int64_t i = 0; i < lanes; ++i)
      b.store(square[i], keyPanels, b.add(begin, i * columns));
  });
  b.forLoop(b.index(whole), b.index(headDim), 1, [&](Value d) {
    Value begin = b.add(target, b.mul(d, columns));
    for (int64_t i = 0; i < lanes; ++i)
      b.storeScalar(b.loadScalar(keyRows->getMemory(), b.add(rows[i], d)),
                    keyPanels, b.add(begin, i));
  });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void AttentionTile::computeScores(TokenRange queries) {
  visible = countSeen(b.add(queries.begin, queries.size), keys);
  if (!operands.query)
    return;
  multiply(queries);
  if (operands.softcap)
    capScores(queries.size);
}

/// scores = scale * query · key^T, without softcap with the factor log2(e).
void AttentionTile::multiply(TokenRange queries) {
  int64_t headDim = operands.headDim;
  double factor = operands.softcap ? 1 / *operands.softcap : kLog2E;
  Value scale = b.splat(operands.scale * factor);
  b.forLoop(b.index(0), queries.size, 1, [&](Value row) {
    Value source =
        queryRows->getOffset(b, batch, head, b.add(queries.begin, row));
    Value target = b.mul(row, headDim);
    for (int64_t d = 0; d < headDim; d += b.lanes()) {
      int64_t count = std::min(b.lanes(), headDim - d);
      Value elements =
          b.load(queryRows->getMemory(), b.add(source, d), b.lanes(), count);
      b.store(b.mulf(elements, scale), queryTile, b.add(target, d), count);
    }
  });
  if (hasOneQuery())
    return multiplyOneQuery();
  TileProduct product;
  product.lhs = queryTile;
  product.lhsStride = headDim;
  product.rhs = keyPanels;
  product.panelColumns = operands.tiling.getColumns();
  product.panelSize = headDim * product.panelColumns;
  product.result = scores;
  product.resultBegin = b.index(0);
  product.resultStride = getScoreStride();
  product.depth = b.index(headDim);
  product.columns = visible;
  if (std::optional<int64_t> keys = getConstant(operands.keys);
      keys && !operands.hasLimit())
    product.lastColumns = *keys % product.panelColumns;
  product.accumulate = false;
  emitTileProduct(b, product, queries.size, shape.rowCounts);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// A maximum of -inf would give NaN in -inf - -inf; any number gives the zeros
/// that a row without keys is to have.
Value AttentionTile::replaceInfinity(Value maximum) {
  Value isInfinite = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                           maximum, b.splat(-kInfinity));
  return b.select(isInfinite, b.splat(0.0), maximum);
}

Value AttentionTile::updateMaximum(Value row, Value slot) {
  Value scoreRow = b.mul(row, getScoreStride());
  auto max = [&](Value x, Value y) { return b.maxf(x, y); };
  Value lanes = foldVectors(
      b, getVectors(), -kInfinity,
      [&](Value element, Value sum) {
        return max(sum, b.load(scores, b.add(scoreRow, element)));
      },
      max);
  Value maximum = b.broadcast(b.reduceMax(lanes));
  Value state = b.mul(slot, b.lanes());
  if (shape.hasOneKeyBlock) {
    b.store(maximum, maxima, state);
    return {};
  }
  Value oldMaximum = b.load(maxima, state);
  maximum = max(oldMaximum, maximum);
  b.store(maximum, maxima, state);
  Value factor = b.exp2(b.subf(oldMaximum, replaceInfinity(maximum)));
  b.store(b.mulf(b.load(sums, state), factor), sums, state);
  return factor;
}

void AttentionTile::addExponentials(Value row, Value slot,
                                    bool keepProbabilities) {
  Value scoreRow = b.mul(row, getScoreStride());
  Value maximum = getMaximum(slot);
  Value rowSums = foldVectors(
      b, getVectors(), 0.0,
      [&](Value element, Value sum) {
        Value index = b.add(scoreRow, element);
        Value probability = b.exp2(b.subf(b.load(scores, index), maximum));
        if (keepProbabilities)
          b.store(probability, scores, index);
        return b.addf(sum, probability);
      },
      [&](Value x, Value y) { return b.addf(x, y); });
  Value state = b.mul(slot, b.lanes());
  if (!shape.hasOneKeyBlock)
    rowSums = b.addf(b.load(sums, state), rowSums);
  b.store(rowSums, sums, state);
}

Value AttentionTile::getMaximum(Value slot) {
  return replaceInfinity(b.load(maxima, b.mul(slot, b.lanes())));
}

Value AttentionTile::getInverseSum(Value slot) {
  Value sum = b.reduceAdd(b.load(sums, b.mul(slot, b.lanes())));
  // A sum is 0, or the exponential of the maximum makes it 1 or more. In this
  // order NaN stays.
  return b.divf(b.scalar(1.0), b.maxf(b.scalar(kLeastSum), sum));
}
