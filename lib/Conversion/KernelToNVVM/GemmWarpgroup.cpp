//===- GemmWarpgroup.cpp - Tiles multiplied by warpgroups -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma reads operands from shared memory by 8 rows of 16 bytes that lie in a
// piece, its core matrices: runs of 8 terms. PTX ISA 8.0, 9.7.14.5: pictures of
// the fragment of D for m64nNk16, and the matrix descriptor, K-major without
// swizzle, whose leading dimension is k.
//
//===----------------------------------------------------------------------===//

#include "GemmWarpgroup.h"

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
/// Terms of an instruction; rows of a core matrix.
static constexpr int64_t kTerms = 16, kMatrixRows = 8;
/// What descriptors count in; the bits of an address that they hold.
static constexpr int64_t kUnitBytes = 16, kAddressBits = 18;
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
  this->lhs =
      getDescriptor(b.advance(lhs, rows).address, shape.getLhsRunStride());
  this->weights = getDescriptor(weights.address, shape.getWeightsStride());
}

Value DeviceWarpgroupProduct::getDescriptor(Value address,
                                            int64_t runStride) const {
  constexpr int64_t kUnitWords = kUnitBytes / sizeof(float);
  int64_t strides = runStride / kUnitWords << 16 | kMatrixRows << 32;
  Value bytes = LLVM::PtrToIntOp::create(b, b.getI64Type(), address);
  Value start = LLVM::AndOp::create(
      b, bytes, b.integer((int64_t(1) << kAddressBits) - 1, 64));
  Value units =
      LLVM::LShrOp::create(b, start, b.integer(llvm::Log2_64(kUnitBytes), 64));
  return LLVM::OrOp::create(b, units, b.integer(strides, 64));
}

SmallVector<Value> DeviceWarpgroupProduct::getZeros() const {
  return SmallVector<Value>(kRows * kPair * fragment.columns.size(),
                            b.scalar(0.0));
}

SmallVector<Value> DeviceWarpgroupProduct::multiplyOnce(Value lhs,
                                                        Value weights,
                                                        ValueRange sums) const {
  size_t count = sums.size();
  std::string registers, written, read;
  for (size_t i = 0; i < count; ++i) {
    registers += llvm::formatv("{0}${1}", i == 0 ? "" : ", ", i);
    written += "=f,";
    read += llvm::formatv("{0},", i);
  }
  // Sums are added to; neither operand is negated or transposed.
  std::string text = llvm::formatv(
      "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} {{{2}}, ${3}, "
      "${4}, 1, 1, 1, 0, 0;",
      shape.columns, shape.element.isF16() ? "f16" : "bf16", registers,
      2 * count, 2 * count + 1);
  SmallVector<Value> operands(sums);
  operands.append({lhs, weights});
  Type type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, b.getF32Type()));
  Value product =
      LLVM::InlineAsmOp::create(
          b, type, operands, text, written + read + "l,l",
          /*has_side_effects=*/true, /*is_align_stack=*/false,
          LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
          .getResult(0);
  SmallVector<Value> results;
  for (size_t i = 0; i < count; ++i)
    results.push_back(
        LLVM::ExtractValueOp::create(b, product, static_cast<int64_t>(i)));
  return results;
}

SmallVector<Value> DeviceWarpgroupProduct::multiply(Value stage, int64_t terms,
                                                    ValueRange init) const {
  constexpr int64_t kUnitWords = kUnitBytes / sizeof(float);
  auto advance = [&](Value descriptor, Value units) {
    return LLVM::AddOp::create(b, descriptor, b.toInteger(units, 64));
  };
  Value lhs =
      advance(this->lhs, b.mul(stage, shape.getLhsWords() / kUnitWords));
  Value weights = advance(this->weights,
                          b.mul(stage, shape.getWeightsWords() / kUnitWords));
  SmallVector<Value> sums(init);
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t l = 0; l < terms; l += kTerms) {
    int64_t run = l / getPackedRun(shape.element);
    sums = multiplyOnce(
        advance(lhs, b.index(run * shape.getLhsRunStride() / kUnitWords)),
        advance(weights, b.index(run * shape.getWeightsStride() / kUnitWords)),
        sums);
  }
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  // Registers are written till then, of which LLVM does not know. Another
  // warpgroup multiplies meanwhile.
  NVVM::WgmmaWaitGroupSyncOp::create(b, /*group=*/0);
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
  stages.fenceForAsync();
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
