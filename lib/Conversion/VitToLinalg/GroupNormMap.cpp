//===- GroupNormMap.cpp - A normalised feature map ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The statistics read the map once: with its rows of pixels cut into chunks,
//   d = x - (the chunk's first x),  sums [B, C, chunks] of d and of d * d
// are one op, which VitToKernel lets the product compute that writes the map.
// They combine to the group's as Chan, Golub and LeVeque 1983, eq. (2.1), have
// it: d keeps digits where the mean is large, and so do the differences of the
// chunks' means to the mean of all.
//
//===----------------------------------------------------------------------===//

#include "GroupNormMap.h"

#include "Generic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <algorithm>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

/// Rows of pixels that are summed together are so many pixels at most: as many
/// as a product computes at once. Smaller chunks write more sums.
static constexpr int64_t kChunkPixels = 256;

namespace {
/// A feature map cut into chunks, and their sums.
struct ChunkSums {
  Value map;           // [B, C, chunks, H / chunks, W]
  Value sums, squares; // [B, C, chunks]
  int64_t pixels;      // of a chunk
};

/// The groups' statistics, [B, G]: sums of `chunks * C/G` means of chunks, and
/// sums of squared deviations from the mean.
struct GroupSums {
  Value means, squares;
  int64_t numMeans, count; // means of a group, elements of a group
};
} // namespace

/// Rows of a chunk: they divide the map's height.
static int64_t getChunkRows(int64_t height, int64_t width) {
  int64_t rows = std::clamp<int64_t>(kChunkPixels / width, 1, height);
  while (height % rows != 0)
    --rows;
  return rows;
}

static ChunkSums buildChunkSums(ImplicitLocOpBuilder &builder, Value map) {
  auto type = cast<RankedTensorType>(map.getType());
  int64_t channels = type.getDimSize(1), height = type.getDimSize(2),
          width = type.getDimSize(3);
  int64_t rows = getChunkRows(height, width), chunks = height / rows;
  OpFoldResult batch = getSizes(builder, map).front();
  auto attr = [&](int64_t size) { return builder.getIndexAttr(size); };
  SmallVector<OpFoldResult> cut = {batch, attr(channels), attr(chunks),
                                   attr(rows), attr(width)};
  Value chunked = tensor::ExpandShapeOp::create(
      builder, type.clone({type.getDimSize(0), channels, chunks, rows, width}),
      map, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}, {4}}, cut);
  Value zero = buildFilled(builder, ArrayRef(cut).take_front(3),
                           buildFloat(builder, type.getElementType(), 0.0));

  AffineExpr b, c, chunk, none = builder.getAffineConstantExpr(0);
  bindDims(builder.getContext(), b, c, chunk);
  AffineMap first =
      AffineMap::get(5, 0, {b, c, chunk, none, none}, builder.getContext());
  AffineMap sum = getLoopMap(builder, 5, {0, 1, 2});
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  iterators.append(2, utils::IteratorType::reduction);
  auto generic = linalg::GenericOp::create(
      builder, TypeRange{zero.getType(), zero.getType()},
      ValueRange{chunked, chunked}, ValueRange{zero, zero},
      ArrayRef{builder.getMultiDimIdentityMap(5), first, sum, sum}, iterators,
      [](OpBuilder &b, Location loc, ValueRange args) {
        Value difference = arith::SubFOp::create(b, loc, args[0], args[1]);
        Value square = arith::MulFOp::create(b, loc, difference, difference);
        Value sum = arith::AddFOp::create(b, loc, args[2], difference);
        Value squares = arith::AddFOp::create(b, loc, args[3], square);
        linalg::YieldOp::create(b, loc, {sum, squares});
      });
  return {chunked, generic.getResult(0), generic.getResult(1), rows * width};
}

/// [B, C, ...] with the channels of each group in a dim of their own.
static Value buildGrouped(ImplicitLocOpBuilder &builder, Value tensor,
                          int64_t groups) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t channels = type.getDimSize(1) / groups;
  SmallVector<int64_t> shape(type.getShape());
  shape[1] = channels;
  shape.insert(shape.begin() + 1, groups);
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  sizes[1] = builder.getIndexAttr(channels);
  sizes.insert(sizes.begin() + 1, builder.getIndexAttr(groups));
  SmallVector<ReassociationIndices> dims = {{0}, {1, 2}};
  for (int64_t dim = 3; dim <= type.getRank(); ++dim)
    dims.push_back({dim});
  return tensor::ExpandShapeOp::create(builder, type.clone(shape), tensor, dims,
                                       sizes);
}

static GroupSums buildGroupSums(ImplicitLocOpBuilder &builder,
                                const ChunkSums &chunk, int64_t groups) {
  Value map = buildGrouped(builder, chunk.map, groups);
  Value sums = buildGrouped(builder, chunk.sums, groups);
  Value squares = buildGrouped(builder, chunk.squares, groups);
  auto type = cast<RankedTensorType>(sums.getType());
  GroupSums group;
  group.numMeans = type.getDimSize(2) * type.getDimSize(3);
  group.count = group.numMeans * chunk.pixels;

  AffineExpr b, g, c, i, none = builder.getAffineConstantExpr(0);
  bindDims(builder.getContext(), b, g, c, i);
  AffineMap first =
      AffineMap::get(4, 0, {b, g, c, i, none, none}, builder.getContext());
  AffineMap all = builder.getMultiDimIdentityMap(4);
  AffineMap result = getLoopMap(builder, 4, {0, 1});
  SmallVector<OpFoldResult> sizes = getSizes(builder, sums);
  Value zero = buildFloat(builder, type.getElementType(), 0.0);
  auto number = [](ImplicitLocOpBuilder &b, int64_t value) {
    return buildFloat(b, b.getF32Type(), static_cast<double>(value));
  };
  auto buildMean = [&](ImplicitLocOpBuilder &b, Value first, Value sum) {
    Value mean = arith::DivFOp::create(b, sum, number(b, chunk.pixels));
    return arith::AddFOp::create(b, first, mean).getResult();
  };
  group.means =
      buildReduction(builder, ArrayRef(sizes).take_front(2), zero, {map, sums},
                     {first, all, result},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(
                           b, args[2], buildMean(b, args[0], args[1]));
                     });
  group.squares = buildReduction(
      builder, ArrayRef(sizes).take_front(2), zero,
      {map, sums, squares, group.means}, {first, all, all, result, result},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value mean =
            arith::DivFOp::create(b, args[3], number(b, group.numMeans));
        Value distance =
            arith::SubFOp::create(b, buildMean(b, args[0], args[1]), mean);
        Value between =
            arith::MulFOp::create(b, number(b, chunk.pixels),
                                  arith::MulFOp::create(b, distance, distance));
        Value correction =
            arith::DivFOp::create(b, arith::MulFOp::create(b, args[1], args[1]),
                                  number(b, chunk.pixels));
        Value within = arith::SubFOp::create(b, args[2], correction);
        return arith::AddFOp::create(b, args[4],
                                     arith::AddFOp::create(b, within, between));
      });
  return group;
}

//===----------------------------------------------------------------------===//
// Scale and shift
//===----------------------------------------------------------------------===//

/// Elements of `tensor` at `map` of (b, c), [B, C].
static Value buildWide(ImplicitLocOpBuilder &builder,
                       ArrayRef<OpFoldResult> sizes, Value tensor,
                       AffineMap map) {
  return buildElementwise(
      builder, sizes, builder.getF32Type(), tensor, map,
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
}

/// Computes [B, C] from as many. The fusion of elementwise ops takes
/// linalg.generic only: fused, this would be computed for every pixel.
static Value
buildChannels(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes,
              ValueRange inputs,
              function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  Value empty = tensor::EmptyOp::create(builder, sizes, builder.getF32Type());
  return linalg::MapOp::create(
             builder, inputs, empty,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               ImplicitLocOpBuilder inner(loc, b);
               linalg::YieldOp::create(b, loc, body(inner, args));
             })
      ->getResult(0);
}

/// weight / sqrt(variance + epsilon) and bias - mean * scale, [B, C].
static std::pair<Value, Value>
buildScaleAndShift(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes,
                   const GroupSums &group, int64_t groupChannels,
                   double epsilon, const ChannelAffine &affine) {
  AffineExpr b, c;
  bindDims(builder.getContext(), b, c);
  AffineMap groupOf = AffineMap::get(2, 0, {b, c.floorDiv(groupChannels)},
                                     builder.getContext());
  auto number = [](ImplicitLocOpBuilder &b, double value) {
    return buildFloat(b, b.getF32Type(), value);
  };
  SmallVector<Value> inputs = {
      buildWide(builder, sizes, group.squares, groupOf)};
  if (affine.weight)
    inputs.push_back(
        buildWide(builder, sizes, affine.weight, affine.weightMap));
  Value scale = buildChannels(
      builder, sizes, inputs,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value variance = arith::DivFOp::create(
            b, args[0], number(b, static_cast<double>(group.count)));
        Value root = math::SqrtOp::create(
            b, arith::AddFOp::create(b, variance, number(b, epsilon)));
        return arith::DivFOp::create(
            b, affine.weight ? args[1] : number(b, 1.0), root);
      });
  inputs = {buildWide(builder, sizes, group.means, groupOf), scale};
  if (affine.bias)
    inputs.push_back(buildWide(builder, sizes, affine.bias, affine.biasMap));
  Value shift = buildChannels(
      builder, sizes, inputs,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value mean = arith::DivFOp::create(
            b, args[0], number(b, static_cast<double>(group.numMeans)));
        Value product = arith::MulFOp::create(b, mean, args[1]);
        return arith::SubFOp::create(b, affine.bias ? args[2] : number(b, 0.0),
                                     product);
      });
  return {scale, shift};
}

Value vitc::buildNormalizedMap(ImplicitLocOpBuilder &builder, Value map,
                               int64_t groups, double epsilon,
                               const ChannelAffine &affine) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, map);
  int64_t channels = cast<RankedTensorType>(map.getType()).getDimSize(1);
  GroupSums group =
      buildGroupSums(builder, buildChunkSums(builder, map), groups);
  auto [scale, shift] =
      buildScaleAndShift(builder, ArrayRef(sizes).take_front(2), group,
                         channels / groups, epsilon, affine);
  AffineMap channelMap = getLoopMap(builder, 4, {0, 1});
  return buildElementwise(
      builder, sizes, builder.getF32Type(), {map, scale, shift},
      {builder.getMultiDimIdentityMap(4), channelMap, channelMap},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value scaled = arith::MulFOp::create(b, args[0], args[1]);
        return arith::AddFOp::create(b, scaled, args[2]);
      });
}
