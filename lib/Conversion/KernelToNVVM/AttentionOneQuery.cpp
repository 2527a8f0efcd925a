//===- AttentionOneQuery.cpp - A block for each query ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decoder's token reads each key and value once, so that copies to shared
// memory would cost more than they save:
//
//   for each block of keys
//     some lanes for each key: its product with the query, to shared memory
//     a thread for some keys: online softmax, probabilities to shared memory
//     some lanes for each value: rescaled sums + probability x value
//   add up the sums of all lanes with the same elements
//
// Neighbouring lanes read neighbouring elements, and several rows are under way
// in each.
//
//===----------------------------------------------------------------------===//

#include "AttentionOneQuery.h"

#include "AttentionTile.h"
#include "llvm/ADT/Twine.h"
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Rows that a lane has asked memory for, at once.
static constexpr int64_t kRowsUnderWay = 4;

namespace {

/// How lanes read the rows of an operand where they lie.
struct RowReader {
  DeviceTokenRows rows;
  RowLanes lanes;
  int64_t width; // of a vector

  explicit RowReader(const DeviceTokenRows &rows)
      : rows(rows), lanes(rows.getSize() / rows.getVectorWidth()),
        width(rows.getVectorWidth()) {}

  /// Elements of a lane.
  int64_t getElements() const { return lanes.getParts() * width; }
  /// The first element of a part of a lane.
  Value getElement(DeviceBuilder &b, int64_t part) const {
    return b.mul(b.add(b.rem(b.getThread(), lanes.lanes), part * lanes.lanes),
                 width);
  }
  /// The lane's elements of a row; zeros where it has none.
  SmallVector<Value> load(DeviceBuilder &b, Value item, Value head,
                          Value token) const;
};

/// What a thread keeps from block to block of keys.
struct OneQueryState {
  Value maximum, sum; // of all keys; of this thread's
  SmallVector<Value> results;
};

class OneQueryBuilder {
public:
  OneQueryBuilder(AttentionOp op, const ScoreOperands &operands,
                  const AttentionBlock &block, DeviceContext &context)
      : op(op), block(block),
        b(op, ("attention_one_query_d" + Twine(op.getHeadDim())).str(),
          block.getThreads(), context),
        scores(b, operands),
        values(getRows(op.getValue(), op.getValueMap(), op.getValueDim())),
        products(b.getShared(block.keys, b.getF32Type())),
        ofWarps(b.getShared(b.getNumWarps() * (op.getValueDim() + 2),
                            b.getF32Type())) {
    if (!operands.query)
      return;
    queries.emplace(getRows(op.getQuery(), *op.getQueryMap(), op.getHeadDim()));
    keys.emplace(getRows(op.getKey(), *op.getKeyMap(), op.getHeadDim()));
  }

  DeviceKernel build();

private:
  DeviceTokenRows getRows(Value operand, AffineMap map, int64_t size) {
    Access access(map, cast<MemRefType>(operand.getType()));
    return DeviceTokenRows(b.getPointer(operand), access, size);
  }
  OneQueryState addKeyBlock(OneQueryState state, Value first);
  void multiplyKeys(Value first);
  Value addScores(OneQueryState &state, Value first);
  SmallVector<Value> multiplyValues(ValueRange results, Value first);
  void writeResult(const OneQueryState &state);
  Value getMaximum(Value value, int64_t place);

  AttentionOp op;
  AttentionBlock block;
  DeviceBuilder b;
  DeviceScores scores;
  RowReader values;
  std::optional<RowReader> queries, keys;
  DevicePointer products; // then scores, then probabilities, of a block's keys
  DevicePointer ofWarps;  // results of each warp, then sums, then maxima
  Value query, queryGroup;
  DeviceScores::Row row;
  SmallVector<Value> queryElements;
};

} // namespace

SmallVector<Value> RowReader::load(DeviceBuilder &b, Value item, Value head,
                                   Value token) const {
  Value offset = rows.getOffset(b, item, head, token);
  SmallVector<Value> elements;
  for (int64_t part = 0; part < lanes.getParts(); ++part) {
    Value element = getElement(b, part);
    auto loadVector = [&] {
      return loadFloats(b, rows.getMemory(), b.add(offset, element), width);
    };
    if (part + 1 < lanes.getParts() || !lanes.isRagged()) {
      llvm::append_range(elements, loadVector());
      continue;
    }
    SmallVector<Type> types(width, b.getF32Type());
    llvm::append_range(
        elements,
        b.ifElse(b.less(element, b.index(rows.getSize())), types, loadVector,
                 [&] { return SmallVector<Value>(width, b.scalar(0.0)); }));
  }
  return elements;
}

DeviceKernel OneQueryBuilder::build() {
  DeviceQueryBlock place =
      getQueryBlock(b, b.get(op.getQueries()), op.getHeads());
  scores.setHead(place.item, place.head);
  query = place.index;
  row = scores.getRow(query,
                      scores.hasGroups() ? scores.getGroup(query) : Value());
  if (queries)
    queryElements = queries->load(b, place.item, place.head, query);

  SmallVector<Value> state = {b.scalar(-kInfinity), b.scalar(0.0)};
  state.append(values.getElements(), b.scalar(0.0));
  auto get = [](ValueRange state) {
    return OneQueryState{state[0], state[1],
                         SmallVector<Value>(state.drop_front(2))};
  };
  state = b.forLoop(b.index(0), row.seen, block.keys, state,
                    [&](Value first, ValueRange current) {
                      OneQueryState next = addKeyBlock(get(current), first);
                      SmallVector<Value> values = {next.maximum, next.sum};
                      llvm::append_range(values, next.results);
                      return values;
                    });
  writeResult(get(state));
  return b.finish();
}

OneQueryState OneQueryBuilder::addKeyBlock(OneQueryState state, Value first) {
  if (keys) {
    multiplyKeys(first);
    b.barrier();
  }
  Value factor = addScores(state, first);
  b.barrier();
  for (Value &result : state.results)
    result = b.mulf(result, factor);
  state.results = multiplyValues(state.results, first);
  // All have read the probabilities.
  b.barrier();
  return state;
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The products of the query and a block of keys. Those beyond the last that is
/// seen repeat it: they are masked.
void OneQueryBuilder::multiplyKeys(Value first) {
  int64_t lanes = keys->lanes.lanes, groups = b.getNumThreads() / lanes;
  Value last = b.sub(row.seen, b.index(1));
  Value group = b.div(b.getThread(), lanes);
  Value isFirstLane = b.equal(b.rem(b.getThread(), lanes), 0);
  int64_t rounds = llvm::divideCeil(block.keys, groups);
  int64_t unroll = std::min(rounds, kRowsUnderWay);
  b.forLoop(b.index(0), b.index(block.keys), groups * unroll, [&](Value begin) {
    SmallVector<Value> places;
    SmallVector<SmallVector<Value>> elements;
    for (int64_t i = 0; i < unroll; ++i) {
      places.push_back(b.add(b.add(begin, group), i * groups));
      Value key = b.min(b.add(first, places.back()), last);
      elements.push_back(
          keys->load(b, scores.getItem(), scores.getHead(), key));
    }
    for (auto [place, row] : llvm::zip_equal(places, elements)) {
      Value sum = b.scalar(0.0);
      for (auto [x, y] : llvm::zip_equal(queryElements, row))
        sum = b.fma(x, y, sum);
      sum = b.sumOverLanes(sum, lanes);
      Value isWritten = b.both(isFirstLane, b.less(place, b.index(block.keys)));
      b.ifElse(
          isWritten, [&, place = place] { b.store(sum, products, place); },
          nullptr);
    }
  });
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The maximum over all threads, by way of ofWarps.
Value OneQueryBuilder::getMaximum(Value value, int64_t place) {
  value = b.maxOverLanes(value);
  b.ifElse(
      b.equal(b.getLane(), 0),
      [&] { b.store(value, ofWarps, b.add(b.getWarp(), place)); }, nullptr);
  b.barrier();
  for (int64_t warp = 0; warp < b.getNumWarps(); ++warp)
    value = takeMaximum(b, value, b.load(ofWarps, b.index(place + warp)));
  return value;
}

/// Replaces products by probabilities; returns what older results are to be
/// multiplied with.
Value OneQueryBuilder::addScores(OneQueryState &state, Value first) {
  SmallVector<Value> ofThread;
  Value maximum = state.maximum;
  for (int64_t column = 0; column < block.columns; ++column) {
    Value place = b.add(b.getThread(), column * b.getNumThreads());
    Value key = b.add(first, place);
    Value product = keys ? b.load(products, place) : b.scalar(0.0);
    Value group;
    if (scores.hasGroups())
      group = scores.getGroup(b.min(key, b.sub(row.seen, b.index(1))));
    ofThread.push_back(
        scores.getScore(product, row, key, group, /*mayBeHidden=*/true));
    maximum = takeMaximum(b, maximum, ofThread.back());
  }
  int64_t maxima = b.getNumWarps() * (op.getValueDim() + 1);
  maximum = getMaximum(maximum, maxima);
  Value shift = scores.getShift(maximum);
  Value factor = scores.getExponential(state.maximum, shift);
  state.maximum = maximum;
  state.sum = b.mulf(state.sum, factor);
  for (auto [column, score] : llvm::enumerate(ofThread)) {
    Value probability = scores.getExponential(score, shift);
    state.sum = b.addf(state.sum, probability);
    b.store(probability, products,
            b.add(b.getThread(), column * b.getNumThreads()));
  }
  return factor;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Adds probabilities x values of a block of keys. Those beyond the last that
/// is seen repeat it, with probabilities of 0.
SmallVector<Value> OneQueryBuilder::multiplyValues(ValueRange results,
                                                   Value first) {
  int64_t groups = b.getNumThreads() / values.lanes.lanes;
  int64_t unroll =
      std::min(llvm::divideCeil(block.keys, groups), uint64_t(kRowsUnderWay));
  Value count = b.min(b.sub(row.seen, first), b.index(block.keys));
  Value last = b.sub(row.seen, b.index(1));
  Value group = b.div(b.getThread(), values.lanes.lanes);
  return b.forLoop(
      b.index(0), count, groups * unroll, results,
      [&](Value begin, ValueRange current) {
        SmallVector<Value> weights;
        SmallVector<SmallVector<Value>> elements;
        for (int64_t i = 0; i < unroll; ++i) {
          Value place = b.add(b.add(begin, group), i * groups);
          Value key = b.min(b.add(first, place), last);
          elements.push_back(
              values.load(b, scores.getItem(), scores.getHead(), key));
          Value weight =
              b.load(products, b.min(place, b.index(block.keys - 1)));
          weights.push_back(
              b.select(b.less(place, count), weight, b.scalar(0.0)));
        }
        SmallVector<Value> sums(current);
        for (auto [weight, row] : llvm::zip_equal(weights, elements))
          for (auto [sum, element] : llvm::zip_equal(sums, row))
            sum = b.fma(weight, element, sum);
        return sums;
      });
}

/// Adds up what threads have, and writes it.
void OneQueryBuilder::writeResult(const OneQueryState &state) {
  int64_t valueDim = op.getValueDim(), warps = b.getNumWarps();
  int64_t lanes = values.lanes.lanes;
  Value rowOfWarp = b.mul(b.getWarp(), valueDim);
  Value isFirstGroup = b.less(b.getLane(), b.index(lanes));
  for (int64_t part = 0; part < values.lanes.getParts(); ++part) {
    Value element = values.getElement(b, part);
    SmallVector<Value> sums;
    for (Value sum : ArrayRef<Value>(state.results)
                         .slice(part * values.width, values.width)) {
      for (int64_t mask = kWarpThreads / 2; mask >= lanes; mask /= 2)
        sum = b.addf(sum, b.shuffleXor(sum, mask));
      sums.push_back(sum);
    }
    Value isWritten = b.both(isFirstGroup, b.less(element, b.index(valueDim)));
    b.ifElse(
        isWritten,
        [&] {
          for (auto [i, sum] : llvm::enumerate(sums))
            b.store(sum, ofWarps, b.add(b.add(rowOfWarp, element), i));
        },
        nullptr);
  }
  int64_t firstSum = warps * valueDim;
  Value sum = b.sumOverLanes(state.sum);
  b.ifElse(
      b.equal(b.getLane(), 0),
      [&] { b.store(sum, ofWarps, b.add(b.getWarp(), firstSum)); }, nullptr);
  b.barrier();

  auto addWarps = [&](Value first, int64_t stride) {
    Value sum = b.load(ofWarps, first);
    for (int64_t warp = 1; warp < warps; ++warp)
      sum = b.addf(sum, b.load(ofWarps, b.add(first, warp * stride)));
    return sum;
  };
  Value inverse = invertSum(b, addWarps(b.index(firstSum), 1));
  DeviceTokenRows rows = getRows(op.getInit(), op.getResultMap(), valueDim);
  Value offset = rows.getOffset(b, scores.getItem(), scores.getHead(), query);
  b.forLoop(b.getThread(), b.index(valueDim), b.getNumThreads(),
            [&](Value element) {
              Value result = b.mulf(addWarps(element, valueDim), inverse);
              b.storeFloat(result, rows.getMemory(), b.add(offset, element));
            });
}

DeviceKernel vitc::kernel::buildDeviceAttentionOfOneQuery(
    AttentionOp op, const ScoreOperands &operands, const AttentionBlock &block,
    DeviceContext &context) {
  return OneQueryBuilder(op, operands, block, context).build();
}
