//===- ResizePositions.cpp - Positions and biases for another grid --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResizePositions.h"

#include "Onnx/Interpolation.h"
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

//===----------------------------------------------------------------------===//
// Matrices [to, from] that resample a row
//===----------------------------------------------------------------------===//

/// PIL's and PyTorch's antialiased filter, widened when the result is smaller,
/// cut at the borders and scaled so that each row sums to 1.
static SmallVector<float>
getAntialiasedMatrix(int64_t from, int64_t to, double radius,
                     function_ref<double(double)> filter) {
  SmallVector<float> matrix(to * from, 0.0f);
  double scale = double(from) / double(to);
  double stretch = std::max(scale, 1.0);
  double support = radius * stretch;
  for (int64_t row = 0; row < to; ++row) {
    double center = (double(row) + 0.5) * scale;
    int64_t begin = std::max<int64_t>(int64_t(center - support + 0.5), 0);
    int64_t end = std::min<int64_t>(int64_t(center + support + 0.5), from);
    SmallVector<double> weights;
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      weights.push_back(filter((double(i) - center + 0.5) / stretch));
      sum += weights.back();
    }
    for (auto [i, weight] : llvm::enumerate(weights))
      matrix[row * from + begin + int64_t(i)] = float(weight / sum);
  }
  return matrix;
}

/// PyTorch's filters of four and two taps, without antialiasing.
static SmallVector<float> getPlainMatrix(int64_t from, int64_t to,
                                         PositionResize form) {
  SmallVector<float> matrix(to * from, 0.0f);
  onnx::Interpolation filter;
  filter.mode = form == PositionResize::Plain ? onnx::InterpolationMode::Cubic
                                              : onnx::InterpolationMode::Linear;
  if (form == PositionResize::BilinearAligned)
    filter.coordinates = onnx::CoordinateMode::AlignCorners;
  onnx::Taps taps =
      onnx::getTaps(filter, {from, to, double(to) / double(from)});
  for (int64_t row = 0; row < to; ++row)
    for (int64_t tap = row * taps.numTaps; tap < (row + 1) * taps.numTaps;
         ++tap)
      matrix[row * from + taps.indices[tap]] += float(taps.weights[tap]);
  return matrix;
}

/// Of positions.
static SmallVector<float> getMatrix(int64_t from, int64_t to,
                                    PositionResize form) {
  switch (form) {
  case PositionResize::Antialiased:
    return getAntialiasedMatrix(from, to, /*radius=*/2.0, cubic);
  case PositionResize::BilinearAntialiased:
    return getAntialiasedMatrix(from, to, /*radius=*/1.0, [](double x) {
      return std::max(1.0 - std::abs(x), 0.0);
    });
  case PositionResize::Plain:
  case PositionResize::Bilinear:
  case PositionResize::BilinearAligned:
    return getPlainMatrix(from, to, form);
  }
  llvm_unreachable("all forms are covered");
}

/// PyTorch's filter of two taps, without antialiasing.
static SmallVector<float> getBilinearMatrix(int64_t from, int64_t to) {
  SmallVector<float> matrix(to * from, 0.0f);
  double scale = double(from) / double(to);
  for (int64_t row = 0; row < to; ++row) {
    double position = std::max((double(row) + 0.5) * scale - 0.5, 0.0);
    int64_t left = std::min(int64_t(position), from - 1);
    int64_t right = std::min(left + 1, from - 1);
    double weight = position - double(left);
    matrix[row * from + left] += float(1.0 - weight);
    matrix[row * from + right] += float(weight);
  }
  return matrix;
}

/// The distances that timm stretches `from` stored ones to, so that their last
/// is the last of `to` and each step is q times the one before. 1.01 <= q <=
/// 1.5, as BEiT's own code has it, also where no such q reaches that last.
static SmallVector<float> getGeometricDistances(int64_t from, int64_t to) {
  int64_t count = from / 2, last = to / 2;
  double low = 1.01, high = 1.5, q = low;
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    double sum = (1 - std::pow(q, double(count))) / (1 - q);
    (sum > double(last) ? high : low) = q;
  }
  SmallVector<float> distances(from, 0.0f);
  double distance = 0, step = 1;
  for (int64_t i = 1; i <= count; ++i, step *= q) {
    distance += step;
    distances[count + i] = float(distance);
    distances[count - i] = float(-distance);
  }
  return distances;
}

/// Linear between the two stored distances next to each new one; beyond the
/// last the last.
static SmallVector<float> getGeometricMatrix(int64_t from, int64_t to) {
  SmallVector<float> matrix(to * from, 0.0f);
  SmallVector<float> distances = getGeometricDistances(from, to);
  for (int64_t row = 0; row < to; ++row) {
    auto wanted = float(row - to / 2);
    int64_t right = llvm::lower_bound(distances, wanted) - distances.begin();
    right = std::min(right, from - 1);
    int64_t left = std::max<int64_t>(right - 1, 0);
    double toLeft = std::max(wanted - distances[left], 0.0f);
    double toRight = std::max(distances[right] - wanted, 0.0f);
    double weight =
        toLeft == 0 && toRight == 0 ? 0.5 : toLeft / (toLeft + toRight);
    matrix[row * from + left] += float(1.0 - weight);
    matrix[row * from + right] += float(weight);
  }
  return matrix;
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// The product of `weights`, [size, the size of dim `dim`], with this dim of a
/// grid [H, W, E].
static Value resample(LayerBuilder &builder, Value grid, unsigned dim,
                      int64_t size, ArrayRef<float> weights, Location loc) {
  OpBuilder &b = builder.b;
  auto type = cast<RankedTensorType>(grid.getType());
  int64_t from = type.getDimSize(dim);
  auto matrixType = RankedTensorType::get({size, from}, type.getElementType());
  Value matrix = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(matrixType, weights));

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
                               GridSize from, GridSize to, const Twine &layer,
                               PositionResize form) {
  if (from == to)
    return positions;
  Location loc = builder.getLoc(layer);
  Value grid = builder.expand(positions, 0, {from.first, from.second}, layer);
  auto along = [&](unsigned dim, int64_t from, int64_t to) {
    if (from != to)
      grid = resample(builder, grid, dim, to, getMatrix(from, to, form), loc);
  };
  along(0, from.first, to.first);
  along(1, from.second, to.second);
  return builder.collapse(grid, 0, 2, layer);
}

Value import_::resizeBiasTable(LayerBuilder &builder, Value table,
                               GridSize from, GridSize to, BiasResize form,
                               const Twine &layer) {
  if (from == to)
    return table;
  Location loc = builder.getLoc(layer);
  auto countDistances = [](int64_t size) { return 2 * size - 1; };
  Value grid = builder.expand(
      table, 0, {countDistances(from.first), countDistances(from.second)},
      layer);
  // timm stretches a side of the same size too, a little, when the other
  // changes.
  auto along = [&](unsigned dim, int64_t from, int64_t to) {
    from = countDistances(from);
    to = countDistances(to);
    grid = resample(builder, grid, dim, to,
                    form == BiasResize::Bilinear ? getBilinearMatrix(from, to)
                                                 : getGeometricMatrix(from, to),
                    loc);
  };
  along(0, from.first, to.first);
  along(1, from.second, to.second);
  return builder.collapse(grid, 0, 2, layer);
}
