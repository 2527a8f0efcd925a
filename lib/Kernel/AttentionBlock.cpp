//===- AttentionBlock.cpp - Attention of a block of threads ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/AttentionBlock.h"

#include "mlir/IR/TypeUtilities.h"
#include "vitc/Kernel/Multiprocessor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

AttentionBlock::AttentionBlock(AttentionTilingAttr tiling, int64_t headDim,
                               int64_t valueDim, int64_t factorBytes)
    : rows(tiling.getRows()), columns(tiling.getColumns()),
      queries(tiling.getQueryBlock()), keys(tiling.getKeyBlock()),
      headDim(headDim), valueDim(valueDim) {
  usesWarpgroups = factorBytes == kWarpgroupBytes && rows == kWarpgroupRows &&
                   columns == keys && queries % kWarpgroupRows == 0 &&
                   keys % kTensorSize == 0 && keys <= kMaxWarpgroupColumns &&
                   valueDim <= kMaxWarpgroupColumns;
  if (usesWarpgroups) {
    rows = kTensorRows;
    columns = keys / kTensorRowThreads;
  }
  bool isTensorTile = rows == kTensorRows &&
                      keys == columns * kTensorRowThreads &&
                      queries % kTensorSize == 0 && keys % kTensorSize == 0;
  tensorBytes = isTensorTile ? factorBytes : 0;
}

bool AttentionBlock::isValid() const {
  if (rows < 1 || columns < 1 || queries < 1 || keys < 1 ||
      queries % rows != 0 || keys % columns != 0 || keys % kSharedVector != 0)
    return false;
  int64_t threads = getThreads();
  return threads % kWarpThreads == 0 && threads <= kMaxBlockThreads &&
         (hasOneQuery() || hasTiles());
}

bool AttentionBlock::hasTiles() const {
  int64_t rowThreads = getRowThreads();
  return llvm::isPowerOf2_64(rowThreads) && rowThreads >= kSharedVector &&
         rowThreads <= kWarpThreads;
}

int64_t AttentionBlock::getDepth() const {
  return llvm::alignTo(headDim,
                       usesTensorCores() ? kTensorSize : kSharedVector);
}

int64_t AttentionBlock::getValueDepth(int64_t count) const {
  return llvm::alignTo(count, usesTensorCores() ? kTensorSize : kSharedVector);
}

int64_t AttentionBlock::getColumns(int64_t count) const {
  return llvm::divideCeil(usesTensorCores() ? getValueDepth(count) : count,
                          getRowThreads());
}

int64_t AttentionBlock::getFactorStride() const {
  int64_t depth = getDepth();
  if (usesWarpgroups)
    return kSwizzledColumns;
  if (usesTensorCores())
    return depth + getTensorPadding();
  return depth / kSharedVector % 2 == 0 ? depth + kSharedVector : depth;
}

int64_t AttentionBlock::getScoreStride() const {
  // Parts of the banks, each for the threads of a row: rows of an odd number of
  // parts begin in different ones.
  int64_t rowThreads = getRowThreads();
  return rowThreads == kWarpThreads || columns % 2 != 0 ? keys
                                                        : keys + rowThreads;
}

int64_t AttentionBlock::getVectorWidth() const {
  if (usesTensorCores())
    return 2;
  int64_t best = 1;
  auto getPadded = [&](int64_t width) {
    return llvm::alignTo(valueDim, width * getRowThreads());
  };
  for (int64_t width : {2, 4})
    if (valueDim % width == 0 && getPadded(width) <= getPadded(best))
      best = width;
  return best;
}

int64_t AttentionBlock::getVectors() const {
  if (usesTensorCores())
    return llvm::alignTo(valueDim, kTensorSize) /
           (getVectorWidth() * getRowThreads());
  return llvm::divideCeil(valueDim, getVectorWidth() * getRowThreads());
}

int64_t AttentionBlock::getResultColumns() const {
  return getVectors() * getVectorWidth() * getRowThreads();
}

int64_t AttentionBlock::getValueStride() const {
  if (usesWarpgroups)
    return kSwizzledColumns;
  if (usesTensorCores())
    return getResultColumns() + getTensorPadding();
  return llvm::alignTo(getResultColumns(), kSharedVector);
}

int64_t AttentionBlock::getSharedBytes() const {
  if (usesWarpgroups) {
    int64_t factor = llvm::alignTo(headDim, kSwizzledColumns);
    int64_t value = llvm::alignTo(valueDim, kSwizzledColumns);
    return ((queries + keys) * factor + keys * value) * tensorBytes +
           kSwizzledBytes; // to begin at a multiple
  }
  if (usesTensorCores())
    return ((queries + keys) * getFactorStride() + keys * getValueStride()) *
           tensorBytes;
  int64_t floats;
  if (hasOneQuery())
    // Scores; of each warp a maximum, a sum and results.
    floats = keys + getThreads() / kWarpThreads * (valueDim + 2);
  else
    floats = (queries + keys) * getFactorStride() + keys * getValueStride() +
             queries * getScoreStride();
  return floats * static_cast<int64_t>(sizeof(float));
}

int64_t vitc::kernel::getTensorFactorBytes(AttentionOp op) {
  Type type = getElementTypeOrSelf(op.getValue());
  bool isTaken = op.getQuery() &&
                 (type.isF16() || type.isBF16() || type.isTF32()) &&
                 getElementTypeOrSelf(op.getQuery()) == type &&
                 getElementTypeOrSelf(op.getKey()) == type;
  return isTaken ? vit::WeightExprAttr::getStoredElementBytes(type) : 0;
}
