//===- GemmAccess.cpp - Where a gemm's operands lie -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmAccess.h"

#include "../KernelToVector/ElementLoop.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr auto kPlace = static_cast<unsigned>(GemmDim::Place);

//===----------------------------------------------------------------------===//
// SplitIndex
//===----------------------------------------------------------------------===//

SplitIndex::SplitIndex(AffineExpr index) {
  AffineExpr zero = getAffineConstantExpr(0, index.getContext());
  ofRow = rest = zero;
  SmallVector<AffineExpr> sums = {index};
  while (!sums.empty()) {
    AffineExpr term = sums.pop_back_val();
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(term);
        sum && sum.getKind() == AffineExprKind::Add)
      sums.append({sum.getRHS(), sum.getLHS()});
    else if (term.isFunctionOfDim(kPlace))
      rest = rest + term;
    else
      ofRow = ofRow + term;
  }
}

Value SplitIndex::startRow(DeviceBuilder &b, const DeviceGemmRow &row) const {
  return b.apply(ofRow, {row.item, row.row, b.index(0)});
}

Value SplitIndex::at(DeviceBuilder &b, const DeviceGemmRow &row, Value start,
                     Value place) const {
  return b.add(start, b.apply(rest, {row.item, row.row, place}));
}

int64_t vitc::kernel::getVectorWidth(AffineExpr offset, int64_t size,
                                     int64_t most) {
  Run run = getRun(offset, kPlace, size);
  if (run.stride != 1)
    return 1;
  AffineExpr place = getAffineDimExpr(kPlace, offset.getContext());
  int64_t width = most;
  while (run.size % width != 0 ||
         !simplifyAffineExpr(offset.replace(place, place * width),
                             /*numDims=*/3, /*numSymbols=*/0)
              .isMultipleOf(width))
    width /= 2;
  return width;
}

//===----------------------------------------------------------------------===//
// DeviceColumns
//===----------------------------------------------------------------------===//

DeviceColumns::DeviceColumns(GemmOp op, DeviceBuilder &b, Value operand,
                             AffineMap map, ColumnVectors vectors)
    : b(b), pointer(b.getPointer(operand)), n(op.getN()), width(vectors.width),
      overhangs(n % vectors.block != 0) {
  AffineExpr whole =
      Access(map, cast<MemRefType>(operand.getType())).getOffset();
  offset = SplitIndex(whole);
  isVector = getVectorWidth(whole, n, width) == width;
}

DeviceColumns::Row DeviceColumns::startRow(const DeviceGemmRow &row) const {
  return {row, offset.startRow(b, row)};
}

Value DeviceColumns::loadAt(const Row &row, Value column, int64_t count) const {
  // Instead of columns behind the last one the first are read.
  if (overhangs)
    column = b.select(b.less(column, b.index(n)), column, b.index(0));
  return b.extend(
      b.load(pointer, offset.at(b, row.row, row.start, column), count));
}

Value DeviceColumns::load(const Row &row, Value column) const {
  if (isVector)
    return loadAt(row, column, width);
  SmallVector<Value> elements;
  for (int64_t e = 0; e < width; ++e)
    elements.push_back(loadAt(row, b.add(column, e), 1));
  return vector::FromElementsOp::create(b, b.vectorType(width), elements);
}

void DeviceColumns::storeAt(Value value, const Row &row, Value column) const {
  auto emit = [&] {
    b.store(b.roundTo(value, pointer.element), pointer,
            offset.at(b, row.row, row.start, column));
  };
  if (overhangs)
    b.ifElse(b.less(column, b.index(n)), emit, nullptr);
  else
    emit();
}

void DeviceColumns::store(Value value, const Row &row, Value column) const {
  if (isVector)
    return storeAt(value, row, column);
  for (int64_t e = 0; e < width; ++e)
    storeAt(vector::ExtractOp::create(b, value, e), row, b.add(column, e));
}
