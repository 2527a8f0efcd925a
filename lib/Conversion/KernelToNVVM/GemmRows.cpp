//===- GemmRows.cpp - The rows that a block of a gemm computes ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmRows.h"

#include "../KernelToVector/ElementLoop.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "vitc/Kernel/GemmBlock.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// DeviceGemmRows
//===----------------------------------------------------------------------===//

Value DeviceGemmRows::countBlocks(GemmOp op, VectorBuilder &builder) {
  Value batch = op.getBatch(), rows = op.getRows();
  if (std::optional<int64_t> chunks = op.getNumChunks())
    return builder.mul(batch, *chunks);
  int64_t rowBlock = op.getTiling()->getRowBlock();
  if (hasWeightsPerItem(op))
    return builder.mul(batch, builder.ceilDiv(rows, rowBlock));
  return builder.ceilDiv(builder.mul(batch, rows), rowBlock);
}

DeviceGemmRows::DeviceGemmRows(GemmOp op, DeviceBuilder &builder, Value number)
    : b(builder), rowsOfItem(b.get(op.getRows())),
      isOneItem(getConstant(op.getBatch()) == 1) {
  Value rows = rowsOfItem;
  int64_t rowBlock = op.getTiling()->getRowBlock();
  if (std::optional<int64_t> chunks = op.getNumChunks()) {
    item = b.div(number, *chunks);
    Value chunk = b.rem(number, *chunks);
    begin = b.div(b.mul(chunk, rows), *chunks);
    end = b.div(b.mul(b.add(chunk, 1), rows), *chunks);
    return;
  }
  if (hasWeightsPerItem(op)) {
    Value blocks = b.ceilDiv(rows, rowBlock);
    item = b.div(number, blocks);
    number = b.rem(number, blocks);
    end = rows;
  } else {
    end = b.mul(b.get(op.getBatch()), rows);
  }
  begin = b.mul(number, rowBlock);
}

DeviceGemmRow DeviceGemmRows::at(Value m) const {
  m = b.min(m, b.sub(end, b.index(1)));
  if (item)
    return {item, m};
  if (isOneItem)
    return {b.index(0), m};
  return {b.div(m, rowsOfItem), b.rem(m, rowsOfItem)};
}

Value vitc::kernel::getNormFactor(VectorBuilder &b, vit::NormAttr norm,
                                  Value variance) {
  double epsilon = norm.getEpsilon().getValueAsDouble();
  Value deviation =
      math::SqrtOp::create(b, b.addf(variance, b.scalar(epsilon)));
  return b.divf(b.scalar(1.0), deviation);
}

//===----------------------------------------------------------------------===//
// DeviceRowNorms
//===----------------------------------------------------------------------===//

DeviceRowNorms::DeviceRowNorms(GemmOp op, DeviceBuilder &builder, int64_t count)
    : b(builder), k(op.getK()), count(count), norm(op.getNormAttr()),
      factors(b.getShared(count, b.getF32Type())) {
  if (!norm.getRms())
    means = b.getShared(count, b.getF32Type());
}

SmallVector<Value> DeviceRowNorms::loadElements(const DeviceGemmLhs &lhs,
                                                ArrayRef<RowState> rows,
                                                Value begin, int64_t size) {
  int64_t width = lhs.getMaxWidth();
  SmallVector<DeviceGemmLhs::Place> places;
  for (int64_t l = 0; l < size; l += kWarpThreads * width) {
    Value place = b.add(b.add(begin, l), b.mul(b.getLane(), width));
    Value isDeep;
    if (k % size != 0)
      isDeep = b.less(place, b.index(k));
    places.push_back({place, isDeep});
  }
  // All are under way before the first is used.
  SmallVector<Value> loaded;
  for (const RowState &row : rows)
    for (const DeviceGemmLhs::Place &place : places)
      loaded.push_back(lhs.load(row.row, place, width));
  Value *value = loaded.begin();
  for (const RowState &row : rows)
    for (const DeviceGemmLhs::Place &place : places) {
      *value = lhs.transform(*value, row.row, place, width);
      if (row.mean) {
        Value mean = broadcastElements(b, row.mean, width);
        *value = b.subf(*value, mean);
        if (place.isDeep)
          *value = b.select(place.isDeep, *value, b.constantLike(0.0, *value));
      }
      ++value;
    }
  return loaded;
}

SmallVector<Value> DeviceRowNorms::sumRows(const DeviceGemmLhs &lhs,
                                           ArrayRef<RowState> rows,
                                           function_ref<Value(Value)> term) {
  int64_t width = lhs.getMaxWidth();
  int64_t size = GemmBlock::countNormVectors(k, width) * width * kWarpThreads;
  Value zero = width == 1 ? b.scalar(0.0) : b.splat(0.0, width);
  SmallVector<Value> sums = b.forLoop(
      b.index(0), b.index(k), size, SmallVector<Value>(rows.size(), zero),
      [&](Value begin, ValueRange init) {
        SmallVector<Value> sums(init);
        SmallVector<Value> elements = loadElements(lhs, rows, begin, size);
        size_t perRow = elements.size() / rows.size();
        for (auto [i, element] : llvm::enumerate(elements))
          sums[i / perRow] = b.addf(sums[i / perRow], term(element));
        return sums;
      });
  for (Value &sum : sums)
    sum = b.sumOverLanes(width == 1 ? sum : b.reduceAdd(sum));
  return sums;
}

void DeviceRowNorms::emit(const DeviceGemmLhs &lhs, const DeviceGemmRows &rows,
                          Value begin) {
  Value perElement = b.scalar(1.0 / double(k));
  int64_t numWarps = b.getNumWarps();
  constexpr int64_t kRows = GemmBlock::kNormRows;
  int64_t atOnce = count % (kRows * numWarps) == 0 ? kRows : 1;
  b.forLoop(b.getWarp(), b.index(count), atOnce * numWarps, [&](Value r) {
    SmallVector<RowState> states;
    for (int64_t i = 0; i < atOnce; ++i) {
      Value own = b.add(r, i * numWarps);
      states.push_back(
          {own, lhs.startRow(rows.at(b.add(begin, own))), Value()});
    }
    // Every lane stores the same.
    if (means) {
      SmallVector<Value> sums =
          sumRows(lhs, states, [](Value elements) { return elements; });
      for (auto [state, sum] : llvm::zip(states, sums)) {
        state.mean = b.mulf(sum, perElement);
        b.store(state.mean, means, state.number);
      }
    }
    SmallVector<Value> squares = sumRows(lhs, states, [&](Value elements) {
      return b.mulf(elements, elements);
    });
    for (auto [state, sum] : llvm::zip(states, squares))
      b.store(getNormFactor(b, norm, b.mulf(sum, perElement)), factors,
              state.number);
  });
  b.barrier();
}

void DeviceRowNorms::load(DeviceGemmLhs::Row &row, Value r) const {
  if (means)
    row.mean = b.load(means, r);
  row.factor = b.load(factors, r);
}
