//===- Attention.cpp - Vector code for kernel.attention -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is a block of queries of one head of one image:
//
//   for each block of keys
//     copy keys (transposed) and values to scratch
//     for each tile of queries
//       scores = tile x keys; online softmax; rescale the tile's results
//       results += probabilities x values
//   for each query: write its result / its sum
//
// Copies cost a few percent of the products and make every operand dense there,
// whatever its index map. The numbers of a query do not depend on the others in
// its tile or task.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "MathApproximation.h"
#include "TileProduct.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class AttentionBuilder {
public:
  AttentionBuilder(AttentionOp op, const ScoreOperands &operands,
                   KernelContext &context)
      : op(op), tiling(operands.tiling), hasLimit(operands.hasLimit()),
        b(op,
          ("attention_h" + Twine(op.getHeads()) + "_d" + Twine(op.getHeadDim()))
              .str(),
          context),
        valueAccess(op.getValueMap(),
                    cast<MemRefType>(op.getValue().getType())),
        resultAccess(op.getResultMap(),
                     cast<MemRefType>(op.getInit().getType())),
        maxTiles(
            llvm::divideCeil(maxPart(op.getQueries(), tiling.getQueryBlock()),
                             tiling.getRows())),
        resultStride(llvm::alignTo(op.getValueDim(), b.lanes())),
        tile(b, operands, maxTiles * tiling.getRows()),
        value(b.getFlat(op.getValue())), init(b.getFlat(op.getInit())),
        valuePanels(
            b.getScratch(llvm::alignTo(op.getValueDim(), tiling.getColumns()) *
                         tile.getKeyCapacity())),
        results(b.getScratch(maxTiles * tiling.getRows() * resultStride)) {}

  KernelFunction build();

private:
  void copyValues(IndexRange keys);
  void addKeyBlock(IndexRange keys);
  void addTile(IndexRange tileQueries, Value firstSlot);
  void writeResult(Value slot, Value query);
  void forEachTile(function_ref<void(IndexRange, Value)> body);

  AttentionOp op;
  AttentionTilingAttr tiling;
  bool hasLimit; // of the keys that a query sees
  KernelBuilder b;
  Access valueAccess, resultAccess;
  int64_t maxTiles;
  int64_t resultStride; // valueDim in whole vectors
  AttentionTile tile;
  Value value, init; // flat views
  Value valuePanels; // [panels, keyCapacity, columns]
  Value results;     // [slots, resultStride]
  Value batch, head;
  IndexRange queries;
};

} // namespace

KernelFunction AttentionBuilder::build() {
  Value queryCount = b.get(op.getQueries());
  Value blocks = b.ceilDiv(queryCount, tiling.getQueryBlock());
  Value heads = b.index(op.getHeads());
  Value row = b.div(b.getTask(), blocks);
  batch = b.div(row, heads);
  head = b.rem(row, heads);
  queries = evenPart(b, queryCount, blocks, b.rem(b.getTask(), blocks));

  tile.setHead(batch, head);
  tile.setQueries(queries);
  tile.resetSoftmax();
  int64_t resultElements = maxTiles * tiling.getRows() * resultStride;
  b.forLoop(b.index(0), b.index(resultElements), b.lanes(),
            [&](Value element) { b.store(b.splat(0.0), results, element); });
  b.forLoop(b.index(0), tile.countKeyBlocks(), 1,
            [&](Value block) { addKeyBlock(tile.getKeyBlock(block)); });
  forEachTile([&](IndexRange tileQueries, Value firstSlot) {
    b.forLoop(b.index(0), tileQueries.size, 1, [&](Value row) {
      writeResult(b.add(firstSlot, row), b.add(tileQueries.begin, row));
    });
  });

  return b.finish();
}

void AttentionBuilder::addKeyBlock(IndexRange keys) {
  auto addTiles = [&] {
    tile.setKeys(keys);
    copyValues(keys);
    forEachTile([&](IndexRange tileQueries, Value firstSlot) {
      addTile(tileQueries, firstSlot);
    });
  };
  if (hasLimit)
    b.ifElse(b.less(b.index(0), keys.size), addTiles, nullptr);
  else
    addTiles();
}

/// Each tile has `rows` slots of its own, so that what a product computes
/// beyond the tile's queries harms no other.
void AttentionBuilder::forEachTile(function_ref<void(IndexRange, Value)> body) {
  Value tiles = b.ceilDiv(queries.size, tiling.getRows());
  b.forLoop(b.index(0), tiles, 1, [&](Value index) {
    IndexRange part = evenPart(b, queries.size, tiles, index);
    part.begin = b.add(part.begin, queries.begin);
    body(part, b.mul(index, tiling.getRows()));
  });
}

void AttentionBuilder::copyValues(IndexRange keys) {
  int64_t columns = tiling.getColumns(), valueDim = op.getValueDim();
  b.forLoop(b.index(0), keys.size, 1, [&](Value j) {
    Value source = b.apply(valueAccess.getOffsetWithout(3),
                           {batch, head, b.add(keys.begin, j), b.index(0)});
    Value target = b.mul(j, columns);
    for (int64_t e = 0; e < valueDim; e += b.lanes()) {
      Value elements = b.load(value, b.add(source, e), b.lanes(),
                              std::min(b.lanes(), valueDim - e));
      int64_t panel = e / columns * columns * tile.getKeyCapacity();
      b.store(elements, valuePanels, b.add(target, panel + e % columns));
    }
  });
}

void AttentionBuilder::addTile(IndexRange tileQueries, Value firstSlot) {
  tile.computeScores(tileQueries);
  b.forLoop(b.index(0), tileQueries.size, 1, [&](Value row) {
    tile.finishRow(row, b.add(tileQueries.begin, row));
    Value slot = b.add(firstSlot, row);
    Value factor = tile.updateSoftmax(row, slot, /*keepProbabilities=*/true);
    for (int64_t e = 0; e < resultStride; e += b.lanes()) {
      Value index = b.add(b.mul(slot, resultStride), e);
      b.store(b.mulf(b.load(results, index), factor), results, index);
    }
  });
  TileProduct product;
  product.lhs = tile.getScores();
  product.lhsStride = tile.getScoreStride();
  product.rhs = valuePanels;
  product.panelColumns = tiling.getColumns();
  product.panelSize = product.panelColumns * tile.getKeyCapacity();
  product.result = results;
  product.resultBegin = b.mul(firstSlot, resultStride);
  product.resultStride = resultStride;
  product.depth = tile.countVisibleKeys();
  product.vectors = b.index(resultStride / b.lanes());
  product.accumulate = true;
  emitTileProduct(b, product, tileQueries.size, tiling.getRows());
}

void AttentionBuilder::writeResult(Value slot, Value query) {
  Value inverse = b.broadcast(tile.getInverseSum(slot));
  Value source = b.mul(slot, resultStride);
  Value target = b.apply(resultAccess.getOffsetWithout(3),
                         {batch, head, query, b.index(0)});
  int64_t valueDim = op.getValueDim();
  for (int64_t e = 0; e < valueDim; e += b.lanes()) {
    Value elements = b.mulf(b.load(results, b.add(source, e)), inverse);
    b.store(elements, init, b.add(target, e),
            std::min(b.lanes(), valueDim - e));
  }
}

FailureOr<KernelFunction> vitc::kernel::buildAttention(AttentionOp op,
                                                       KernelContext &context) {
  FailureOr<ScoreOperands> operands = ScoreOperands::get(op, context.cpu);
  if (failed(operands))
    return failure();
  Access value(op.getValueMap(), cast<MemRefType>(op.getValue().getType()));
  Access result(op.getResultMap(), cast<MemRefType>(op.getInit().getType()));
  if (failed(value.requireUnitStride(op, "value", 3, "e")) ||
      failed(result.requireUnitStride(op, "init", 3, "e")))
    return failure();
  KernelFunction kernel = AttentionBuilder(op, *operands, context).build();
  // Of softcap.
  if (operands->softcap &&
      failed(approximateMath(kernel.function, context.cpu)))
    return failure();
  return kernel;
}

Value vitc::kernel::countAttentionTasks(AttentionOp op,
                                        VectorBuilder &builder) {
  Value heads = builder.mul(op.getBatch(), op.getHeads());
  return builder.mul(
      heads,
      builder.ceilDiv(op.getQueries(), op.getTilingAttr().getQueryBlock()));
}
