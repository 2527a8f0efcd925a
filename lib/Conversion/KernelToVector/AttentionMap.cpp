//===- AttentionMap.cpp - Vector code for kernel.attention_map ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is one head of one image. The probabilities of a query need its
// maximum and sum over all keys first, so each block of queries computes its
// scores twice: once for these, once to add the probabilities up. Selection
// `first` is the mean over one query.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class AttentionMapBuilder {
public:
  AttentionMapBuilder(AttentionMapOp op, const ScoreOperands &operands,
                      KernelContext &context)
      : op(op), tiling(operands.tiling),
        b(op,
          ("attention_map_h" + Twine(op.getHeads()) + "_d" +
           Twine(op.getHeadDim()))
              .str(),
          context),
        resultAccess(op.getResultMap(),
                     cast<MemRefType>(op.getInit().getType())),
        slots(llvm::alignTo(tiling.getQueryBlock(), tiling.getRows())),
        tile(b, operands, slots), init(b.getFlat(op.getInit())),
        weights(b.getScratch(slots)),
        blockMap(b.getScratch(tile.getKeyCapacity())) {}

  KernelFunction build();

private:
  bool isFirst() {
    return op.getSelection() == vitc::vit::QuerySelection::First;
  }
  void addBlock(IndexRange queries);
  void addToBlockMap(Value row, Value slot);
  void addToResult(IndexRange keys);
  void forEachRow(IndexRange queries, IndexRange keys,
                  function_ref<void(Value row, Value slot)> body);

  AttentionMapOp op;
  AttentionTilingAttr tiling;
  KernelBuilder b;
  Access resultAccess;
  int64_t slots;
  AttentionTile tile;
  Value init;     // flat view
  Value weights;  // [slots]: what a query's exponentials count in the map
  Value blockMap; // [keyCapacity]
  Value result;   // offset of the map in init
  Value numQueries;
};

} // namespace

KernelFunction AttentionMapBuilder::build() {
  Value heads = b.index(op.getHeads());
  Value batch = b.div(b.getTask(), heads);
  Value head = b.rem(b.getTask(), heads);
  numQueries = isFirst() ? b.index(1) : b.get(op.getQueries());
  result = b.apply(resultAccess.getOffsetWithout(2),
                   {batch, head, b.index(0), b.get(op.getLayer())});
  tile.setHead(batch, head);

  b.forLoop(b.index(0), b.get(op.getKeys()), 1, [&](Value j) {
    b.storeScalar(b.scalar(0.0), init, b.add(result, j));
  });
  Value blocks = b.ceilDiv(numQueries, tiling.getQueryBlock());
  b.forLoop(b.index(0), blocks, 1, [&](Value block) {
    addBlock(evenPart(b, numQueries, blocks, block));
  });

  std::optional<int64_t> flops;
  std::optional<int64_t> queries =
      isFirst() ? std::optional<int64_t>(1) : getConstant(op.getQueries());
  std::optional<int64_t> keys = getConstant(op.getKeys());
  if (queries && keys)
    flops = 4 * *queries * *keys *
            static_cast<int64_t>(op.getHeads() * op.getHeadDim());
  return b.finish(flops);
}

/// Computes the scores of all tiles of `queries` with `keys`, and runs `body`
/// on each row.
void AttentionMapBuilder::forEachRow(IndexRange queries, IndexRange keys,
                                     function_ref<void(Value, Value)> body) {
  tile.setKeys(keys);
  Value tiles = b.ceilDiv(queries.size, tiling.getRows());
  b.forLoop(b.index(0), tiles, 1, [&](Value index) {
    IndexRange part = evenPart(b, queries.size, tiles, index);
    Value firstQuery = b.add(queries.begin, part.begin);
    tile.computeScores({firstQuery, part.size});
    b.forLoop(b.index(0), part.size, 1, [&](Value row) {
      tile.finishRow(row, b.add(firstQuery, row));
      body(row, b.add(part.begin, row));
    });
  });
}

void AttentionMapBuilder::addBlock(IndexRange queries) {
  tile.resetSoftmax();
  Value blocks = tile.countKeyBlocks();
  b.forLoop(b.index(0), blocks, 1, [&](Value block) {
    forEachRow(queries, tile.getKeyBlock(block), [&](Value row, Value slot) {
      tile.updateSoftmax(row, slot, /*keepProbabilities=*/false);
    });
  });
  Value count = arith::UIToFPOp::create(
      b, b.getF32Type(),
      arith::IndexCastUIOp::create(b, b.getI64Type(), numQueries).getResult());
  b.forLoop(b.index(0), queries.size, 1, [&](Value slot) {
    b.storeScalar(b.divf(tile.getInverseSum(slot), count), weights, slot);
  });
  b.forLoop(b.index(0), blocks, 1, [&](Value block) {
    IndexRange keys = tile.getKeyBlock(block);
    b.forLoop(b.index(0), b.index(tile.getKeyCapacity()), b.lanes(),
              [&](Value j) { b.store(b.splat(0.0), blockMap, j); });
    forEachRow(queries, keys,
               [&](Value row, Value slot) { addToBlockMap(row, slot); });
    addToResult(keys);
  });
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

void AttentionMapBuilder::addToResult(IndexRange keys) {
  Value target = b.add(result, keys.begin);
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
  Access result(op.getResultMap(), cast<MemRefType>(op.getInit().getType()));
  if (failed(result.requireUnitStride(op, "init", 2, "j")))
    return failure();
  return AttentionMapBuilder(op, *operands, context).build();
}

Value vitc::kernel::countAttentionMapTasks(AttentionMapOp op,
                                           VectorBuilder &builder) {
  return builder.mul(op.getBatch(), op.getHeads());
}
