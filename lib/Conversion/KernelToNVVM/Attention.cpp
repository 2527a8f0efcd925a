//===- Attention.cpp - A GPU's kernel for kernel.attention ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block of threads computes a block of queries of one head of one item:
//
//   copy queries and the first keys to shared memory
//   for each block of keys
//     copy its values, meanwhile
//     scores = queries x keys; online softmax; probabilities to shared memory
//     copy the next keys, meanwhile
//     results = rescaled results + probabilities x values
//   write the results / their sums
//
// Scores and results stay in registers, a micro-tile a thread, for tensor cores
// probabilities too, and copies make every operand dense in shared memory,
// whatever its index map. Blocks of keys that no query of the block sees are
// not computed. A single block of keys needs no rescaling.
//
//===----------------------------------------------------------------------===//

#include "AttentionOneQuery.h"
#include "AttentionTile.h"
#include "Kernels.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

/// What a thread keeps from block to block of keys.
struct State {
  SoftmaxRows rows;
  SmallVector<Value> results; // row by row, vector by vector

  SmallVector<Value> getValues() const {
    SmallVector<Value> values(rows.maxima);
    llvm::append_range(values, rows.sums);
    llvm::append_range(values, results);
    return values;
  }
  static State get(ValueRange values, int64_t rows) {
    return {{SmallVector<Value>(values.take_front(rows)),
             SmallVector<Value>(values.slice(rows, rows))},
            SmallVector<Value>(values.drop_front(2 * rows))};
  }
};

class DeviceAttentionBuilder {
public:
  DeviceAttentionBuilder(AttentionOp op, const ScoreOperands &operands,
                         const AttentionBlock &block, DeviceContext &context)
      : op(op), block(block), hasLimit(operands.hasLimit()),
        b(op,
          ("attention_h" + Twine(op.getHeads()) + "_d" + Twine(op.getHeadDim()))
              .str(),
          block.getThreads(), context),
        tables(b), products(createProducts(operands)),
        tile(b, operands, *products),
        resultRows(getRows(op.getInit(), op.getResultMap(), op.getQueries())) {}

  DeviceKernel build();

private:
  DeviceTokenRows getRows(Value operand, AffineMap map, Value tokens) {
    Access access(map, cast<MemRefType>(operand.getType()));
    return tables.add(
        DeviceTokenRows(b.getPointer(operand), access, op.getValueDim()),
        access, tokens);
  }
  std::unique_ptr<AttentionProducts>
  createProducts(const ScoreOperands &operands) {
    AttentionFactors factors = getScoreFactors(b, operands, tables);
    factors.values = getRows(op.getValue(), op.getValueMap(), op.getKeys());
    if (block.usesWarpgroups)
      return createWarpgroupProducts(b, block, factors);
    return block.usesTensorCores() ? createTensorProducts(b, block, factors)
                                   : createFmaProducts(b, block, factors);
  }
  State addKeyBlocks();
  State addKeyBlock(State state, DeviceKeyBlock keys, int64_t depth,
                    bool isFirst, Value next);
  void writeResults(const State &state);

  AttentionOp op;
  AttentionBlock block;
  bool hasLimit; // of the keys that a query sees
  DeviceBuilder b;
  DeviceTokenTables tables;
  std::unique_ptr<AttentionProducts> products;
  DeviceAttentionTile tile;
  DeviceTokenRows resultRows;
  Value seen; // keys, by some query of the block
};

} // namespace

DeviceKernel DeviceAttentionBuilder::build() {
  Value blocks = b.ceilDiv(b.get(op.getQueries()), block.queries);
  DeviceQueryBlock place = getQueryBlock(b, blocks, op.getHeads());
  tile.getScores().setHead(place.item, place.head);
  tables.fill(place.item);
  products->clearPadding();
  tile.startQueries(b.mul(place.index, block.queries));
  tile.startKeys(b.index(0));
  b.commitCopies();
  seen = tile.countSeen();
  writeResults(addKeyBlocks());
  return b.finish();
}

State DeviceAttentionBuilder::addKeyBlocks() {
  State empty{
      tile.getEmptyRows(),
      SmallVector<Value>(block.rows * products->getElements(), b.scalar(0.0))};
  auto loop = [&](Value end, bool mayBeHidden) {
    SmallVector<Value> state = b.forLoop(
        b.index(0), end, block.keys, empty.getValues(),
        [&](Value first, ValueRange state) {
          return addKeyBlock(State::get(state, block.rows),
                             {first, block.columns, mayBeHidden}, block.keys,
                             /*isFirst=*/false, b.add(first, block.keys))
              .getValues();
        });
    return State::get(state, block.rows);
  };
  std::optional<int64_t> keys = getConstant(op.getKeys());
  if (hasLimit || !keys || *keys == 0)
    return loop(seen, /*mayBeHidden=*/true);

  // The last keys are few: a thread has fewer columns of them.
  int64_t rest = (*keys - 1) % block.keys + 1, whole = *keys - rest;
  int64_t columns = block.getColumns(rest);
  bool isOnly = whole == 0;
  State state = isOnly ? empty : loop(b.index(whole), /*mayBeHidden=*/false);
  bool mayBeHidden = rest != columns * block.getRowThreads();
  return addKeyBlock(state, {b.index(whole), columns, mayBeHidden},
                     block.getValueDepth(rest), isOnly, /*next=*/Value());
}

/// Takes a block of keys into `state`; `depth` of them have values or are
/// followed by zeros. The keys from `next` on are copied if there are some.
State DeviceAttentionBuilder::addKeyBlock(State state, DeviceKeyBlock keys,
                                          int64_t depth, bool isFirst,
                                          Value next) {
  // All have read the values and probabilities of the block before.
  products->finishCopies();
  b.barrier();
  DeviceScores &scores = tile.getScores();
  products->startValues(scores.getItem(), scores.getHead(), keys.first,
                        scores.getNumKeys(), depth);
  b.commitCopies();
  SmallVector<Value> exponentials = tile.getBlockScores(keys);
  SmallVector<Value> factors =
      tile.addScores(exponentials, state.rows, isFirst);
  products->keepProbabilities(exponentials, keys.columns);
  // All have read the keys, and see the values and probabilities.
  products->finishCopies();
  b.barrier();
  if (next) {
    b.ifElse(b.less(next, seen), [&] { tile.startKeys(next); }, nullptr);
    b.commitCopies();
  }
  for (auto [index, result] : llvm::enumerate(state.results))
    if (!isFirst)
      result = b.mulf(result, factors[index / products->getElements()]);
  state.results = products->multiplyValues(state.results, depth);
  return state;
}

void DeviceAttentionBuilder::writeResults(const State &state) {
  // Copies that were begun must be done before the block ends.
  b.waitForCopies(0);
  DeviceScores &scores = tile.getScores();
  auto valueDim = static_cast<int64_t>(op.getValueDim());
  int64_t width = block.getVectorWidth(), elements = products->getElements();
  int64_t stored = std::min(width, resultRows.getVectorWidth());
  for (int64_t row = 0; row < block.rows; ++row) {
    Value inverse = tile.getInverseSum(state.rows, row);
    Value query = tile.getQuery(row);
    auto write = [&] {
      Value offset =
          resultRows.getOffset(b, scores.getItem(), scores.getHead(), query);
      for (int64_t i = 0; i < elements; i += stored) {
        Value element = b.add(products->getElement(i / width), i % width);
        auto writeVector = [&] {
          SmallVector<Value> quotients;
          for (Value result :
               ArrayRef<Value>(state.results).slice(row * elements + i, stored))
            quotients.push_back(b.mulf(result, inverse));
          storeFloats(b, quotients, resultRows.getMemory(),
                      b.add(offset, element));
        };
        int64_t end = (i / width + 1) * block.getRowThreads() * width;
        if (end <= valueDim)
          writeVector();
        else
          b.ifElse(b.less(element, b.index(valueDim)), writeVector, nullptr);
      }
    };
    b.ifElse(b.less(query, b.get(op.getQueries())), write, nullptr);
  }
}

FailureOr<DeviceKernel>
vitc::kernel::buildDeviceAttention(AttentionOp op, DeviceContext &context) {
  FailureOr<ScoreOperands> operands = ScoreOperands::get(op, context.thread);
  if (failed(operands))
    return failure();
  auto requireRows = [&](StringRef name, Value operand, AffineMap map) {
    return Access(map, cast<MemRefType>(operand.getType()))
        .requireUnitStride(op, name, 3, "e");
  };
  if (failed(requireRows("value", op.getValue(), op.getValueMap())) ||
      failed(requireRows("init", op.getInit(), op.getResultMap())))
    return failure();
  AttentionBlock block(op.getTilingAttr(), op.getHeadDim(), op.getValueDim(),
                       getTensorFactorBytes(op));
  if (failed(verifyBlock(op, op.getTilingAttr(), block, context.gpu)))
    return failure();
  if (block.hasOneQuery())
    return buildDeviceAttentionOfOneQuery(op, *operands, block, context);
  return DeviceAttentionBuilder(op, *operands, block, context).build();
}

Value vitc::kernel::countDeviceAttentionBlocks(AttentionOp op,
                                               VectorBuilder &b) {
  int64_t queries = op.getTilingAttr().getQueryBlock();
  return b.mul(b.mul(op.getBatch(), op.getHeads()),
               b.ceilDiv(op.getQueries(), queries));
}
