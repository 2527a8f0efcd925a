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
// Where all keys are one block, a tile's sums are known before its results,
// which are divided and written as they leave the registers.
//
// Copies cost a few percent of the products and make every operand dense there,
// whatever its index map. While the products run, what the next block or task
// copies is prefetched. The numbers of a query do not depend on the others in
// its tile or task.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "MathApproximation.h"
#include "TaskBlocks.h"
#include "TileProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// The least queries of a block of a head that threads share: copying the keys
/// and values takes a fraction of what they cost.
static constexpr int64_t kLeastQueries = 48;

namespace {

/// What a task computes: tiles of queries.
struct QueryBlock {
  Value batch, head;
  TokenRange tiles, queries;
};

class AttentionBuilder {
public:
  AttentionBuilder(AttentionOp op, const ScoreOperands &operands,
                   KernelContext &context)
      : op(op), tiling(operands.tiling), hasLimit(operands.hasLimit()),
        b(op,
          ("attention_h" + Twine(op.getHeads()) + "_d" + Twine(op.getHeadDim()))
              .str(),
          context),
        resultStride(llvm::alignTo(op.getValueDim(), b.lanes())), tables(b),
        shape(getShape()), tile(b, operands, shape, &tables),
        valueRows(getRows(op.getValue(), op.getValueMap(), op.getKeys())),
        resultRows(getRows(op.getInit(), op.getResultMap(), op.getQueries())),
        valuePanels(tile.hasOneQuery()
                        ? Value()
                        : b.getScratch(llvm::alignTo(op.getValueDim(),
                                                     tiling.getColumns()) *
                                       tile.getKeyCapacity())),
        results(b.getScratch(shape.hasOneKeyBlock
                                 ? tiling.getRows()
                                 : shape.slots * resultStride)) {}

  KernelFunction build();

private:
  AttentionTileShape getShape();
  TokenRows getRows(Value operand, AffineMap map, Value tokens);
  Value countHeads() { return b.mul(b.get(op.getBatch()), op.getHeads()); }
  Value countQueryBlocks();
  Value countTiles() {
    return b.ceilDiv(b.get(op.getQueries()), tiling.getRows());
  }
  TokenRange getTile(Value index);
  QueryBlock getQueryBlock(Value task);
  void fillTables();
  void addKeyBlocks();
  void addKeyBlock(Value index);
  void copyValues(TokenRange keys);
  void addTile(TokenRange queries, Value firstSlot);
  void multiplyValues(TokenRange queries, Value firstSlot);
  void multiplyValuesOfOneQuery(Value slot);
  void writeResult(Value slot, Value query);
  Value getResultOffset(Value query) {
    return resultRows.getOffset(b, block.batch, block.head, query);
  }
  void forEachTile(function_ref<void(Value index, TokenRange queries)> body);
  void setNext(Value keyBlock);
  void prefetchPart(Value query);

  AttentionOp op;
  AttentionTilingAttr tiling;
  bool hasLimit; // of the keys that a query sees
  KernelBuilder b;
  int64_t resultStride; // valueDim in whole vectors
  TokenTables tables;
  AttentionTileShape shape;
  AttentionTile tile;
  TokenRows valueRows, resultRows;
  Value valuePanels; // [panels, keyCapacity, columns]; null for one query
  Value results;     // [slots, resultStride]; where there is one block of keys
                     // [rows]: what a tile's results are multiplied by
  QueryBlock block;
  /// What is prefetched.
  struct {
    QueryBlock block;
    Value keyBatch, keyHead;
    TokenRange keys;
  } next;
};

} // namespace

AttentionTileShape AttentionBuilder::getShape() {
  AttentionTileShape shape;
  std::optional<int64_t> keys = getConstant(op.getKeys());
  shape.hasOneKeyBlock = !hasLimit && keys &&
                         *keys <= getBlockPanels(tiling) * tiling.getColumns();
  // There may be more blocks of queries, not fewer.
  int64_t maxTiles = llvm::divideCeil(tiling.getQueryBlock(), tiling.getRows());
  if (std::optional<int64_t> queries = getConstant(op.getQueries());
      queries && *queries > 0)
    maxTiles =
        llvm::divideCeil(llvm::divideCeil(*queries, tiling.getRows()),
                         llvm::divideCeil(*queries, tiling.getQueryBlock()));
  shape.queries = maxTiles * tiling.getRows();
  // Each tile has slots of its own, if softmax goes on from block to block.
  shape.slots = shape.hasOneKeyBlock ? tiling.getRows() : shape.queries;
  shape.rowCounts = getPartSizes(op.getQueries(), tiling.getRows());
  return shape;
}

TokenRows AttentionBuilder::getRows(Value operand, AffineMap map,
                                    Value tokens) {
  Access access(map, cast<MemRefType>(operand.getType()));
  return tables.add(TokenRows(b.getFlat(operand), access, op.getValueDim()),
                    access, b.get(tokens));
}

/// The blocks of a head: one where its queries do not make two.
Value AttentionBuilder::countQueryBlocks() {
  if (std::optional<int64_t> queries = getConstant(op.getQueries());
      queries && *queries < 2 * kLeastQueries &&
      *queries <= tiling.getQueryBlock())
    return b.index(1);
  return b.div(b.getNumTasks(), countHeads());
}

/// The queries of tile `index` of all.
TokenRange AttentionBuilder::getTile(Value index) {
  return evenPart(b, b.get(op.getQueries()), countTiles(), index);
}

/// Blocks are cut between tiles, so that these do not depend on blocks.
QueryBlock AttentionBuilder::getQueryBlock(Value task) {
  Value blocks = countQueryBlocks();
  Value row = b.div(task, blocks), heads = b.index(op.getHeads());
  TokenRange tiles = evenPart(b, countTiles(), blocks, b.rem(task, blocks));
  Value begin = getTile(tiles.begin).begin;
  Value end = getTile(b.add(tiles.begin, tiles.size)).begin;
  return {
      b.div(row, heads), b.rem(row, heads), tiles, {begin, b.sub(end, begin)}};
}

/// Computes the tables of the task's item and the next one's, but for what the
/// thread's last task left.
void AttentionBuilder::fillTables() {
  if (tables.isEmpty())
    return;
  Value isFirst = b.equal(b.getTask(), b.getFirstTask());
  Value ofItem = b.rem(b.getTask(), b.mul(countQueryBlocks(), op.getHeads()));
  Value isNewItem = arith::OrIOp::create(b, isFirst, b.equal(ofItem, 0));
  Value last = b.sub(b.get(op.getBatch()), b.index(1));
  Value begin = b.select(isFirst, b.index(0), b.index(1));
  Value end = b.select(isNewItem, b.index(2), b.index(1));
  b.forLoop(begin, end, 1, [&](Value next) {
    tables.fill(b.min(b.add(block.batch, next), last));
  });
}

KernelFunction AttentionBuilder::build() {
  block = getQueryBlock(b.getTask());
  fillTables();
  tile.setHead(block.batch, block.head);
  tile.setQueries(block.queries);
  if (shape.hasOneKeyBlock)
    addKeyBlock(b.index(0));
  else
    addKeyBlocks();
  return b.finish();
}

void AttentionBuilder::addKeyBlocks() {
  tile.resetSoftmax();
  b.forLoop(b.index(0), b.index(shape.slots * resultStride), b.lanes(),
            [&](Value element) { b.store(b.splat(0.0), results, element); });
  b.forLoop(b.index(0), tile.countKeyBlocks(), 1,
            [&](Value index) { addKeyBlock(index); });
  forEachTile([&](Value index, TokenRange queries) {
    b.forLoop(b.index(0), queries.size, 1, [&](Value row) {
      writeResult(b.add(b.mul(index, tiling.getRows()), row),
                  b.add(queries.begin, row));
    });
  });
}

void AttentionBuilder::addKeyBlock(Value index) {
  TokenRange keys = tile.getKeyBlock(index);
  auto addTiles = [&] {
    tile.setKeys(keys);
    if (!tile.hasOneQuery())
      copyValues(keys);
    setNext(index);
    forEachTile([&](Value tileIndex, TokenRange queries) {
      auto add = [&] {
        addTile(queries, shape.hasOneKeyBlock
                             ? b.index(0)
                             : b.mul(tileIndex, tiling.getRows()));
      };
      // Other tiles of the task may see keys of the block. Rescaling by about
      // 1 would make this tile's numbers depend on them.
      if (hasLimit)
        b.ifElse(tile.seesKeys(queries), add, nullptr);
      else
        add();
    });
  };
  if (hasLimit)
    b.ifElse(b.less(b.index(0), keys.size), addTiles, nullptr);
  else
    addTiles();
}

void AttentionBuilder::forEachTile(function_ref<void(Value, TokenRange)> body) {
  b.forLoop(b.index(0), block.tiles.size, 1, [&](Value index) {
    body(index, getTile(b.add(block.tiles.begin, index)));
  });
}

/// Sets what comes after a block of keys: the task's next block or the next
/// task's first.
void AttentionBuilder::setNext(Value keyBlock) {
  Value lastTask = b.sub(b.mul(countHeads(), countQueryBlocks()), b.index(1));
  next.block = getQueryBlock(b.min(b.add(b.getTask(), 1), lastTask));
  Value nextBlock = b.add(keyBlock, 1);
  Value isLast = b.equal(nextBlock, tile.countKeyBlocks());
  next.keys = tile.getWholeKeyBlock(b.select(isLast, b.index(0), nextBlock));
  next.keyBatch = b.select(isLast, next.block.batch, block.batch);
  next.keyHead = b.select(isLast, next.block.head, block.head);
}

/// Prefetches a part of what comes next while the row of `query` is computed:
/// caches wait for a few lines at once only. A single query is done before they
/// come.
void AttentionBuilder::prefetchPart(Value query) {
  if (tile.hasOneQuery())
    return;
  Value part = b.sub(query, block.queries.begin);
  auto prefetch = [&](const TokenRows &rows, Value batch, Value head,
                      TokenRange tokens) {
    TokenRange range = evenPart(b, tokens.size, block.queries.size, part);
    range.begin = b.add(range.begin, tokens.begin);
    rows.prefetch(b, batch, head, range);
  };
  const QueryBlock &queries = next.block;
  prefetch(resultRows, queries.batch, queries.head, queries.queries);
  if (tile.getQueryRows())
    prefetch(*tile.getQueryRows(), queries.batch, queries.head,
             queries.queries);
  prefetch(valueRows, next.keyBatch, next.keyHead, next.keys);
  if (tile.getKeyRows())
    prefetch(*tile.getKeyRows(), next.keyBatch, next.keyHead, next.keys);
}

void AttentionBuilder::copyValues(TokenRange keys) {
  int64_t columns = tiling.getColumns(), valueDim = op.getValueDim();
  b.forLoop(b.index(0), keys.size, 1, [&](Value j) {
    Value source =
        valueRows.getOffset(b, block.batch, block.head, b.add(keys.begin, j));
    Value target = b.mul(j, columns);
    for (int64_t e = 0; e < valueDim; e += b.lanes()) {
      Value elements = b.load(valueRows.getMemory(), b.add(source, e),
                              b.lanes(), std::min(b.lanes(), valueDim - e));
      int64_t panel = e / columns * columns * tile.getKeyCapacity();
      b.store(elements, valuePanels, b.add(target, panel + e % columns));
    }
  });
}

void AttentionBuilder::addTile(TokenRange queries, Value firstSlot) {
  tile.computeScores(queries);
  auto forEachRow = [&](function_ref<void(Value row, Value slot)> body) {
    b.forLoop(b.index(0), queries.size, 1,
              [&](Value row) { body(row, b.add(firstSlot, row)); });
  };
  if (tile.hasShortRows()) {
    forEachRow([&](Value row, Value slot) {
      Value query = b.add(queries.begin, row);
      prefetchPart(query);
      tile.computeShortRow(row, query, slot);
    });
  } else {
    // Maxima, exponentials and sums are found for all rows each, so that what
    // one row waits for does not hold up the next.
    forEachRow([&](Value row, Value slot) {
      tile.finishRow(row, b.add(queries.begin, row));
      Value factor = tile.updateMaximum(row, slot);
      for (int64_t e = 0; factor && e < resultStride; e += b.lanes()) {
        Value index = b.add(b.mul(slot, resultStride), e);
        b.store(b.mulf(b.load(results, index), factor), results, index);
      }
    });
    forEachRow([&](Value row, Value slot) {
      prefetchPart(b.add(queries.begin, row));
      tile.addExponentials(row, slot, /*keepProbabilities=*/true);
    });
  }
  if (shape.hasOneKeyBlock)
    forEachRow([&](Value row, Value slot) {
      b.storeScalar(tile.getInverseSum(slot), results, row);
    });
  if (tile.hasOneQuery())
    multiplyValuesOfOneQuery(firstSlot);
  else
    multiplyValues(queries, firstSlot);
}

void AttentionBuilder::multiplyValues(TokenRange queries, Value firstSlot) {
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
  product.columns = b.index(op.getValueDim());
  product.accumulate = !shape.hasOneKeyBlock;
  if (shape.hasOneKeyBlock)
    product.write = [&](int64_t row, Value column, ArrayRef<Value> sums,
                        int64_t count) {
      Value inverse = b.loadScalar(results, b.index(row));
      Value target = b.add(getResultOffset(b.add(queries.begin, row)), column);
      for (auto [i, sum] : llvm::enumerate(sums)) {
        int64_t e = i * b.lanes();
        int64_t width = cast<VectorType>(sum.getType()).getDimSize(0);
        b.store(b.mulf(sum, b.broadcast(inverse, width)),
                resultRows.getMemory(), b.add(target, e),
                std::min(width, count - e));
      }
    };
  emitTileProduct(b, product, queries.size, shape.rowCounts);
}

/// Reads the values where they lie.
void AttentionBuilder::multiplyValuesOfOneQuery(Value slot) {
  int64_t lanes = b.lanes(), valueDim = op.getValueDim();
  int64_t most = lanes * kOneRowVectors;
  Value firstKey = tile.getKeys().begin;
  for (int64_t column = 0; column < valueDim; column += most) {
    int64_t columns = std::min(most, valueDim - column);
    auto forEachVector =
        [&](function_ref<void(int64_t e, int64_t count)> body) {
          for (int64_t e = 0; e < columns; e += lanes)
            body(e, std::min(lanes, columns - e));
        };
    Value place = b.add(b.mul(slot, resultStride), column);
    SmallVector<Value> sums;
    forEachVector([&](int64_t e, int64_t) {
      sums.push_back(shape.hasOneKeyBlock ? b.splat(0.0)
                                          : b.load(results, b.add(place, e)));
    });
    sums = b.forLoop(
        b.index(0), tile.countVisibleKeys(), 1, sums,
        [&](Value j, ValueRange current) {
          Value probability = b.broadcast(b.loadScalar(tile.getScores(), j));
          Value row = valueRows.getOffset(b, block.batch, block.head,
                                          b.add(firstKey, j));
          SmallVector<Value> next;
          forEachVector([&](int64_t e, int64_t count) {
            Value value = b.load(valueRows.getMemory(), b.add(row, column + e),
                                 lanes, count);
            next.push_back(b.fma(probability, value, current[next.size()]));
          });
          return next;
        });
    if (!shape.hasOneKeyBlock) {
      forEachVector([&](int64_t e, int64_t) {
        b.store(sums[e / lanes], results, b.add(place, e));
      });
      continue;
    }
    Value inverse = b.broadcast(b.loadScalar(results, b.index(0)));
    Value target = b.add(getResultOffset(block.queries.begin), column);
    forEachVector([&](int64_t e, int64_t count) {
      b.store(b.mulf(sums[e / lanes], inverse), resultRows.getMemory(),
              b.add(target, e), count);
    });
  }
}

void AttentionBuilder::writeResult(Value slot, Value query) {
  Value inverse = b.broadcast(tile.getInverseSum(slot));
  Value source = b.mul(slot, resultStride);
  Value target = getResultOffset(query);
  int64_t valueDim = op.getValueDim();
  for (int64_t e = 0; e < valueDim; e += b.lanes()) {
    Value elements = b.mulf(b.load(results, b.add(source, e)), inverse);
    b.store(elements, resultRows.getMemory(), b.add(target, e),
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
  Value threads = shareThreads(builder, heads, getThreads(op, builder));
  BlockRows blockRows = {kLeastQueries, op.getTilingAttr().getQueryBlock()};
  return builder.mul(heads,
                     countBlocks(builder, op.getQueries(), blockRows, threads));
}
