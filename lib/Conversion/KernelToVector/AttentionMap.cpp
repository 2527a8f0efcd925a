//===- AttentionMap.cpp - Vector code for kernel.attention_map ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is one head of one item of the batch. The probabilities of a query
// need its maximum and sum over all keys first, so each block of queries
// computes its scores twice: once for these, once for the probabilities. These
// are written row by row, or, for the mean, added up over a block before they
// are added to the one row of the result.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "MathApproximation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class AttentionMapBuilder {
public:
  AttentionMapBuilder(AttentionMapOp op, const ScoreOperands &operands,
                      KernelContext &context)
      : op(op), tiling(operands.tiling), hasLimit(operands.hasLimit()),
        b(op,
          ("attention_map_h" + Twine(op.getHeads()) + "_d" +
           Twine(op.getHeadDim()))
              .str(),
          context),
        slots(llvm::alignTo(tiling.getQueryBlock(), tiling.getRows())),
        tile(b, operands, getShape(), /*tables=*/nullptr),
        init(b.getFlat(op.getInit())), weights(b.getScratch(slots)),
        blockMap(b.getScratch(tile.getKeyCapacity())) {}

  KernelFunction build();

private:
  AttentionTileShape getShape();
  void readSelection();
  void addBlock(TokenRange queries);
  void addKeyBlock(TokenRange queries, TokenRange keys);
  void forEachKeyBlock(function_ref<void(TokenRange)> body);
  void forEachRow(TokenRange queries, TokenRange keys,
                  function_ref<void(Value row, Value slot)> body);
  void clearBlockMap();
  void addToBlockMap(Value row, Value slot);
  void addToResult(TokenRange keys, Value target);

  AttentionMapOp op;
  AttentionTilingAttr tiling;
  bool hasLimit; // of the keys that a query sees
  KernelBuilder b;
  int64_t slots;
  AttentionTile tile;
  Value init;        // flat view
  Value weights;     // [slots]: what a query's exponentials count in the map
  Value blockMap;    // [keyCapacity]
  Value result;      // offset of the task's rows in init
  Value isMean;      // over all queries, else a row each
  Value firstQuery;  // of those asked for
  Value numQueries;  // of those asked for
  Value numRows;     // of the result
  Value queryWeight; // of a query in its row
};

} // namespace

/// Which queries there are is known at run time only.
AttentionTileShape AttentionMapBuilder::getShape() {
  AttentionTileShape shape;
  shape.queries = shape.slots = slots;
  shape.rowCounts =
      llvm::to_vector(llvm::seq_inclusive<int64_t>(1, tiling.getRows()));
  return shape;
}

void AttentionMapBuilder::readSelection() {
  Value selection = b.get(op.getSelection());
  auto read = [&](int64_t column) {
    Value number = memref::LoadOp::create(
        b, selection, ValueRange{b.get(op.getLayer()), b.index(column)});
    return arith::IndexCastOp::create(b, b.getIndexType(), number).getResult();
  };
  Value first = read(0), all = b.get(op.getQueries());
  numRows = read(1);
  isMean =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, first, b.index(0));
  firstQuery = b.select(isMean, b.index(0), first);
  numQueries = b.select(isMean, all, numRows);
  Value count = arith::UIToFPOp::create(
      b, b.getF32Type(),
      arith::IndexCastUIOp::create(b, b.getI64Type(), all).getResult());
  queryWeight = b.select(isMean, count, b.scalar(1.0));
}

KernelFunction AttentionMapBuilder::build() {
  Value heads = b.index(op.getHeads());
  readSelection();
  Value elements = b.mul(numRows, b.get(op.getKeys()));
  result = b.mul(b.getTask(), elements);
  tile.setHead(b.div(b.getTask(), heads), b.rem(b.getTask(), heads));

  b.forLoop(b.index(0), elements, 1, [&](Value i) {
    b.storeScalar(b.scalar(0.0), init, b.add(result, i));
  });
  Value blocks = b.ceilDiv(numQueries, tiling.getQueryBlock());
  b.forLoop(b.index(0), blocks, 1, [&](Value block) {
    addBlock(evenPart(b, numQueries, blocks, block));
  });
  return b.finish();
}

/// Computes the scores of all tiles of `queries`, counted from the first asked
/// for, with `keys`, and runs `body` on each row.
void AttentionMapBuilder::forEachRow(TokenRange queries, TokenRange keys,
                                     function_ref<void(Value, Value)> body) {
  tile.setKeys(keys);
  Value tiles = b.ceilDiv(queries.size, tiling.getRows());
  b.forLoop(b.index(0), tiles, 1, [&](Value index) {
    TokenRange part = evenPart(b, queries.size, tiles, index);
    Value query = b.add(firstQuery, b.add(queries.begin, part.begin));
    tile.computeScores({query, part.size});
    b.forLoop(b.index(0), part.size, 1, [&](Value row) {
      tile.finishRow(row, b.add(query, row));
      body(row, b.add(part.begin, row));
    });
  });
}

/// Runs `body` on the blocks of keys that some of the tile's queries sees.
void AttentionMapBuilder::forEachKeyBlock(function_ref<void(TokenRange)> body) {
  b.forLoop(b.index(0), tile.countKeyBlocks(), 1, [&](Value block) {
    TokenRange keys = tile.getKeyBlock(block);
    if (hasLimit)
      b.ifElse(b.less(b.index(0), keys.size), [&] { body(keys); }, nullptr);
    else
      body(keys);
  });
}

void AttentionMapBuilder::addBlock(TokenRange queries) {
  tile.setQueries({b.add(firstQuery, queries.begin), queries.size});
  tile.resetSoftmax();
  forEachKeyBlock([&](TokenRange keys) {
    forEachRow(queries, keys, [&](Value row, Value slot) {
      tile.updateMaximum(row, slot);
      tile.addExponentials(row, slot, /*keepProbabilities=*/false);
    });
  });
  b.forLoop(b.index(0), queries.size, 1, [&](Value slot) {
    b.storeScalar(b.divf(tile.getInverseSum(slot), queryWeight), weights, slot);
  });
  forEachKeyBlock([&](TokenRange keys) { addKeyBlock(queries, keys); });
}

void AttentionMapBuilder::addKeyBlock(TokenRange queries, TokenRange keys) {
  clearBlockMap();
  forEachRow(queries, keys, [&](Value row, Value slot) {
    addToBlockMap(row, slot);
    b.ifElse(
        isMean, [] {},
        [&] {
          Value target = b.mul(b.add(queries.begin, slot), b.get(op.getKeys()));
          addToResult(keys, b.add(result, target));
          clearBlockMap();
        });
  });
  b.ifElse(isMean, [&] { addToResult(keys, result); }, nullptr);
}

void AttentionMapBuilder::clearBlockMap() {
  b.forLoop(b.index(0), b.index(tile.getKeyCapacity()), b.lanes(),
            [&](Value j) { b.store(b.splat(0.0), blockMap, j); });
}

void AttentionMapBuilder::addToBlockMap(Value row, Value slot) {
  Value scoreRow = b.mul(row, tile.getScoreStride());
  Value maximum = tile.getMaximum(slot);
  Value weight = b.broadcast(b.loadScalar(weights, slot));
  b.forLoop(b.index(0), tile.getVectors(), 1, [&](Value vector) {
    Value j = b.mul(vector, b.lanes());
    Value score = b.load(tile.getScores(), b.add(scoreRow, j));
    Value exponential = b.exp2(b.subf(score, maximum));
    b.store(b.fma(exponential, weight, b.load(blockMap, j)), blockMap, j);
  });
}

/// Adds the block's map to the row of the result at `target`.
void AttentionMapBuilder::addToResult(TokenRange keys, Value target) {
  target = b.add(target, keys.begin);
  Value whole = b.mul(b.div(keys.size, b.lanes()), b.lanes());
  b.forLoop(b.index(0), whole, b.lanes(), [&](Value j) {
    Value index = b.add(target, j);
    b.store(b.addf(b.load(init, index), b.load(blockMap, j)), init, index);
  });
  b.forLoop(whole, keys.size, 1, [&](Value j) {
    Value index = b.add(target, j);
    b.storeScalar(b.addf(b.loadScalar(init, index), b.loadScalar(blockMap, j)),
                  init, index);
  });
}

FailureOr<KernelFunction>
vitc::kernel::buildAttentionMap(AttentionMapOp op, KernelContext &context) {
  FailureOr<ScoreOperands> operands = ScoreOperands::get(op, context.cpu);
  if (failed(operands))
    return failure();
  KernelFunction kernel = AttentionMapBuilder(op, *operands, context).build();
  // Of softcap.
  if (operands->softcap &&
      failed(approximateMath(kernel.function, context.cpu)))
    return failure();
  return kernel;
}

/// None where the layer is skipped.
Value vitc::kernel::countAttentionMapTasks(AttentionMapOp op,
                                           VectorBuilder &builder) {
  Value count = memref::LoadOp::create(
      builder, op.getSelection(), ValueRange{op.getLayer(), builder.index(1)});
  Value isSkipped =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, count,
                            arith::ConstantIntOp::create(builder, 0, 64));
  return builder.select(isSkipped, builder.index(0),
                        builder.mul(op.getBatch(), op.getHeads()));
}
