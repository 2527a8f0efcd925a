//===- GemmWarpgroupLoop.cpp - A gemm by warpgroups -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tensor cores of a multiprocessor are never without work: of a block's
// warpgroups the first brings what the others multiply, steps ahead and beyond
// the end of a tile, and of registers leaves them most.
//
//===----------------------------------------------------------------------===//

#include "GemmWarpgroup.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;
/// Registers of a thread that copies, of one that changes elements, of one that
/// has read their rows for a norm before, and of any at most; of one that
/// multiplies, beside its sums. With them ptxas 13.0 spills nothing:
/// test/Python/test_gpu_ptxas.py.
static constexpr int64_t kCopyingRegisters = 80, kChangingRegisters = 120,
                         kNormingRegisters = 136, kMostRegisters = 240,
                         kMultiplyingRegisters = 56;
/// Of a thread when a kernel starts: where two blocks of two warpgroups share a
/// multiprocessor, and where a block of two or three has one.
static constexpr int64_t kSharingRegisters = 128, kOwnRegisters = 168;
/// Barriers of those who fill stages, of those who empty them.
static constexpr int64_t kFillingBarrier = 1, kMultiplyingBarrier = 2;
/// Runs are words apart that let a warp store those of a few rows in different
/// banks: a run more for steps of 64 terms, 2 for 32.
static constexpr int64_t kPaddedTerms = 64;

static int64_t countWarpgroups(GemmOp op) {
  return op.getTiling()->getRowBlock() / kWarpgroupRows;
}

bool DeviceWarpgroupEmitter::isTiled(GemmOp op) {
  GemmTilingAttr tiling = *op.getTiling();
  Type element = getElementTypeOrSelf(op.getWeights());
  return (element.isF16() || element.isBF16()) &&
         tiling.getRows() == kWarpgroupRows &&
         tiling.getColumns() == tiling.getPanels() * kPanelColumns;
}

int64_t DeviceWarpgroupEmitter::countThreads(GemmOp op) {
  return (1 + countWarpgroups(op)) * kWarpgroupThreads;
}

/// Whether two blocks share a multiprocessor: they have one warpgroup that
/// multiplies, whose registers suffice beside those that copying rows takes at
/// most.
static bool sharesMultiprocessor(GemmOp op) {
  int64_t filling = op.getNorm() ? kNormingRegisters : kChangingRegisters;
  int64_t sums =
      op.getTiling()->getColumns() * kWarpgroupRows / kWarpgroupThreads;
  return countWarpgroups(op) == 1 &&
         filling + sums + kMultiplyingRegisters <= 2 * kSharingRegisters;
}

int64_t DeviceWarpgroupEmitter::getRegisters(GemmOp op) {
  return sharesMultiprocessor(op) ? kSharingRegisters : kOwnRegisters;
}

int64_t DeviceWarpgroupEmitter::countResidentBlocks(GemmOp op) {
  return sharesMultiprocessor(op) ? 2 * kHopperMultiprocessors
                                  : kHopperMultiprocessors;
}

static GemmTileShape getShape(GemmOp op) {
  GemmTilingAttr tiling = *op.getTiling();
  GemmTileShape shape;
  shape.stages = tiling.getUnroll();
  shape.rows = tiling.getRowBlock();
  shape.columns = std::min<int64_t>(tiling.getColumns(),
                                    llvm::alignTo(op.getN(), kPackGranule));
  shape.element = getElementTypeOrSelf(op.getWeights());
  shape.depth = tiling.getKBlock() / shape.getTermsOfWord();
  shape.isOfRuns = true;
  shape.lhsPadding = shape.getRunWords() *
                     std::max<int64_t>(1, kPaddedTerms / tiling.getKBlock());
  return shape;
}

DeviceWarpgroupEmitter::DeviceWarpgroupEmitter(GemmOp op,
                                               DeviceBuilder &builder)
    : op(op), b(builder), shape(getShape(op)),
      numWarpgroups(countWarpgroups(op)),
      numSteps(llvm::divideCeil(op.getK(), shape.getTerms())),
      // Each thread that fills a stage arrives, and once who copies weights.
      stages(b, shape.stages, kWarpgroupThreads + 1, numWarpgroups),
      weights(op, b, shape, stages) {}

void DeviceWarpgroupEmitter::emit() {
  stages.init();
  weights.clear();
  b.barrier();
  b.ifElse(
      b.less(b.getThread(), b.index(kWarpgroupThreads)),
      [&] {
        DeviceBuilder::Team team(b, /*first=*/0, kWarpgroupThreads,
                                 kFillingBarrier);
        emitFilling();
      },
      [&] {
        DeviceBuilder::Team team(b, kWarpgroupThreads,
                                 numWarpgroups * kWarpgroupThreads,
                                 kMultiplyingBarrier);
        emitMultiplying();
      });
}

void DeviceWarpgroupEmitter::setRegisters(int64_t registers) {
  int64_t given = getRegisters(op);
  if (registers != given)
    NVVM::SetMaxRegisterOp::create(b, registers,
                                   registers < given
                                       ? NVVM::SetMaxRegisterAction::decrease
                                       : NVVM::SetMaxRegisterAction::increase);
}

SmallVector<Value> DeviceWarpgroupEmitter::forTiles(
    ValueRange inits,
    function_ref<SmallVector<Value>(const Tile &, ValueRange)> body) {
  int64_t columnBlocks = llvm::divideCeil(op.getN(), shape.columns);
  Value rows = b.mul(b.get(op.getBatch()), b.get(op.getRows()));
  Value numTiles = b.mul(b.ceilDiv(rows, shape.rows), columnBlocks);
  Value numBlocks = b.getNumBlocks();
  Value count = b.ceilDiv(b.sub(numTiles, b.getBlock()), numBlocks);
  return b.forLoop(
      b.index(0), count, 1, inits, [&](Value i, ValueRange carried) {
        Value number = b.add(b.getBlock(), b.mul(i, numBlocks));
        Tile tile = {b.div(number, columnBlocks),
                     b.mul(b.rem(number, columnBlocks), shape.columns)};
        return body(tile, carried);
      });
}

//===----------------------------------------------------------------------===//
// Filling
//===----------------------------------------------------------------------===//

void DeviceWarpgroupEmitter::emitFilling() {
  DeviceLhsTiles lhs(op, b, shape);
  lhsWords = lhs.getWords();
  fillingRegisters = lhs.areCopied() ? kCopyingRegisters
                     : op.getNorm()  ? kNormingRegisters
                                     : kChangingRegisters;
  setRegisters(fillingRegisters);
  if (lhs.areCopied())
    fillByCopies(lhs);
  else
    fillByElements(lhs);
}

void DeviceWarpgroupEmitter::startTile(DeviceLhsTiles &lhs, const Tile &tile) {
  DeviceGemmRows rows(op, b, tile.rowBlock);
  // Nobody needs the means of the rows before any more.
  if (op.getNorm())
    b.barrier();
  lhs.start(rows, rows.getBegin());
}

void DeviceWarpgroupEmitter::copyWeights(const Tile &tile, Value step,
                                         Value stage) {
  b.ifElse(
      b.equal(b.getWarp(), 0),
      [&] { weights.copy(tile.firstColumn, step, stage); }, nullptr);
}

void DeviceWarpgroupEmitter::fillByCopies(DeviceLhsTiles &lhs) {
  // Half of the stages are under way, half are full.
  Value lag = b.index(shape.stages / 2);
  SmallVector<Value> inits = stages.getFirst().getValues();
  inits.push_back(b.index(0));
  SmallVector<Value> last =
      forTiles(inits, [&](const Tile &tile, ValueRange carried) {
        startTile(lhs, tile);
        return b.forLoop(
            b.index(0), b.index(numSteps), 1, carried,
            [&](Value step, ValueRange carried) {
              auto position = DeviceStages::Position::get(carried);
              Value underWay = carried.back();
              stages.waitUntilEmpty(position);
              copyWeights(tile, step, position.stage);
              lhs.load(b.mul(step, shape.getTerms()), position.stage);
              b.commitCopies();
              Value isSteady = b.equal(underWay, lag);
              b.ifElse(
                  isSteady,
                  [&] {
                    b.waitForCopies(shape.stages / 2);
                    b.fenceForAsync();
                    stages.arriveFull(stages.getBefore(position.stage, lag));
                  },
                  nullptr);
              SmallVector<Value> next = stages.getNext(position).getValues();
              next.push_back(b.select(isSteady, underWay, b.add(underWay, 1)));
              return next;
            });
      });
  b.waitForCopies(0);
  b.fenceForAsync();
  Value underWay = last.back();
  b.forLoop(b.index(0), underWay, 1, [&](Value i) {
    stages.arriveFull(stages.getBefore(last.front(), b.sub(underWay, i)));
  });
}

void DeviceWarpgroupEmitter::fillByElements(DeviceLhsTiles &lhs) {
  forTiles(
      stages.getFirst().getValues(), [&](const Tile &tile, ValueRange carried) {
        startTile(lhs, tile);
        SmallVector<Value> inits(carried);
        llvm::append_range(inits, lhs.load(b.index(0), b.index(0)));
        SmallVector<Value> last = b.forLoop(
            b.index(0), b.index(numSteps), 1, inits,
            [&](Value step, ValueRange carried) {
              auto position = DeviceStages::Position::get(carried);
              // Behind the last step it is loaded again.
              Value next = b.min(b.add(step, 1), b.index(numSteps - 1));
              SmallVector<Value> loaded =
                  lhs.load(b.mul(next, shape.getTerms()), position.stage);
              stages.waitUntilEmpty(position);
              copyWeights(tile, step, position.stage);
              lhs.store(carried.drop_front(2), b.mul(step, shape.getTerms()),
                        position.stage);
              b.fenceForAsync();
              stages.arriveFull(position.stage);
              SmallVector<Value> results = stages.getNext(position).getValues();
              llvm::append_range(results, loaded);
              return results;
            });
        last.truncate(carried.size());
        return last;
      });
}

//===----------------------------------------------------------------------===//
// Multiplying
//===----------------------------------------------------------------------===//

void DeviceWarpgroupEmitter::emitMultiplying() {
  int64_t registers =
      (getRegisters(op) * (1 + numWarpgroups) - fillingRegisters) /
      numWarpgroups;
  setRegisters(
      std::min<int64_t>(kMostRegisters, llvm::alignDown(registers, 8)));
  DeviceWarpgroupProduct product(b, shape, lhsWords, weights.getWords());
  Value isFirst = b.equal(b.rem(b.getThread(), kWarpgroupThreads), 0);
  auto multiply = [&](ValueRange carried, int64_t terms) {
    auto position = DeviceStages::Position::get(carried);
    stages.waitUntilFull(position);
    SmallVector<Value> sums =
        product.multiply(position.stage, terms, carried.drop_front(2));
    b.ifElse(isFirst, [&] { stages.arriveEmpty(position.stage); }, nullptr);
    SmallVector<Value> next = stages.getNext(position).getValues();
    llvm::append_range(next, sums);
    return next;
  };
  int64_t packedK = llvm::alignTo(op.getK(), kPackGranule);
  int64_t wholeSteps = packedK / shape.getTerms();
  int64_t rest = packedK % shape.getTerms();
  forTiles(stages.getFirst().getValues(),
           [&](const Tile &tile, ValueRange carried) {
             SmallVector<Value> state(carried);
             llvm::append_range(state, product.getZeros());
             // A loop of one step would hide that its sums are zeros.
             if (wholeSteps == 1)
               state = multiply(state, shape.getTerms());
             else if (wholeSteps > 1)
               state = b.forLoop(b.index(0), b.index(wholeSteps), 1, state,
                                 [&](Value, ValueRange carried) {
                                   return multiply(carried, shape.getTerms());
                                 });
             if (rest != 0)
               state = multiply(state, rest);
             emitResults(product, tile, ArrayRef(state).drop_front(2));
             state.truncate(carried.size());
             return state;
           });
}

void DeviceWarpgroupEmitter::emitResults(const DeviceWarpgroupProduct &product,
                                         const Tile &tile, ValueRange sums) {
  const DeviceFragment &fragment = product.getFragment();
  DeviceGemmRows rows(op, b, tile.rowBlock);
  DeviceGemmEpilogue epilogue(op, b, {fragment.width, shape.columns});
  for (size_t r = 0; r < fragment.rows.size(); ++r) {
    Value m = b.add(rows.getBegin(), fragment.rows[r]);
    DeviceGemmEpilogue::Row row = epilogue.startRow(rows.at(m));
    b.ifElse(
        b.less(m, rows.getEnd()),
        [&] {
          for (auto [c, inTile] : llvm::enumerate(fragment.columns)) {
            DeviceGemmEpilogue::Column column =
                epilogue.startColumn(b.add(tile.firstColumn, inTile));
            Value values =
                epilogue.finish(product.getPair(sums, r, c), row, column);
            epilogue.store(values, row, column);
          }
        },
        nullptr);
  }
}
