//===- TileProduct.cpp - Products of tiles in scratch memory --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileProduct.h"

using namespace mlir;
using namespace vitc::kernel;

/// Steps of the sum that one iteration computes: enough to hide the loop, few
/// enough that rows x unroll addresses fit the displacement of an instruction.
static constexpr int64_t kUnroll = 4;

namespace {

/// The product for a fixed number of rows.
class TileEmitter {
public:
  TileEmitter(VectorBuilder &builder, const TileProduct &product, int64_t rows)
      : b(builder), product(product), rows(rows) {}

  void emit() {
    int64_t panelVectors = product.panelColumns / b.lanes();
    Value fullPanels = b.div(product.vectors, panelVectors);
    b.forLoop(b.index(0), fullPanels, 1, [&](Value panel) {
      emitColumns(panel, b.index(0), panelVectors);
    });
    Value rest = b.rem(product.vectors, panelVectors);
    b.forLoop(b.index(0), rest, 1, [&](Value vector) {
      emitColumns(fullPanels, b.mul(vector, b.lanes()), 1);
    });
  }

private:
  /// Columns of `panel`, `vectors` of them from `column` on.
  void emitColumns(Value panel, Value column, int64_t vectors) {
    Value rhsBegin = b.add(b.mul(panel, product.panelSize), column);
    Value resultBegin = b.add(
        product.resultBegin, b.add(b.mul(panel, product.panelColumns), column));
    auto resultIndex = [&](int64_t row, int64_t j) {
      return b.add(resultBegin, row * product.resultStride + j * b.lanes());
    };

    SmallVector<Value> sums(rows * vectors);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < vectors; ++j)
        sums[row * vectors + j] =
            product.accumulate ? b.load(product.result, resultIndex(row, j))
                               : b.splat(0.0);

    Value unrolled = b.mul(b.div(product.depth, kUnroll), kUnroll);
    sums = b.forLoop(b.index(0), unrolled, kUnroll, sums,
                     [&](Value k, ValueRange sums) {
                       return multiply(rhsBegin, vectors, k, kUnroll, sums);
                     });
    sums = b.forLoop(unrolled, product.depth, 1, sums,
                     [&](Value k, ValueRange sums) {
                       return multiply(rhsBegin, vectors, k, 1, sums);
                     });

    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < vectors; ++j)
        b.store(sums[row * vectors + j], product.result, resultIndex(row, j));
  }

  /// Adds the products of steps [k, k + count) to `sums`.
  SmallVector<Value> multiply(Value rhsBegin, int64_t vectors, Value k,
                              int64_t count, ValueRange sums) {
    SmallVector<Value> result(sums);
    Value rhsIndex = b.add(rhsBegin, b.mul(k, product.panelColumns));
    for (int64_t step = 0; step < count; ++step) {
      SmallVector<Value> rhs;
      for (int64_t j = 0; j < vectors; ++j)
        rhs.push_back(b.load(
            product.rhs,
            b.add(rhsIndex, step * product.panelColumns + j * b.lanes())));
      for (int64_t row = 0; row < rows; ++row) {
        Value lhs = b.broadcast(b.loadScalar(
            product.lhs, b.add(k, row * product.lhsStride + step)));
        for (int64_t j = 0; j < vectors; ++j) {
          Value &sum = result[row * vectors + j];
          sum = b.fma(lhs, rhs[j], sum);
        }
      }
    }
    return result;
  }

  VectorBuilder &b;
  const TileProduct &product;
  int64_t rows;
};

} // namespace

/// Whether a row count has code of its own: the three largest, which an even
/// split of many rows asks for, and below these 1 and the even ones.
static bool hasCode(int64_t rows, int64_t maxRows) {
  return rows > maxRows - 3 || rows == 1 || rows % 2 == 0;
}

/// Emits code for `count` rows, or, where `rows` is no more than the largest of
/// the smaller counts, for one of these.
static void emitFirstFit(VectorBuilder &b, const TileProduct &product,
                         Value rows, int64_t count, ArrayRef<int64_t> smaller) {
  if (smaller.empty())
    return TileEmitter(b, product, count).emit();
  b.ifElse(
      b.less(b.index(smaller.back()), rows),
      [&] { TileEmitter(b, product, count).emit(); },
      [&] {
        emitFirstFit(b, product, rows, smaller.back(), smaller.drop_back());
      });
}

void vitc::kernel::emitTileProduct(VectorBuilder &builder,
                                   const TileProduct &product, Value rows,
                                   int64_t maxRows) {
  SmallVector<int64_t> smaller;
  for (int64_t count = 1; count < maxRows; ++count)
    if (hasCode(count, maxRows))
      smaller.push_back(count);
  emitFirstFit(builder, product, rows, maxRows, smaller);
}
