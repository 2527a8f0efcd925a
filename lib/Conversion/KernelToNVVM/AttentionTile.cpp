//===- AttentionTile.cpp - Scores and softmax of a block ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

DeviceQueryBlock vitc::kernel::getQueryBlock(DeviceBuilder &b, Value blocks,
                                             int64_t heads) {
  Value row = b.div(b.getBlock(), blocks);
  return {b.div(row, heads), b.rem(row, heads), b.rem(b.getBlock(), blocks)};
}

LogicalResult vitc::kernel::verifyBlock(Operation *op,
                                        AttentionTilingAttr tiling,
                                        const AttentionBlock &block,
                                        GpuAttr gpu) {
  if (!block.isValid() || (isa<AttentionMapOp>(op) && !block.hasTiles()))
    return op->emitOpError()
           << "has tiling " << tiling
           << "; needs rows that divide the queries and columns that divide "
              "the keys of a block into whole warps of up to 1024 threads, 4 "
              "to 32 of them a row";
  // Instructions that a generation of GPUs alone has.
  if (block.usesWarpgroups && gpu.getArch() != "sm_90a")
    return op->emitOpError()
           << "has tiling " << tiling << ", of warpgroups; needs sm_90a, not "
           << gpu.getArch().getValue();
  int64_t bytes = block.getSharedBytes() + AttentionBlock::kMaxTableBytes;
  if (bytes > gpu.getSharedBytes())
    return op->emitOpError()
           << "has tiling " << tiling << ", of which a block needs " << bytes
           << " bytes of shared memory; " << gpu.getArch().getValue() << " has "
           << gpu.getSharedBytes();
  return success();
}

AttentionFactors vitc::kernel::getScoreFactors(DeviceBuilder &b,
                                               const ScoreOperands &operands,
                                               DeviceTokenTables &tables) {
  if (!operands.query)
    return {};
  auto getRows = [&](const ScoreFactor &factor, Value tokens) {
    return tables.add(DeviceTokenRows(b.getPointer(factor.value), factor.access,
                                      operands.headDim),
                      factor.access, tokens);
  };
  return {getRows(*operands.query, operands.queries),
          getRows(*operands.key, operands.keys), std::nullopt};
}

DeviceAttentionTile::DeviceAttentionTile(DeviceBuilder &builder,
                                         const ScoreOperands &operands,
                                         AttentionProducts &products)
    : b(builder), operands(operands), products(products),
      block(products.getBlock()), scores(b, operands) {
  if (!operands.groups)
    return;
  queryGroups = b.getShared(block.queries, b.getI32Type());
  keyGroups = b.getShared(block.keys, b.getI32Type());
}

//===----------------------------------------------------------------------===//
// Queries and keys
//===----------------------------------------------------------------------===//

/// Writes the groups of `count` tokens from `first` on; those beyond the last
/// are the last's.
static void fillGroups(DeviceBuilder &b, DeviceScores &scores, Value first,
                       Value tokens, int64_t count, DevicePointer groups) {
  Value last = b.sub(tokens, b.index(1));
  b.forLoop(b.getThread(), b.index(count), b.getNumThreads(), [&](Value i) {
    b.store(scores.getGroup(b.min(b.add(first, i), last)), groups, i);
  });
}

void DeviceAttentionTile::startQueries(Value first) {
  firstQuery = first;
  queries.clear();
  for (int64_t row = 0; row < block.rows; ++row)
    queries.push_back(b.add(first, products.getRow(row)));
  Value tokens = b.get(operands.queries);
  products.startQueries(scores.getItem(), scores.getHead(), first, tokens);
  if (scores.hasGroups())
    fillGroups(b, scores, first, tokens, block.queries, queryGroups);
}

Value DeviceAttentionTile::countSeen() {
  return scores.countSeen(
      b.min(b.add(firstQuery, block.queries), b.get(operands.queries)));
}

void DeviceAttentionTile::startKeys(Value first) {
  products.startKeys(scores.getItem(), scores.getHead(), first,
                     scores.getNumKeys());
  if (scores.hasGroups())
    fillGroups(b, scores, first, b.get(operands.keys), block.keys, keyGroups);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

SmallVector<Value>
DeviceAttentionTile::getBlockScores(const DeviceKeyBlock &keys) {
  SmallVector<Value> all = products.multiplyKeys(keys.columns);
  SmallVector<Value> keyNumbers, groups(keys.columns);
  for (int64_t column = 0; column < keys.columns; ++column) {
    Value key = products.getColumn(column);
    keyNumbers.push_back(b.add(keys.first, key));
    if (scores.hasGroups())
      groups[column] = b.load(keyGroups, key);
  }
  Value last = b.sub(b.get(operands.queries), b.index(1));
  for (int64_t row = 0; row < block.rows; ++row) {
    Value group = scores.hasGroups() ? b.load(queryGroups, products.getRow(row))
                                     : Value();
    DeviceScores::Row operands =
        scores.getRow(b.min(queries[row], last), group);
    for (int64_t column = 0; column < keys.columns; ++column) {
      Value &score = all[row * keys.columns + column];
      score = scores.getScore(score, operands, keyNumbers[column],
                              groups[column], keys.mayBeHidden);
    }
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

SoftmaxRows DeviceAttentionTile::getEmptyRows() {
  return {SmallVector<Value>(block.rows, b.scalar(-kInfinity)),
          SmallVector<Value>(block.rows, b.scalar(0.0))};
}

SmallVector<Value> DeviceAttentionTile::addScores(MutableArrayRef<Value> values,
                                                  SoftmaxRows &rows,
                                                  bool isFirst) {
  int64_t columns = values.size() / block.rows;
  SmallVector<Value> factors;
  for (int64_t row = 0; row < block.rows; ++row) {
    MutableArrayRef<Value> rowScores = values.slice(row * columns, columns);
    Value maximum = rowScores.front();
    for (Value score : rowScores.drop_front())
      maximum = takeMaximum(b, maximum, score);
    maximum = b.maxOverLanes(maximum, block.getRowThreads());
    Value oldMaximum = rows.maxima[row];
    if (!isFirst)
      maximum = takeMaximum(b, oldMaximum, maximum);
    Value shift = scores.getShift(maximum), sum;
    for (Value &score : rowScores) {
      score = scores.getExponential(score, shift);
      sum = sum ? b.addf(sum, score) : score;
    }
    if (!isFirst) {
      factors.push_back(scores.getExponential(oldMaximum, shift));
      sum = b.fma(rows.sums[row], factors.back(), sum);
    }
    rows.maxima[row] = maximum;
    rows.sums[row] = sum;
  }
  return factors;
}

Value DeviceAttentionTile::getInverseSum(const SoftmaxRows &rows, int64_t row) {
  return invertSum(b, b.sumOverLanes(rows.sums[row], block.getRowThreads()));
}
