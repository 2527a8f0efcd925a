//===- ResizePositions.cpp - Position embeddings for another grid ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResizePositions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Keys 1981, eq. (8), with a = -0.5.
static double cubic(double x) {
  x = std::abs(x);
  if (x < 1)
    return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2)
    return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

/// The matrix [to, from] that resamples a row: PIL's and PyTorch's antialiased
/// filter, widened when the result is smaller, cut at the borders and scaled so
/// that each row sums to 1.
static SmallVector<float> getResampleMatrix(int64_t from, int64_t to) {
  SmallVector<float> matrix(to * from, 0.0f);
  double scale = double(from) / double(to);
  double stretch = std::max(scale, 1.0);
  double support = 2.0 * stretch;
  for (int64_t row = 0; row < to; ++row) {
    double center = (double(row) + 0.5) * scale;
    int64_t begin = std::max<int64_t>(int64_t(center - support + 0.5), 0);
    int64_t end = std::min<int64_t>(int64_t(center + support + 0.5), from);
    SmallVector<double> weights;
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      weights.push_back(cubic((double(i) - center + 0.5) / stretch));
      sum += weights.back();
    }
    for (auto [i, weight] : llvm::enumerate(weights))
      matrix[row * from + begin + int64_t(i)] = float(weight / sum);
  }
  return matrix;
}

/// Resamples dim `dim` of a grid [H, W, E] to `size`.
static Value resample(LayerBuilder &builder, Value grid, unsigned dim,
                      int64_t size, Location loc) {
  OpBuilder &b = builder.b;
  auto type = cast<RankedTensorType>(grid.getType());
  int64_t from = type.getDimSize(dim);
  if (from == size)
    return grid;
  auto matrixType = RankedTensorType::get({size, from}, type.getElementType());
  SmallVector<float> weights = getResampleMatrix(from, size);
  Value matrix = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(matrixType, ArrayRef<float>(weights)));

  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size;
  Value empty = tensor::EmptyOp::create(b, loc, shape, type.getElementType());
  Value zero =
      arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);

  // Loops (h, w, e, k): result [.., h or w, ..] = sum over k.
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> result = {
      b.getAffineDimExpr(0), b.getAffineDimExpr(1), b.getAffineDimExpr(2)};
  SmallVector<AffineExpr> operand(result);
  operand[dim] = b.getAffineDimExpr(3);
  AffineMap matrixMap = AffineMap::get(
      4, 0, {b.getAffineDimExpr(dim), b.getAffineDimExpr(3)}, context);
  ArrayAttr maps = b.getAffineMapArrayAttr(
      {matrixMap, AffineMap::get(4, 0, operand, context),
       AffineMap::get(4, 0, result, context)});
  return linalg::ContractOp::create(b, loc, init.getType(),
                                    ValueRange{matrix, grid}, ValueRange{init},
                                    maps)
      .getResult(0);
}

Value import_::resizePositions(LayerBuilder &builder, Value positions,
                               std::pair<int64_t, int64_t> from,
                               std::pair<int64_t, int64_t> to,
                               const Twine &layer) {
  if (from == to)
    return positions;
  Location loc = builder.getLoc(layer);
  Value grid = builder.expand(positions, 0, {from.first, from.second}, layer);
  grid = resample(builder, grid, 0, to.first, loc);
  grid = resample(builder, grid, 1, to.second, loc);
  return builder.collapse(grid, 0, 2, layer);
}
