//===- GemmWarpgroup.cpp - Tiles multiplied by warpgroups -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma reads operands from shared memory by 8 rows of 16 bytes that lie in a
// piece, its core matrices: runs of 8 terms. Without swizzle the leading
// dimension of a K-major descriptor is k.
//
//===----------------------------------------------------------------------===//

#include "GemmWarpgroup.h"
#include "Warpgroup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;
/// Rows of a core matrix.
static constexpr int64_t kMatrixRows = 8;
/// Of the results a thread has two neighbours in each of two rows.
static constexpr int64_t kPair = 2, kRows = 2;

//===----------------------------------------------------------------------===//
// DeviceWarpgroupProduct
//===----------------------------------------------------------------------===//

DeviceWarpgroupProduct::DeviceWarpgroupProduct(DeviceBuilder &builder,
                                               const GemmTileShape &shape,
                                               DevicePointer lhs,
                                               DevicePointer weights)
    : b(builder), shape(shape) {
  // A warp has 16 rows; lane = 4 * g + t.
  Value firstRow =
      b.add(b.mul(b.getWarp(), kRows * kMatrixRows), b.div(b.getLane(), 4));
  for (int64_t r = 0; r < kRows; ++r)
    fragment.rows.push_back(b.add(firstRow, r * kMatrixRows));
  Value firstColumn = b.mul(b.rem(b.getLane(), 4), kPair);
  for (int64_t c = 0; c < shape.columns; c += 8)
    fragment.columns.push_back(b.add(firstColumn, c));
  fragment.width = kPair;
  Value warpgroup = b.div(b.getThread(), kWarpgroupThreads);
  Value rows = b.mul(warpgroup, kWarpgroupRows * shape.getRunWords());
  auto getDescriptor = [&](DevicePointer tile, int64_t runStride) {
    constexpr int64_t kWordBytes = sizeof(float);
    return getMatrixDescriptor(
        b, tile.address,
        {runStride * kWordBytes,
         kMatrixRows * shape.getRunWords() * kWordBytes});
  };
  this->lhs = getDescriptor(b.advance(lhs, rows), shape.getLhsRunStride());
  this->weights = getDescriptor(weights, shape.getWeightsStride());
}

SmallVector<Value> DeviceWarpgroupProduct::getZeros() const {
  return SmallVector<Value>(kRows * kPair * fragment.columns.size(),
                            b.scalar(0.0));
}

SmallVector<Value> DeviceWarpgroupProduct::multiply(Value stage, int64_t terms,
                                                    ValueRange init) const {
  constexpr int64_t kUnitWords = kDescriptorBytes / sizeof(float);
  auto advance = [&](Value descriptor, Value units) {
    return advanceDescriptor(b, descriptor, units);
  };
  Value lhs =
      advance(this->lhs, b.mul(stage, shape.getLhsWords() / kUnitWords));
  Value weights = advance(this->weights,
                          b.mul(stage, shape.getWeightsWords() / kUnitWords));
  SmallVector<Value> sums(init);
  startProducts(b);
  for (int64_t l = 0; l < terms; l += kWarpgroupTerms) {
    int64_t run = l / getPackedRun(shape.element);
    sums = multiplyAdd(
        b, shape.element,
        advance(lhs, b.index(run * shape.getLhsRunStride() / kUnitWords)),
        advance(weights, b.index(run * shape.getWeightsStride() / kUnitWords)),
        /*isTransposed=*/false, sums);
  }
  // Another warpgroup multiplies meanwhile.
  finishProducts(b);
  return sums;
}

Value DeviceWarpgroupProduct::getPair(ValueRange sums, int64_t row,
                                      int64_t column) const {
  return vector::FromElementsOp::create(
      b, b.vectorType(kPair),
      sums.slice((column * kRows + row) * kPair, kPair));
}

//===----------------------------------------------------------------------===//
// DeviceWeightRuns
//===----------------------------------------------------------------------===//

DeviceWeightRuns::DeviceWeightRuns(GemmOp op, DeviceBuilder &builder,
                                   const GemmTileShape &shape,
                                   const DeviceStages &stages)
    : b(builder), shape(shape), stages(stages), n(op.getN()),
      packedColumns(llvm::alignTo(n, kPackGranule)),
      packedRuns(llvm::alignTo(op.getK(), kPackGranule) /
                 getPackedRun(shape.element)),
      stepRuns(shape.getTerms() / getPackedRun(shape.element)),
      weights{b.getPointer(op.getWeights()).address, b.getF32Type()},
      words(b.getShared(shape.stages * shape.getWeightsWords(),
                        b.getF32Type())) {}

void DeviceWeightRuns::clear() const {
  int64_t used = packedColumns % shape.columns;
  if (used == 0)
    return;
  int64_t runWords = shape.getRunWords(), rest = shape.columns - used;
  Value zeros = b.splat(0.0, runWords);
  b.forLoop(b.getThread(), b.index(shape.stages * stepRuns * rest),
            b.getNumThreads(), [&](Value i) {
              Value column = b.add(b.rem(i, rest), used);
              Value offset =
                  b.add(b.mul(b.div(i, rest), shape.columns), column);
              b.store(zeros, words, b.mul(offset, runWords));
            });
  b.fenceForAsync();
}

void DeviceWeightRuns::copy(Value firstColumn, Value step, Value stage) const {
  int64_t runWords = shape.getRunWords(), runBytes = runWords * sizeof(float);
  Value firstRun = b.mul(step, stepRuns);
  Value numRuns = b.index(stepRuns), numColumns = b.index(shape.columns);
  if (packedRuns % stepRuns != 0)
    numRuns = b.min(numRuns, b.sub(b.index(packedRuns), firstRun));
  if (packedColumns % shape.columns != 0)
    numColumns = b.min(numColumns, b.sub(b.index(packedColumns), firstColumn));
  b.ifElse(
      b.equal(b.getLane(), 0),
      [&] {
        stages.arriveExpecting(stage,
                               b.mul(b.mul(numRuns, numColumns), runBytes));
      },
      nullptr);
  // A copy a run of each panel.
  int64_t numPanels = llvm::divideCeil(shape.columns, kPanelColumns);
  Value target = b.mul(stage, shape.getWeightsWords());
  Value firstPanel = b.div(firstColumn, kPanelColumns);
  b.forLoop(b.getLane(), b.index(numPanels * stepRuns), kWarpThreads,
            [&](Value i) {
              Value run = b.rem(i, stepRuns),
                    column = b.mul(b.div(i, stepRuns), kPanelColumns);
              Value panel = b.add(firstPanel, b.div(i, stepRuns));
              Value width = b.index(kPanelColumns);
              if (int64_t tail = packedColumns % kPanelColumns)
                width = b.select(b.less(panel, b.index(n / kPanelColumns)),
                                 width, b.index(tail));
              Value source = b.add(b.mul(panel, kPanelColumns * packedRuns),
                                   b.mul(b.add(firstRun, run), width));
              auto emit = [&] {
                Value place = b.add(b.mul(run, shape.columns), column);
                stages.copyBulk(
                    b.advance(words, b.add(target, b.mul(place, runWords))),
                    b.advance(weights, b.mul(source, runWords)),
                    b.mul(width, runBytes), stage);
              };
              Value isThere;
              if (packedRuns % stepRuns != 0)
                isThere = b.less(run, numRuns);
              if (packedColumns % shape.columns != 0) {
                Value isColumn = b.less(column, numColumns);
                isThere = isThere ? b.both(isThere, isColumn) : isColumn;
              }
              if (isThere)
                b.ifElse(isThere, emit, nullptr);
              else
                emit();
            });
}
