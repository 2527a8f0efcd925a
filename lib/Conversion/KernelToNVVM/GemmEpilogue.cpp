//===- GemmEpilogue.cpp - What a gemm does with its sums ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEpilogue.h"

using namespace mlir;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// DeviceGemmEpilogue
//===----------------------------------------------------------------------===//

DeviceGemmEpilogue::DeviceGemmEpilogue(GemmOp op, DeviceBuilder &builder,
                                       ColumnVectors vectors)
    : b(builder), activation(op.getActivation()),
      result(op, b, op.getInit(), op.getResultMap(), vectors) {
  if (op.getBias()) {
    // A vector of n columns.
    AffineMap map = AffineMap::get(
        /*dimCount=*/3, /*symbolCount=*/0,
        b.getAffineDimExpr(static_cast<unsigned>(GemmDim::Place)));
    bias.emplace(op, b, op.getBias(), map, vectors);
  }
  if (op.getResidual())
    residual.emplace(op, b, op.getResidual(), *op.getResidualMap(), vectors);
}

DeviceGemmEpilogue::Row
DeviceGemmEpilogue::startRow(const DeviceGemmRow &row) const {
  Row started = {result.startRow(row), std::nullopt};
  if (residual)
    started.residual = residual->startRow(row);
  return started;
}

DeviceGemmEpilogue::Column DeviceGemmEpilogue::startColumn(Value number) const {
  if (!bias)
    return {number, Value()};
  Value zero = b.index(0);
  return {number, bias->load(bias->startRow({zero, zero}), number)};
}

Value DeviceGemmEpilogue::finish(Value sums, const Row &row,
                                 const Column &column) const {
  if (column.bias)
    sums = b.addf(sums, column.bias);
  Value values = b.activation(activation, sums);
  if (residual)
    values = b.addf(values, residual->load(*row.residual, column.number));
  return values;
}

//===----------------------------------------------------------------------===//
// DeviceGemmStatistics
//===----------------------------------------------------------------------===//

DeviceGemmStatistics::DeviceGemmStatistics(GemmOp op, DeviceBuilder &builder,
                                           const DeviceFragment &fragment,
                                           int64_t blockColumns)
    : b(builder), n(op.getN()), blockColumns(blockColumns), fragment(fragment),
      statistics(b.getPointer(op.getStatistics())),
      firstRow(b.getShared(blockColumns, b.getF32Type())),
      parts(b.getShared(2 * fragment.numParts * blockColumns, b.getF32Type())) {
}

SmallVector<Value> DeviceGemmStatistics::getZeros() const {
  return SmallVector<Value>(2 * fragment.columns.size(),
                            b.splat(0.0, fragment.width));
}

SmallVector<Value> DeviceGemmStatistics::add(const DeviceGemmRows &rows,
                                             Value begin, ValueRange values,
                                             ValueRange init) const {
  size_t numColumns = fragment.columns.size();
  b.ifElse(
      b.equal(begin, rows.getBegin()),
      [&] {
        b.ifElse(
            b.equal(fragment.rows.front(), 0),
            [&] {
              for (auto [column, value] :
                   llvm::zip(fragment.columns, values.take_front(numColumns)))
                b.store(value, firstRow, column);
            },
            nullptr);
        b.barrier();
      },
      nullptr);
  SmallVector<Value> sums(init);
  Value zeros = b.splat(0.0, fragment.width);
  for (auto [c, column] : llvm::enumerate(fragment.columns)) {
    Value first = b.load(firstRow, column, fragment.width);
    Value &sum = sums[c], &squares = sums[numColumns + c];
    for (auto [r, row] : llvm::enumerate(fragment.rows)) {
      Value difference = b.subf(values[r * numColumns + c], first);
      difference =
          b.select(b.less(b.add(begin, row), rows.getEnd()), difference, zeros);
      sum = b.addf(sum, difference);
      squares = b.fma(difference, difference, squares);
    }
  }
  return sums;
}

void DeviceGemmStatistics::store(Value number, Value firstColumn,
                                 ValueRange sums) const {
  int64_t partElements = fragment.numParts * blockColumns;
  size_t numColumns = fragment.columns.size();
  Value own = b.mul(fragment.part, blockColumns);
  for (int64_t kind = 0; kind < 2; ++kind)
    for (auto [c, column] : llvm::enumerate(fragment.columns))
      b.store(sums[kind * numColumns + c], parts,
              b.add(b.add(own, column), kind * partElements));
  b.barrier();
  // Columns of the sums, then of the sums of squares.
  b.forLoop(b.getThread(), b.index(2 * blockColumns), b.getNumThreads(),
            [&](Value i) {
              Value kind = b.div(i, blockColumns),
                    column = b.rem(i, blockColumns);
              Value begin = b.add(b.mul(kind, partElements), column);
              Value sum = b.forLoop(
                  b.index(0), b.index(fragment.numParts), 1, b.scalar(0.0),
                  [&](Value part, ValueRange sum) -> SmallVector<Value> {
                    Value place = b.add(begin, b.mul(part, blockColumns));
                    return {b.addf(sum[0], b.load(parts, place))};
                  })[0];
              Value target = b.add(firstColumn, column);
              b.ifElse(
                  b.less(target, b.index(n)),
                  [&] {
                    Value row = b.mul(b.add(b.mul(number, 2), kind), n);
                    b.store(sum, statistics, b.add(row, target));
                  },
                  nullptr);
            });
}
