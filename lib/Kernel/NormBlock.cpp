//===- NormBlock.cpp - Norms of a block of threads ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/NormBlock.h"

#include "vitc/Kernel/Multiprocessor.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace vitc::kernel;

/// Channels of the wider of both types in a vector, a power of two that divides
/// the row.
static int64_t getWidth(NormOp op) {
  int64_t bytes = 1;
  for (Value operand : {op.getInput(), op.getInit()})
    bytes = std::max(bytes, vitc::vit::WeightExprAttr::getStoredElementBytes(
                                getElementTypeOrSelf(operand)));
  return static_cast<int64_t>(llvm::MinAlign(
      kVectorBytes / bytes, static_cast<uint64_t>(op.getChannels())));
}

NormBlock::NormBlock(NormOp op)
    : width(getWidth(op)),
      lanes(static_cast<int64_t>(op.getChannels()) / width) {}

int64_t NormBlock::getThreads(int64_t rows) const {
  return llvm::alignTo(rows * lanes.lanes, kWarpThreads);
}
