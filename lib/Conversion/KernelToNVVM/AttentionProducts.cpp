//===- AttentionProducts.cpp - Products of attention on a GPU -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionProducts.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

AttentionProducts::AttentionProducts(DeviceBuilder &builder,
                                     const AttentionBlock &block,
                                     const AttentionFactors &factors,
                                     Type element)
    : b(builder), block(block), factors(factors) {
  auto getRows = [&](bool exists, int64_t rows, int64_t columns,
                     int64_t stride) -> SharedRows {
    if (!exists)
      return {DevicePointer(), stride};
    if (!block.usesWarpgroups)
      return {b.getShared(rows * stride, element), stride};
    int64_t piece = rows * stride;
    return {b.getShared(llvm::divideCeil(columns, stride) * piece, element,
                        AttentionBlock::kSwizzledBytes),
            stride, piece};
  };
  int64_t stride = block.getFactorStride();
  queries = getRows(factors.queries.has_value(), block.queries, block.headDim,
                    stride);
  keys = getRows(factors.keys.has_value(), block.keys, block.headDim, stride);
  values = getRows(factors.values.has_value(), block.keys, block.valueDim,
                   block.getValueStride());
}

AttentionProducts::~AttentionProducts() = default;

Value AttentionProducts::getElement(int64_t vector) {
  int64_t width = block.getVectorWidth(), threads = block.getRowThreads();
  return b.add(b.mul(b.rem(b.getThread(), threads), width),
               vector * threads * width);
}

void AttentionProducts::clearPadding() {
  if (factors.queries) {
    clearColumns(b, queries, block.queries, block.headDim, block.getDepth());
    clearColumns(b, keys, block.keys, block.headDim, block.getDepth());
  }
  if (factors.values)
    clearColumns(b, values, block.keys, block.valueDim,
                 block.getResultColumns());
}

void AttentionProducts::finishCopies() { b.waitForCopies(0); }

void AttentionProducts::startQueries(Value item, Value head, Value first,
                                     Value end) {
  if (factors.queries)
    copyRows(b, *factors.queries, item, head, first, end, block.queries,
             queries);
}

void AttentionProducts::startKeys(Value item, Value head, Value first,
                                  Value end) {
  if (factors.keys)
    copyRows(b, *factors.keys, item, head, first, end, block.keys, keys);
}

void AttentionProducts::startValues(Value item, Value head, Value first,
                                    Value end, int64_t depth) {
  copyRows(b, *factors.values, item, head, first, end, depth, values);
}
