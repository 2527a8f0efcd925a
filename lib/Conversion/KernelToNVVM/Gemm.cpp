//===- Gemm.cpp - Matrix products -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whether a gemm's tiling is one that code is there for, and its kernel's name,
// threads and number of blocks. Blocks of the same rows are neighbours in the
// grid: what they read of lhs comes from memory once, and the weights stay in
// L2.
//
//===----------------------------------------------------------------------===//

#include "../KernelToVector/SharedKernels.h"
#include "GemmEmitter.h"
#include "GemmWarpgroup.h"
#include "Kernels.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "vitc/Kernel/GemmBlock.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;
/// What a size of a tile may be: more than any block's memory holds.
static constexpr int64_t kMaxSize = 1024;
/// Terms of a few rows in shared memory, likewise.
static constexpr int64_t kMaxTerms = 1 << 20;
/// Words that a thread copies at once.
static constexpr int64_t kVectorWords = 4;
/// Columns of an instruction of a warpgroup.
static constexpr int64_t kMostWarpgroupColumns = 256;

/// Whether a thread has all rows of its block.
static bool isOfFewRows(GemmOp op) {
  return op.getTiling()->getRowBlock() <= DeviceFewRowsEmitter::kMaxRows;
}

static bool isPowerOf2(int64_t value) {
  return value > 0 && value <= kMaxSize &&
         llvm::isPowerOf2_64(static_cast<uint64_t>(value));
}

static LogicalResult checkFewRowsTiling(GemmOp op) {
  GemmTilingAttr tiling = *op.getTiling();
  if (tiling.getRows() < 1 || tiling.getRows() != tiling.getRowBlock() ||
      !isPowerOf2(tiling.getColumns()) || tiling.getColumns() < kVectorWords ||
      tiling.getColumns() > kPanelColumns || tiling.getKBlock() < 1 ||
      tiling.getKBlock() > kMaxTerms || tiling.getKBlock() % kPackGranule != 0)
    return op.emitOpError()
           << "has tiling " << tiling << "; threads of a block of up to "
           << DeviceFewRowsEmitter::kMaxRows
           << " rows have them all, and share 4 to 64 columns, a power of two, "
              "and a multiple of 16 terms";
  if (op.getStatistics())
    return op.emitOpError() << "has statistics and tiling " << tiling
                            << "; needs threads that share a block's rows";
  if (op.getNorm() && tiling.getKBlock() < static_cast<int64_t>(op.getK()))
    return op.emitOpError()
           << "normalises rows of " << op.getK() << " elements in blocks of "
           << tiling.getKBlock() << "; needs one block";
  return success();
}

static LogicalResult checkTileTiling(GemmOp op) {
  GemmTilingAttr tiling = *op.getTiling();
  auto reject = [&](const Twine &needed) {
    return op.emitOpError()
           << "has tiling " << tiling << " and weights of "
           << getElementTypeOrSelf(op.getWeights()) << "; needs " << needed;
  };
  bool isF32 = getElementTypeOrSelf(op.getWeights()).isF32();
  for (int64_t size :
       {tiling.getRows(), tiling.getColumns(), tiling.getKBlock(),
        tiling.getRowBlock(), tiling.getPanels()})
    if (!isPowerOf2(size))
      return reject("powers of two up to " + Twine(kMaxSize));
  if (tiling.getUnroll() < 2 || tiling.getUnroll() > kMaxSize)
    return reject("2 or more steps in shared memory");
  int64_t columns = tiling.getPanels() * kPanelColumns;
  // A warp's threads, as they share tiles; a step of k.
  int64_t leastRows = isF32 ? 4 * tiling.getRows() : 16;
  int64_t leastColumns = isF32 ? 8 * tiling.getColumns() : 8;
  int64_t termsOfWord = GemmBlock::getTermsOfWord(op);
  int64_t leastWords = isF32 ? kVectorWords : 8;
  if (tiling.getColumns() < (isF32 ? kVectorWords : 8) ||
      (!isF32 && tiling.getRows() < 16))
    return reject(isF32 ? "4 columns or more"
                        : "16 rows and 8 columns or more");
  if (tiling.getRowBlock() < leastRows || columns < leastColumns ||
      tiling.getColumns() > columns ||
      tiling.getKBlock() < leastWords * termsOfWord)
    return reject("blocks of a warp's rows and columns, and " +
                  Twine(leastWords) + " words of terms");
  int64_t threads = DeviceTileProduct::countThreads(op);
  int64_t words = tiling.getKBlock() / termsOfWord;
  int64_t columnsOfVector = isF32 ? kVectorWords : 1;
  if (threads < columns / columnsOfVector || threads > kMaxBlockThreads ||
      words * columns < kVectorWords * threads ||
      tiling.getRowBlock() * tiling.getKBlock() < threads ||
      threads < tiling.getKBlock())
    return reject("as many threads as copy a step's tiles in vectors of 4 "
                  "words, up to " +
                  Twine(kMaxBlockThreads));
  return success();
}

static LogicalResult checkWarpgroupTiling(GemmOp op,
                                          vitc::kernel::GpuAttr gpu) {
  GemmTilingAttr tiling = *op.getTiling();
  auto reject = [&](const Twine &needed) {
    return op.emitOpError()
           << "has tiling " << tiling << ", of warpgroups; needs " << needed;
  };
  // Instructions that a generation of GPUs alone has.
  if (gpu.getArch() != "sm_90a")
    return reject("sm_90a, not " + gpu.getArch().getValue());
  if (tiling.getRowBlock() != kWarpgroupRows &&
      tiling.getRowBlock() != 2 * kWarpgroupRows)
    return reject("64 or 128 rows a block");
  if (tiling.getPanels() < 1 || tiling.getColumns() > kMostWarpgroupColumns)
    return reject("1 to 4 panels");
  if (!isPowerOf2(tiling.getKBlock()) || tiling.getKBlock() < kPackGranule ||
      tiling.getKBlock() > kWarpgroupThreads)
    return reject("a power of two of 16 to 128 terms a step");
  if (tiling.getUnroll() < 2 || tiling.getUnroll() > kMaxSize)
    return reject("2 to " + Twine(kMaxSize) + " steps in shared memory");
  if (op.getStatistics() || hasWeightsPerItem(op))
    return reject("one matrix of weights and no statistics");
  return success();
}

static LogicalResult checkGemm(GemmOp op, vitc::kernel::GpuAttr gpu) {
  for (Value operand : {op.getLhs(), op.getLhsScale(), op.getWeights(),
                        op.getBias(), op.getResidual(), op.getInit()}) {
    if (!operand)
      continue;
    Type element = getElementTypeOrSelf(operand);
    if (!element.isF32() && !element.isTF32() && !element.isF16() &&
        !element.isBF16())
      return op.emitOpError() << "has an operand of type " << operand.getType()
                              << "; needs f32, tf32, f16 or bf16";
  }
  if (DeviceWarpgroupEmitter::isTiled(op))
    return checkWarpgroupTiling(op, gpu);
  return isOfFewRows(op) ? checkFewRowsTiling(op) : checkTileTiling(op);
}

FailureOr<DeviceKernel> vitc::kernel::buildDeviceGemm(GemmOp op,
                                                      DeviceContext &context) {
  if (failed(checkGemm(op, context.gpu)))
    return failure();
  bool ofFewRows = isOfFewRows(op);
  bool ofWarpgroups = DeviceWarpgroupEmitter::isTiled(op);
  int64_t threads = ofFewRows      ? DeviceFewRowsEmitter::kThreads
                    : ofWarpgroups ? DeviceWarpgroupEmitter::countThreads(op)
                                   : DeviceTileProduct::countThreads(op);
  DeviceBuilder builder(op, getGemmName(op), threads, context);
  if (ofWarpgroups)
    DeviceWarpgroupEmitter(op, builder).emit();
  else if (ofFewRows)
    DeviceFewRowsEmitter(op, builder).emit();
  else
    DeviceGemmEmitter(op, builder).emit();
  int64_t resident = 1;
  if (ofFewRows)
    resident = DeviceFewRowsEmitter::kResident;
  else if (!ofWarpgroups)
    resident = GemmBlock(op, *op.getTiling()).countResident();
  DeviceKernel kernel = builder.finish(std::max<int64_t>(1, resident));
  if (ofWarpgroups) {
    // Its warpgroups change what they have.
    kernel.function->removeAttr(NVVM::NVVMDialect::getMinctasmAttrName());
    kernel.function->setAttr(
        NVVM::NVVMDialect::getMaxnregAttrName(),
        builder.getI32IntegerAttr(DeviceWarpgroupEmitter::getRegisters(op)));
  }
  auto shared = kernel.function->getAttrOfType<IntegerAttr>(
      KernelDialect::kSharedBytesAttr);
  if (shared.getInt() > context.gpu.getSharedBytes())
    return op.emitOpError()
           << "needs " << shared.getInt() << " bytes of shared memory a block; "
           << context.gpu << " has " << context.gpu.getSharedBytes();
  return kernel;
}

Value vitc::kernel::countDeviceGemmBlocks(GemmOp op, VectorBuilder &builder) {
  GemmTilingAttr tiling = *op.getTiling();
  int64_t columns = isOfFewRows(op) ? tiling.getColumns()
                                    : tiling.getPanels() * kPanelColumns;
  Value blocks = builder.mul(DeviceGemmRows::countBlocks(op, builder),
                             llvm::divideCeil(op.getN(), columns));
  if (!DeviceWarpgroupEmitter::isTiled(op))
    return blocks;
  int64_t resident = DeviceWarpgroupEmitter::countResidentBlocks(op);
  return builder.min(blocks, builder.index(resident));
}
