//===- Gemm.cpp - Matrix products -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a task computes, and the loops around the micro-tiles of GemmTile.cpp.
// Tasks are numbered along the groups of panels of a block of rows first, so
// that a thread's next task reads the panel that was prefetched.
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"
#include "MathApproximation.h"
#include "TaskBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;

/// Weights that stay in an L2 of 1 MiB beside the rows they are multiplied by.
static constexpr int64_t kCachedWeightBytes = 640 << 10;
/// The least rows of a block of a run with many threads: two micro-tiles, or
/// as many as take longer than reading the weights from memory.
static constexpr int64_t kLeastRowsCached = 12;
static constexpr int64_t kLeastRows = 48;
/// How far before its use a single row's weights are asked for: a page of 4
/// KiB, behind whose end processors do not fetch ahead of their own. Measured
/// with weights of 4 MB from memory: 5 % faster than without, as 8 KiB is not.
/// Of two lines one is asked for, and comes with the other. Measured with 20 MB
/// from L3: 67 GB/s, 58 with each line and 70 with none, which is slower from
/// memory on pages of 4 KiB, 20 GB/s instead of 22.
static constexpr int64_t kRowPrefetchValues = 1024;
static constexpr int64_t kRowPrefetchLines = 2;

bool vitc::kernel::isCutByItem(GemmOp op) {
  return hasWeightsPerItem(op) || op.getStatistics();
}

/// Whether a run may multiply one row of one item, as a decoder's step does,
/// and registers hold its sums of a panel.
static bool mayBeOneRow(GemmOp op, int64_t lanes) {
  return !isCutByItem(op) && getConstant(op.getRows()) == 1 &&
         kPanelColumns <= kOneRowVectors * lanes;
}

static int64_t countPanels(GemmOp op) {
  return llvm::divideCeil(op.getN(), kPanelColumns);
}

/// Groups that the panels of a block of rows are cut into, one a task.
static int64_t countGroups(GemmOp op) {
  return llvm::divideCeil(countPanels(op), op.getTiling()->getPanels());
}

static MatrixRows getLhsRows(GemmOp op, KernelBuilder &b) {
  return MatrixRows(b, op.getLhs(), op.getLhsMap(), op.getBatch(), op.getRows(),
                    op.getTiling()->getRows());
}

GemmEmitter::GemmEmitter(GemmOp op, KernelBuilder &builder)
    : op(op), b(builder), tiling(*op.getTiling()), n(op.getN()), k(op.getK()),
      packedK(llvm::alignTo(k, kPackGranule)),
      weights(b.getFlat(op.getWeights())), bias(b.getFlat(op.getBias())),
      prologue(GemmPrologue::isNeeded(op)
                   ? std::make_optional<GemmPrologue>(op, b)
                   : std::nullopt),
      lhs(prologue ? prologue->getRows() : getLhsRows(op, b)),
      result(b, op.getInit(), op.getResultMap(), op.getBatch(), op.getRows(),
             tiling.getRows()) {
  if (op.getResidual())
    residual.emplace(b, op.getResidual(), *op.getResidualMap(), op.getBatch(),
                     op.getRows(), tiling.getRows());
  // ReLU is one instruction a vector.
  if (op.getActivation() != vitc::vit::Activation::None &&
      op.getActivation() != vitc::vit::Activation::Relu)
    scratch =
        b.getScratch(std::max(tiling.getRows() * tiling.getColumns(),
                              mayBeOneRow(op, b.lanes()) ? kPanelColumns : 0));
  statistics = b.getFlat(op.getStatistics());
}

void GemmEmitter::emit() {
  int64_t numGroups = countGroups(op);
  Value group = b.rem(b.getTask(), numGroups);
  Value block = b.div(b.getTask(), numGroups);
  Rows rows = isCutByItem(op) ? startItem(block) : getRows(block);
  if (prologue)
    emitPrologue(rows, group);
  Value begin = b.mul(group, tiling.getPanels());
  Value end = b.min(b.add(begin, tiling.getPanels()), b.index(countPanels(op)));
  emitPanels(rows, begin, end);
}

/// The task before has left the copy of the same rows, unless it belongs to
/// another block of rows or ran in another range.
void GemmEmitter::emitPrologue(Rows rows, Value group) {
  Value isFirst = b.equal(b.getTask(), b.getFirstTask());
  Value isNewBlock = b.equal(group, 0);
  b.ifElse(
      arith::OrIOp::create(b, isFirst, isNewBlock),
      [&] { prologue->emit(rows.begin, rows.end); }, nullptr);
}

void GemmEmitter::emitPanels(Rows rows, Value begin, Value end) {
  int64_t numFullPanels = n / kPanelColumns, tailColumns = n % kPanelColumns;
  if (numFullPanels != 0)
    b.forLoop(begin, b.min(end, b.index(numFullPanels)), 1, [&](Value panel) {
      emitPanel(rows, panel, kPanelColumns, kPanelColumns);
    });
  if (tailColumns == 0)
    return;
  b.ifElse(
      b.less(b.index(numFullPanels), end),
      [&] {
        emitPanel(rows, b.index(numFullPanels),
                  llvm::alignTo(tailColumns, kPackGranule), tailColumns);
      },
      nullptr);
}

/// A thread may read all of the weights for a few rows where they stay in its
/// L2; from memory it should not for less than it computes meanwhile.
static BlockRows getBlockRows(GemmOp op) {
  int64_t weightBytes = op.getN() * op.getK() * sizeof(float);
  return {weightBytes <= kCachedWeightBytes ? kLeastRowsCached : kLeastRows,
          op.getTiling()->getRowBlock()};
}

/// A block of the rows of all items of the batch.
GemmEmitter::Rows GemmEmitter::getRows(Value block) {
  Value numRows = b.mul(b.get(op.getBatch()), b.get(op.getRows()));
  Value numBlocks = b.div(b.getNumTasks(), countGroups(op));
  return {getBlockBegin(b, block, numBlocks, numRows),
          getBlockBegin(b, b.add(block, 1), numBlocks, numRows)};
}

GemmEmitter::Rows GemmEmitter::startItem(Value block) {
  Value numRows = b.get(op.getRows());
  Value numBlocks =
      b.div(b.getNumTasks(), b.mul(b.get(op.getBatch()), countGroups(op)));
  if (statistics)
    chunkStatistics = b.mul(block, 2 * n);
  Value item = b.div(block, numBlocks);
  block = b.rem(block, numBlocks);
  if (hasWeightsPerItem(op))
    itemWeights =
        b.mul(item, cast<MemRefType>(op.getWeights().getType()).getDimSize(1));
  Value firstRow = b.mul(item, numRows);
  Rows rows = {
      b.add(firstRow, getBlockBegin(b, block, numBlocks, numRows)),
      b.add(firstRow, getBlockBegin(b, b.add(block, 1), numBlocks, numRows))};
  if (statistics)
    chunkRow = {result.getOffsetOf(rows.begin), 0};
  return rows;
}

void GemmEmitter::emitPanel(Rows rows, Value number, int64_t width,
                            int64_t columns) {
  Panel panel = {b.mul(number, kPanelColumns),
                 b.mul(number, kPanelColumns * packedK), width, columns};
  if (itemWeights)
    panel.weights = b.add(panel.weights, itemWeights);
  auto emitRow = [&] { emitOneRow(panel); };
  auto emitRows = [&] { emitBlocks(rows, panel); };
  if (!mayBeOneRow(op, b.lanes()))
    return emitRows();
  if (getConstant(op.getBatch()) == 1)
    return emitRow();
  b.ifElse(b.equal(b.get(op.getBatch()), 1), emitRow, emitRows);
}

GemmEmitter::Strip GemmEmitter::getStrip(const Panel &panel, Value column,
                                         int64_t numColumns) {
  Strip strip;
  strip.column = b.add(panel.column, column);
  strip.weights = b.add(panel.weights, column);
  strip.weightsStride = panel.width;
  strip.numColumns = numColumns;
  strip.prefetchLines = llvm::divideCeil(numColumns, kCacheLineValues);
  strip.prefetchStep = kCacheLineValues;
  return strip;
}

/// Behind the last strip of a panel comes the first one of the next block of K,
/// or of the next panel, which follows in memory.
Value GemmEmitter::getNextStrip(const Panel &panel, const Strip &strip,
                                Value column, const KBlock &block) {
  int64_t lastColumn = panel.columns - strip.numColumns;
  Value beside = b.index(strip.numColumns);
  auto getDistance = [&]() -> Value {
    if (lastColumn % tiling.getColumns() != 0)
      return beside;
    Value blockEnd = b.index(packedK);
    if (block.isLast)
      blockEnd = b.select(block.isLast, blockEnd, block.end);
    Value behind =
        b.add(b.mul(b.sub(blockEnd, block.begin), panel.width), -lastColumn);
    if (std::optional<int64_t> known = getConstant(column))
      return *known == lastColumn ? behind : beside;
    return b.select(b.equal(column, lastColumn), behind, beside);
  };
  return b.add(strip.weights, getDistance());
}

void GemmEmitter::emitBlocks(Rows rows, const Panel &panel) {
  int64_t stripColumns = tiling.getColumns();
  int64_t restBegin = panel.columns / stripColumns * stripColumns;
  auto emitStrips = [&](const KBlock &block) {
    auto emitColumns = [&](Value column, int64_t numColumns) {
      Strip strip = getStrip(panel, column, numColumns);
      strip.prefetched = getNextStrip(panel, strip, column, block);
      emitStrip(rows, strip, block);
    };
    if (restBegin == stripColumns)
      emitColumns(b.index(0), stripColumns);
    else if (restBegin != 0)
      b.forLoop(b.index(0), b.index(restBegin), stripColumns,
                [&](Value column) { emitColumns(column, stripColumns); });
    if (restBegin != panel.columns)
      emitColumns(b.index(restBegin), panel.columns - restBegin);
  };

  int64_t numBlocks = llvm::divideCeil(k, tiling.getKBlock());
  if (numBlocks == 1)
    return emitStrips({b.index(0), b.index(k), Value(), Value()});
  int64_t blockSize =
      llvm::alignTo(llvm::divideCeil(k, numBlocks), tiling.getUnroll());
  b.forLoop(b.index(0), b.index(k), blockSize, [&](Value begin) {
    Value end = b.min(b.add(begin, blockSize), b.index(k));
    emitStrips({begin, end, b.equal(begin, 0), b.equal(end, k)});
  });
}

void GemmEmitter::emitOneRow(const Panel &panel) {
  Value tile = b.index(0), row = b.index(0), numRows = b.index(1);
  lhs.startTile(row, numRows);
  result.startTile(row, numRows);
  if (residual)
    residual->startTile(row, numRows);
  Strip strip = getStrip(panel, b.index(0), panel.columns);
  strip.prefetched = b.add(strip.weights, kRowPrefetchValues);
  strip.prefetchLines =
      llvm::divideCeil(strip.prefetchLines, kRowPrefetchLines);
  strip.prefetchStep *= kRowPrefetchLines;
  emitTile(/*numRows=*/1, tile, strip,
           {b.index(0), b.index(k), Value(), Value()});
  if (scratch)
    emitEpilogue(numRows, tile, strip);
}

void GemmEmitter::emitStrip(Rows rows, const Strip &strip,
                            const KBlock &block) {
  // count rows are numLarge tiles of r rows and the others of r - 1: no tile is
  // much smaller than the registers allow.
  Value count = b.sub(rows.end, rows.begin);
  Value numTiles = b.ceilDiv(count, tiling.getRows());
  Value r = b.ceilDiv(count, numTiles);
  Value numSmall = b.sub(b.mul(numTiles, r), count);
  Value numLarge = b.sub(numTiles, numSmall);

  b.forLoop(b.index(0), numTiles, 1, [&](Value tile) {
    Value isLarge = b.less(tile, numLarge);
    Value numRows = b.select(isLarge, r, b.sub(r, b.index(1)));
    Value skipped = b.select(isLarge, b.index(0), b.sub(tile, numLarge));
    Value row = b.add(rows.begin, b.sub(b.mul(tile, r), skipped));
    lhs.startTile(prologue ? b.sub(row, rows.begin) : row, numRows);
    result.startTile(row, numRows);
    if (residual)
      residual->startTile(row, numRows);

    SmallVector<int64_t> cases =
        llvm::to_vector(llvm::seq<int64_t>(1, tiling.getRows()));
    auto bodies = scf::IndexSwitchOp::create(b, TypeRange(), numRows, cases,
                                             cases.size());
    auto emitBody = [&](Region &region, int64_t numRows) {
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&region);
      emitTile(numRows, tile, strip, block);
      scf::YieldOp::create(b);
    };
    for (auto [region, numRows] : llvm::zip(bodies.getCaseRegions(), cases))
      emitBody(region, numRows);
    emitBody(bodies.getDefaultRegion(), tiling.getRows());

    if (!scratch)
      return;
    auto epilogue = [&] { emitEpilogue(numRows, tile, strip); };
    if (block.isLast)
      b.ifElse(block.isLast, epilogue, nullptr);
    else
      epilogue();
  });
}

static LogicalResult checkTiling(GemmOp op, CpuAttr cpu) {
  GemmTilingAttr tiling = *op.getTiling();
  if (std::min({tiling.getRows(), tiling.getKBlock(), tiling.getUnroll(),
                tiling.getRowBlock(), tiling.getPanels()}) < 1)
    return op.emitOpError() << "has tiling " << tiling
                            << "; rows, kBlock, unroll, rowBlock and panels "
                               "are 1 or more";
  int64_t columns = tiling.getColumns(), lanes = cpu.getLanes();
  if (lanes < 1 || lanes > kPackGranule || columns < 1 ||
      columns > kPanelColumns || columns % lanes != 0)
    return op.emitOpError()
           << "has tiles of " << columns << " columns and " << lanes
           << " lanes; needs a multiple of up to " << kPackGranule
           << " lanes, at most " << kPanelColumns;
  Type init = getElementTypeOrSelf(op.getInit());
  if (!init.isF32() && tiling.getKBlock() < static_cast<int64_t>(op.getK()))
    return op.emitOpError()
           << "has init of " << init << " and blocks of " << tiling.getKBlock()
           << " terms, whose sums are kept there; needs one "
              "block of "
           << op.getK();
  if (!op.getStatistics())
    return success();
  std::optional<int64_t> rows = getConstant(op.getRows());
  if (!rows)
    return op.emitOpError("has statistics of a runtime number of rows; needs a "
                          "constant one");
  int64_t chunkRows = llvm::divideCeil(*rows, *op.getNumChunks());
  if (tiling.getRowBlock() < chunkRows)
    return op.emitOpError() << "has blocks of " << tiling.getRowBlock()
                            << " rows and statistics of chunks of up to "
                            << chunkRows << "; a block holds a chunk";
  return success();
}

static LogicalResult checkGemm(GemmOp op, CpuAttr cpu) {
  if (failed(checkTiling(op, cpu)))
    return failure();
  enum : unsigned { kColumn = 2 };
  auto check = [&](Value operand, AffineMap map, StringRef name) {
    return Access(map, cast<MemRefType>(operand.getType()))
        .requireUnitStride(op, name, kColumn, "n");
  };
  if (failed(check(op.getInit(), op.getResultMap(), "init")))
    return failure();
  if (op.getResidual() &&
      failed(check(op.getResidual(), *op.getResidualMap(), "residual")))
    return failure();
  return success();
}

FailureOr<KernelFunction> vitc::kernel::buildGemm(GemmOp op,
                                                  KernelContext &context) {
  if (failed(checkGemm(op, context.cpu)))
    return failure();
  KernelBuilder builder(op, getGemmName(op), context);
  GemmEmitter(op, builder).emit();
  KernelFunction kernel = builder.finish();
  if (failed(expandHalfCasts(kernel.function, context.cpu)))
    return op.emitOpError("has casts that do not end as instructions");
  return kernel;
}

Value vitc::kernel::countGemmTasks(GemmOp op, VectorBuilder &builder) {
  BlockRows blockRows = getBlockRows(op);
  Value threads = getThreads(op, builder);
  Value batch = op.getBatch(), rows = op.getRows();
  Value numBlocks;
  if (std::optional<int64_t> chunks = op.getNumChunks()) {
    // Its statistics must not depend on the number of threads.
    numBlocks = builder.mul(batch, *chunks);
  } else if (hasWeightsPerItem(op)) {
    Value threadsPerItem =
        builder.ceilDiv(threads, builder.max(batch, builder.index(1)));
    numBlocks = builder.mul(
        batch, countBlocks(builder, rows, blockRows, threadsPerItem));
  } else {
    numBlocks =
        countBlocks(builder, builder.mul(batch, rows), blockRows, threads);
  }
  return builder.mul(numBlocks, countGroups(op));
}
