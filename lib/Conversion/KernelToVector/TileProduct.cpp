//===- TileProduct.cpp - Products of tiles in scratch memory --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileProduct.h"
#include "Kernels.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// Steps of the sum that one iteration computes: enough to hide the loop, few
/// enough that rows x unroll addresses fit the displacement of an instruction.
static constexpr int64_t kUnroll = 4;

/// The narrowest vectors that have registers.
static constexpr int64_t kLeastLanes = 4;

namespace {

/// The product for a fixed number of rows.
class TileEmitter {
public:
  TileEmitter(VectorBuilder &builder, const TileProduct &product, int64_t rows)
      : b(builder), product(product), rows(rows) {}

  void emit() {
    std::optional<int64_t> columns = getConstant(product.columns);
    std::optional<int64_t> rest =
        columns ? *columns % product.panelColumns : product.lastColumns;
    if (!rest)
      return emitAnyColumns();
    Value fullPanels = b.div(product.columns, product.panelColumns);
    emitPanels(fullPanels);
    if (*rest == 0)
      return;
    auto emitRest = [&] { emitColumns(fullPanels, b.index(0), *rest); };
    if (columns)
      return emitRest();
    Value begin = b.mul(fullPanels, product.panelColumns);
    b.ifElse(b.less(begin, product.columns), emitRest, nullptr);
  }

private:
  void emitPanels(Value count) {
    b.forLoop(b.index(0), count, 1, [&](Value panel) {
      emitColumns(panel, b.index(0), product.panelColumns);
    });
  }

  /// What is beyond whole panels, vector by vector.
  void emitAnyColumns() {
    int64_t panelVectors = product.panelColumns / b.lanes();
    Value vectors = b.ceilDiv(product.columns, b.lanes());
    Value fullPanels = b.div(vectors, panelVectors);
    emitPanels(fullPanels);
    b.forLoop(b.index(0), b.rem(vectors, panelVectors), 1, [&](Value vector) {
      emitColumns(fullPanels, b.mul(vector, b.lanes()), b.lanes());
    });
  }

  /// The vectors of `count` columns: the last is as narrow as it can be.
  SmallVector<int64_t> getWidths(int64_t count) {
    SmallVector<int64_t> widths(count / b.lanes(), b.lanes());
    if (int64_t rest = count % b.lanes())
      widths.push_back(
          std::max(kLeastLanes, int64_t(llvm::PowerOf2Ceil(rest))));
    return widths;
  }

  /// Columns of `panel`, `count` of them from `column` on.
  void emitColumns(Value panel, Value column, int64_t count) {
    SmallVector<int64_t> widths = getWidths(count);
    int64_t vectors = widths.size();
    Value rhsBegin = b.add(b.mul(panel, product.panelSize), column);
    Value firstColumn = b.add(b.mul(panel, product.panelColumns), column);
    Value resultBegin = b.add(product.resultBegin, firstColumn);
    auto resultIndex = [&](int64_t row, int64_t j) {
      return b.add(resultBegin, row * product.resultStride + j * b.lanes());
    };

    SmallVector<Value> sums(rows * vectors);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < vectors; ++j)
        sums[row * vectors + j] =
            product.accumulate
                ? b.load(product.result, resultIndex(row, j), widths[j])
                : b.splat(0.0, widths[j]);

    Value unrolled = b.mul(b.div(product.depth, kUnroll), kUnroll);
    sums = b.forLoop(b.index(0), unrolled, kUnroll, sums,
                     [&](Value k, ValueRange sums) {
                       return multiply(rhsBegin, widths, k, kUnroll, sums);
                     });
    sums = b.forLoop(unrolled, product.depth, 1, sums,
                     [&](Value k, ValueRange sums) {
                       return multiply(rhsBegin, widths, k, 1, sums);
                     });

    for (int64_t row = 0; row < rows; ++row) {
      ArrayRef<Value> rowSums = ArrayRef(sums).slice(row * vectors, vectors);
      if (product.write) {
        product.write(row, firstColumn, rowSums, count);
        continue;
      }
      for (auto [j, sum] : llvm::enumerate(rowSums))
        b.store(sum, product.result, resultIndex(row, j));
    }
  }

  /// Adds the products of steps [k, k + count) to `sums`.
  SmallVector<Value> multiply(Value rhsBegin, ArrayRef<int64_t> widths, Value k,
                              int64_t count, ValueRange sums) {
    SmallVector<Value> result(sums);
    Value rhsIndex = b.add(rhsBegin, b.mul(k, product.panelColumns));
    for (int64_t step = 0; step < count; ++step) {
      SmallVector<Value> rhs;
      for (auto [j, width] : llvm::enumerate(widths))
        rhs.push_back(
            b.load(product.rhs,
                   b.add(rhsIndex, step * product.panelColumns + j * b.lanes()),
                   width));
      for (int64_t row = 0; row < rows; ++row) {
        Value lhs =
            b.loadScalar(product.lhs, b.add(k, row * product.lhsStride + step));
        for (auto [j, width] : llvm::enumerate(widths)) {
          Value &sum = result[row * widths.size() + j];
          sum = b.fma(b.broadcast(lhs, width), rhs[j], sum);
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

void vitc::kernel::emitTileProduct(VectorBuilder &b, const TileProduct &product,
                                   Value rows, ArrayRef<int64_t> rowCounts) {
  int64_t count = rowCounts.back();
  if (rowCounts.size() == 1)
    return TileEmitter(b, product, count).emit();
  b.ifElse(
      b.equal(rows, count), [&] { TileEmitter(b, product, count).emit(); },
      [&] { emitTileProduct(b, product, rows, rowCounts.drop_back()); });
}
