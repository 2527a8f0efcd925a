//===- GemmBlock.cpp - A gemm of a block of threads -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop over k holds sums, what is multiplied next, what the next stage gets
// of lhs unless it is copied there, and addresses; that over a norm's rows what
// it reads at once. The constants are such that
// ptxas 13.0 spills nothing on any architecture: test/Python/test_gpu_ptxas.py.
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/GemmBlock.h"
#include "vitc/Kernel/Multiprocessor.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
/// A multiprocessor's: schedulers, which have a part of its registers each,
/// those that a thread can have, and threads that are enough to keep it busy.
static constexpr int64_t kSchedulers = 4;
static constexpr int64_t kMostRegisters = 255, kGranule = 8;
static constexpr int64_t kEnoughThreads = 512;
static constexpr int64_t kWordBytes = 4;
/// Words that a thread copies at once.
static constexpr int64_t kVectorWords = 4;

// Registers of a thread.
static constexpr int64_t kOfAddress = 2;
/// Two indices, what they are compared with, and the answers.
static constexpr int64_t kOfBounds = 10;
/// Counters, strides, predicates.
static constexpr int64_t kOfLoop = 12;
/// Panels of two widths.
static constexpr int64_t kOfTail = 16;
/// Weights of each item.
static constexpr int64_t kOfItem = 8;
/// The first row of a column, two sums, and what is added to them.
static constexpr int64_t kOfStatistics = 6;

/// Elements of lhs that lie side by side, a power of two up to a vector's.
int64_t GemmBlock::getLhsWidth(GemmOp op) {
  constexpr unsigned kPlace = 2;
  auto width = static_cast<int64_t>(
      llvm::MinAlign(kVectorWords, static_cast<uint64_t>(op.getK())));
  op.getLhsMap().walkExprs([&](AffineExpr expr) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!binary || !isa<AffineDimExpr>(binary.getLHS()) ||
        !binary.getLHS().isFunctionOfDim(kPlace))
      return;
    if (auto by = dyn_cast<AffineConstantExpr>(binary.getRHS()))
      width = static_cast<int64_t>(llvm::MinAlign(width, by.getValue()));
  });
  return width;
}

/// Whether a row of lhs lies in one piece.
static bool isPlain(GemmOp op) {
  return op.getLhsMap().isProjectedPermutation(/*allowZeroInResults=*/true);
}

/// Of rows whose norm is computed.
static int64_t countNorm(GemmOp op) {
  int64_t width = GemmBlock::getLhsWidth(op);
  auto k = static_cast<int64_t>(op.getK());
  int64_t vectors = GemmBlock::countNormVectors(k, width);
  int64_t ofVector = width + (isPlain(op) ? 0 : 2 * kOfAddress);
  // Some lanes read nothing of the last ones.
  if (k % (vectors * width * kWarpThreads) != 0)
    ofVector += kOfAddress;
  return vectors * GemmBlock::kNormRows * ofVector;
}

int64_t GemmBlock::getTermsOfWord(GemmOp op) {
  Type element = getElementTypeOrSelf(op.getWeights());
  return kWordBytes / vit::WeightExprAttr::getStoredElementBytes(element);
}

/// Of a step of lhs: addresses, and elements on their way to shared memory.
int64_t GemmBlock::countLhsRegisters(GemmOp op, int64_t elements) {
  Type type = getElementTypeOrSelf(op.getLhs());
  int64_t width = getLhsWidth(op);
  int64_t bytes = vit::WeightExprAttr::getStoredElementBytes(type);
  int64_t ofVector = kOfAddress;
  if (!isPlain(op))
    ofVector += kOfAddress;
  if (op.getZeroOutside())
    ofVector += kOfBounds;
  int64_t registers = llvm::divideCeil(elements, width) * ofVector;
  bool isCopied = type == getElementTypeOrSelf(op.getWeights()) &&
                  !op.transformsElements() && !op.getNorm() &&
                  width * bytes >= kWordBytes;
  if (!isCopied)
    registers +=
        elements * std::max<int64_t>(1, bytes * width / kWordBytes) / width;
  if (op.getLhsScale())
    registers += 2 * width;
  return registers;
}

int64_t GemmBlock::countNormVectors(int64_t k, int64_t width) {
  constexpr int64_t kMost = 8;
  int64_t vectors = llvm::divideCeil(k, kWarpThreads * width);
  return llvm::divideCeil(vectors, llvm::divideCeil(vectors, kMost));
}

GemmBlock::GemmBlock(GemmOp op, GemmTilingAttr tiling) {
  bool isF32 = getElementTypeOrSelf(op.getWeights()).isF32();
  int64_t rows = tiling.getRows(), columns = tiling.getColumns();
  int64_t blockColumns = tiling.getPanels() * kPanelColumns;
  threads = tiling.getRowBlock() / rows * (blockColumns / columns) *
            (isF32 ? 1 : kWarpThreads);
  // Of f32 vectors of each row and a term's columns; else what the
  // instructions of 8 words of terms take, which a warp's threads share.
  int64_t sums = rows * columns, factors = kVectorWords * rows + columns;
  int64_t ownColumns = columns;
  if (!isF32) {
    sums /= kWarpThreads;
    factors = (rows + columns) * 8 / kWarpThreads;
    ownColumns = columns / 4;
  }
  int64_t weightWords = tiling.getKBlock() / getTermsOfWord(op) * blockColumns;
  registers = sums + factors + kOfLoop +
              weightWords / kVectorWords / threads * kOfAddress +
              countLhsRegisters(op, tiling.getRowBlock() * tiling.getKBlock() /
                                        threads);
  if (static_cast<int64_t>(op.getN()) % blockColumns != 0)
    registers += kOfTail;
  // ptxas makes one of two steps and loads all that it multiplies at first.
  if (isF32 && static_cast<int64_t>(op.getK()) <= 2 * tiling.getKBlock())
    registers += tiling.getKBlock() * (rows + columns);
  if (cast<ShapedType>(op.getWeights().getType()).getRank() == 2)
    registers += kOfItem;
  if (op.getStatistics())
    registers += kOfStatistics * ownColumns;
  if (op.getNorm())
    registers = std::max(registers, countNorm(op) + kOfLoop);
}

int64_t GemmBlock::countResident() const {
  if (registers > kMostRegisters)
    return 0;
  int64_t ofWarp = llvm::alignTo(registers, kGranule) * kWarpThreads;
  int64_t warps = kMultiprocessorRegisters / kSchedulers / ofWarp * kSchedulers;
  return std::clamp<int64_t>(warps * kWarpThreads / threads, 1,
                             std::max<int64_t>(1, kEnoughThreads / threads));
}
