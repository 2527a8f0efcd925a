//===- AttentionMap.cpp - A GPU's kernel for kernel.attention_map ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block of threads computes a block of the selected queries of one head of
// one item. Their probabilities need the maximum and sum over all keys first,
// so scores are computed twice: once for these, once for the probabilities,
// which are written row by row.
//
// The host does not know the selection: there are blocks for all queries, and
// those beyond the selected ones leave at once. For the mean, the first block
// of a head computes all of its queries and adds up their probabilities, always
// in the same order. Maps are for a person to see: small code is worth more
// than their speed.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class DeviceAttentionMapBuilder {
public:
  DeviceAttentionMapBuilder(AttentionMapOp op, const ScoreOperands &operands,
                            const AttentionBlock &block, DeviceContext &context)
      : op(op), block(block), b(op,
                                ("attention_map_h" + Twine(op.getHeads()) +
                                 "_d" + Twine(op.getHeadDim()))
                                    .str(),
                                block.getThreads(), context),
        tables(b), products(createFmaProducts(
                       b, block, getScoreFactors(b, operands, tables))),
        tile(b, operands, *products),
        probabilities(products->getProbabilities()),
        map(b.getPointer(op.getInit())) {}

  DeviceKernel build();

private:
  void readSelection();
  void addQueries(Value begin);
  SmallVector<Value> getScores(Value firstKey);
  SoftmaxRows getSoftmax();
  void writeRows(ArrayRef<Value> probabilities, Value firstKey);
  void addToMean(ArrayRef<Value> probabilities, Value begin, Value firstKey);

  AttentionMapOp op;
  AttentionBlock block;
  DeviceBuilder b;
  DeviceTokenTables tables;
  std::unique_ptr<AttentionProducts> products;
  DeviceAttentionTile tile;
  SharedRows probabilities;
  DevicePointer map;
  DeviceQueryBlock place;
  Value isMean;       // over all queries, else a row each
  Value firstQuery;   // of those asked for
  Value numQueries;   // of those asked for
  Value numRows;      // of a head in the map
  Value firstElement; // of the head in the map
};

} // namespace

void DeviceAttentionMapBuilder::readSelection() {
  DevicePointer selection = b.getPointer(op.getSelection());
  Value row = b.mul(b.get(op.getLayer()), 2);
  auto read = [&](int64_t column) -> Value {
    return arith::IndexCastOp::create(b, b.getIndexType(),
                                      b.load(selection, b.add(row, column)));
  };
  Value first = read(0);
  numRows = read(1);
  isMean =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, first, b.index(0));
  firstQuery = b.select(isMean, b.index(0), first);
  // A mean over no queries is none.
  Value all = b.select(b.equal(numRows, 0), numRows, b.get(op.getQueries()));
  numQueries = b.select(isMean, all, numRows);
}

DeviceKernel DeviceAttentionMapBuilder::build() {
  place = getQueryBlock(b, b.ceilDiv(b.get(op.getQueries()), block.queries),
                        op.getHeads());
  readSelection();
  Value head = b.add(b.mul(place.item, op.getHeads()), place.head);
  firstElement = b.mul(b.mul(head, numRows), b.get(op.getKeys()));
  // The queries of this block, from the first asked for on: all of a mean are
  // the first block's.
  Value begin = b.mul(place.index, block.queries);
  Value end = b.min(b.add(begin, block.queries), numQueries);
  end = b.select(b.both(isMean, b.equal(begin, 0)), numQueries, end);
  begin = b.select(b.both(isMean, b.less(b.index(0), begin)), end, begin);
  b.ifElse(
      b.less(begin, end),
      [&] {
        tile.getScores().setHead(place.item, place.head);
        tables.fill(place.item);
        products->clearPadding();
        b.forLoop(begin, end, block.queries,
                  [&](Value queries) { addQueries(queries); });
        b.waitForCopies(0);
      },
      nullptr);
  return b.finish();
}

/// The scores of the block's queries with the keys from `firstKey` on.
SmallVector<Value> DeviceAttentionMapBuilder::getScores(Value firstKey) {
  // All have read the keys before.
  b.barrier();
  tile.startKeys(firstKey);
  b.commitCopies();
  b.waitForCopies(0);
  b.barrier();
  return tile.getBlockScores({firstKey, block.columns, /*mayBeHidden=*/true});
}

/// Maxima and sums over all keys.
SoftmaxRows DeviceAttentionMapBuilder::getSoftmax() {
  SoftmaxRows empty = tile.getEmptyRows();
  SmallVector<Value> state(empty.maxima);
  llvm::append_range(state, empty.sums);
  auto get = [&](ValueRange values) {
    return SoftmaxRows{SmallVector<Value>(values.take_front(block.rows)),
                       SmallVector<Value>(values.drop_front(block.rows))};
  };
  state = b.forLoop(b.index(0), tile.countSeen(), block.keys, state,
                    [&](Value firstKey, ValueRange current) {
                      SoftmaxRows rows = get(current);
                      SmallVector<Value> scores = getScores(firstKey);
                      tile.addScores(scores, rows, /*isFirst=*/false);
                      SmallVector<Value> next(rows.maxima);
                      llvm::append_range(next, rows.sums);
                      return next;
                    });
  return get(state);
}

/// Computes the maps of a block of queries, which begins `begin` behind the
/// first asked for.
void DeviceAttentionMapBuilder::addQueries(Value begin) {
  // All have read the queries before.
  b.barrier();
  tile.startQueries(b.add(firstQuery, begin));
  b.commitCopies();
  SoftmaxRows rows = getSoftmax();
  Value count =
      arith::UIToFPOp::create(b, b.getF32Type(), b.toInteger(numQueries, 64));
  Value queryWeight = b.select(isMean, count, b.scalar(1.0));
  SmallVector<Value> weights;
  for (int64_t row = 0; row < block.rows; ++row)
    weights.push_back(b.divf(tile.getInverseSum(rows, row), queryWeight));
  b.forLoop(b.index(0), b.get(op.getKeys()), block.keys, [&](Value firstKey) {
    SmallVector<Value> values = getScores(firstKey);
    for (int64_t row = 0; row < block.rows; ++row) {
      Value shift = tile.getScores().getShift(rows.maxima[row]);
      for (Value &value : MutableArrayRef<Value>(values).slice(
               row * block.columns, block.columns))
        value =
            b.mulf(tile.getScores().getExponential(value, shift), weights[row]);
    }
    b.ifElse(
        isMean, [&] { addToMean(values, begin, firstKey); },
        [&] { writeRows(values, firstKey); });
  });
}

void DeviceAttentionMapBuilder::writeRows(ArrayRef<Value> values,
                                          Value firstKey) {
  Value keys = b.get(op.getKeys());
  for (int64_t row = 0; row < block.rows; ++row) {
    Value number = b.sub(tile.getQuery(row), firstQuery);
    auto write = [&] {
      Value target = b.add(firstElement, b.mul(number, keys));
      for (int64_t column = 0; column < block.columns; ++column) {
        Value key = b.add(firstKey, products->getColumn(column));
        b.ifElse(
            b.less(key, keys),
            [&] {
              b.storeFloat(values[row * block.columns + column], map,
                           b.add(target, key));
            },
            nullptr);
      }
    };
    b.ifElse(b.less(number, numQueries), write, nullptr);
  }
}

/// The first queries begin the mean. A thread adds up the same keys each time.
void DeviceAttentionMapBuilder::addToMean(ArrayRef<Value> values, Value begin,
                                          Value firstKey) {
  Value keys = b.get(op.getKeys());
  products->keepProbabilities(values, block.columns);
  b.barrier();
  Value rows = b.min(b.sub(numQueries, begin), b.index(block.queries));
  Value end = b.min(b.sub(keys, firstKey), b.index(block.keys));
  b.forLoop(b.getThread(), end, b.getNumThreads(), [&](Value column) {
    Value target = b.add(b.add(firstElement, firstKey), column);
    Value sum = b.ifElse(
        b.equal(begin, 0), b.getF32Type(),
        [&] { return SmallVector<Value>{b.scalar(0.0)}; },
        [&] { return SmallVector<Value>{b.loadFloat(map, target)}; })[0];
    sum = b.forLoop(b.index(0), rows, 1, sum, [&](Value row, ValueRange sums) {
      Value place = b.add(b.mul(row, probabilities.stride), column);
      return SmallVector<Value>{
          b.addf(sums[0], b.load(probabilities.memory, place))};
    })[0];
    b.storeFloat(sum, map, target);
  });
}

FailureOr<DeviceKernel>
vitc::kernel::buildDeviceAttentionMap(AttentionMapOp op,
                                      DeviceContext &context) {
  FailureOr<ScoreOperands> operands = ScoreOperands::get(op, context.thread);
  if (failed(operands))
    return failure();
  AttentionBlock block(op.getTilingAttr(), op.getHeadDim(), /*valueDim=*/0);
  if (failed(verifyBlock(op, op.getTilingAttr(), block, context.gpu)))
    return failure();
  return DeviceAttentionMapBuilder(op, *operands, block, context).build();
}

Value vitc::kernel::countDeviceAttentionMapBlocks(AttentionMapOp op,
                                                  VectorBuilder &b) {
  int64_t queries = op.getTilingAttr().getQueryBlock();
  return b.mul(b.mul(op.getBatch(), op.getHeads()),
               b.ceilDiv(op.getQueries(), queries));
}
