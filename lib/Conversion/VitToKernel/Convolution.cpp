//===- Convolution.cpp - Convolutions to kernels --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input is read as a row for each place of the result (im2col: Chellapilla
// et al. 2006), which a gemm multiplies with the filters: the map of its left
// side finds the pixels, and no buffer holds the rows. Padding is where that
// map leaves the input. A 1x1 filter reads the input as it lies when
// channels are contiguous, which they are in every result: it is stored
// [B, H, W, O]. Activation and residual are the gemm's. Convolutions in
// groups have a kernel of their own.
//
//===----------------------------------------------------------------------===//

#include "ChunkSums.h"
#include "IndexSimplify.h"
#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

namespace vitc {
/// The sizes of a convolution, and its input.
struct ConvolutionSource {
  explicit ConvolutionSource(vit::Conv2dOp op);

  /// From a place and a tap, (b, c, y, x, i, j), to the input's indices, which
  /// lead outside where there is padding.
  AffineMap getTapMap(MLIRContext *context) const;
  bool isPadded() const {
    return llvm::any_of(pad, [](int64_t size) { return size != 0; });
  }
  /// The channel, row and column of the filter at place l of a row of taps.
  SmallVector<AffineExpr> getTap(AffineExpr l) const;

  int64_t channels;
  int64_t tapRows, tapColumns;    // of the filter
  int64_t outputs, rows, columns; // of the result
  ArrayRef<int64_t> stride, dilation;
  /// What is padded, by the convolution and by a tensor.pad before it.
  TypedValue<RankedTensorType> input;
  SmallVector<int64_t> pad; // before, then behind rows and columns
  /// Element (b, c, y, x) of the input.
  ValueAccess access;
  bool isChannelsLast = false; // channels are contiguous, else columns
};
} // namespace vitc

ConvolutionSource::ConvolutionSource(vit::Conv2dOp op)
    : stride(op.getStride()), dilation(op.getDilation()), input(op.getInput()),
      pad(op.getPad()) {
  if (auto before = op.getInput().getDefiningOp<tensor::PadOp>();
      before && isPaddedByReaders(before)) {
    input = before.getSource();
    for (unsigned dim : {0, 1}) {
      pad[dim] += before.getStaticLow()[2 + dim];
      pad[2 + dim] += before.getStaticHigh()[2 + dim];
    }
  }
  ArrayRef<int64_t> filter = op.getFilter().getType().getShape();
  ArrayRef<int64_t> result = op.getResult().getType().getShape();
  channels = op.getInput().getType().getDimSize(1);
  tapRows = filter[2];
  tapColumns = filter[3];
  outputs = result[1];
  rows = result[2];
  columns = result[3];
}

AffineMap ConvolutionSource::getTapMap(MLIRContext *context) const {
  AffineExpr b, c, y, x, i, j;
  bindDims(context, b, c, y, x, i, j);
  return AffineMap::get(6, 0,
                        {b, c, y * stride[0] + i * dilation[0] - pad[0],
                         x * stride[1] + j * dilation[1] - pad[1]},
                        context);
}

SmallVector<AffineExpr> ConvolutionSource::getTap(AffineExpr l) const {
  if (!isChannelsLast)
    return delinearizeIndex(l, {channels, tapRows, tapColumns});
  SmallVector<AffineExpr> tap =
      delinearizeIndex(l, {tapRows, tapColumns, channels});
  std::rotate(tap.begin(), tap.end() - 1, tap.end());
  return tap;
}

/// (b, c, y, x) -> (b, y, x, c).
static AffineMap getChannelsLast(MLIRContext *context) {
  AffineExpr b, c, y, x;
  bindDims(context, b, c, y, x);
  return AffineMap::get(4, 0, {b, y, x, c}, context);
}

/// Rows [B, H' * W', K] of the input; K is (i, j, c), or (c, i, j) where
/// channels are not contiguous.
ValueAccess KernelEmitter::readTaps(const ConvolutionSource &source) {
  MLIRContext *context = builder.getContext();
  AffineExpr b, p, l;
  bindDims(context, b, p, l);
  SmallVector<AffineExpr> tap = source.getTap(l);
  AffineMap taps =
      source.access.map.compose(source.getTapMap(context))
          .compose(AffineMap::get(3, 0,
                                  {b, tap[0], p.floorDiv(source.columns),
                                   p % source.columns, tap[1], tap[2]},
                                  context));
  int64_t k = source.channels * source.tapRows * source.tapColumns;
  taps = simplifyIndices(
      taps, {ShapedType::kDynamic, source.rows * source.columns, k});
  return {source.access.base, k == 1 ? addUnitDim(taps, 2) : taps};
}

/// Whether rows and columns of a map are those of what it is stored in: there
/// their indices lead outside where the map's do.
static bool hasBounds(RankedTensorType type, const ValueAccess &access) {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(access.base.getType()).getShape();
  return llvm::all_of(ArrayRef{2u, 3u}, [&](unsigned dim) {
    AffineExpr index = getAffineDimExpr(dim, type.getContext());
    return llvm::any_of(llvm::enumerate(access.map.getResults()),
                        [&](auto result) {
                          return result.value() == index &&
                                 shape[result.index()] == type.getDimSize(dim);
                        });
  });
}

KernelEmitter::ScaledAccess
KernelEmitter::readMap(const ConvolutionSource &source) {
  ScaledAccess scaled = readScaled(source.input);
  if (source.isPadded() && !hasBounds(source.input.getType(), scaled.access))
    scaled.access = copyChannelsLast(source.input, scaled.access);
  return scaled;
}

ValueAccess KernelEmitter::readChannelsLast(Value map) {
  ValueAccess access = read(map);
  auto type = cast<RankedTensorType>(map.getType());
  auto stored = cast<RankedTensorType>(access.base.getType());
  if (type.getDimSize(1) == 1 ||
      getMemoryStride(access.map, stored.getShape(), /*dim=*/1) == 1)
    return access;
  return copyChannelsLast(map, access);
}

ValueAccess KernelEmitter::copyChannelsLast(Value map,
                                            const ValueAccess &access) {
  auto type = cast<RankedTensorType>(map.getType());
  AffineMap storage = getChannelsLast(builder.getContext());
  SmallVector<int64_t> shape = applyPermutationMap(storage, type.getShape());
  Value copy =
      gather(batchOf(map), ArrayRef<int64_t>(shape).drop_front(),
             {access.base, access.map.compose(inversePermutation(storage))},
             emptyTensor(type.clone(shape), batchOf(map)),
             builder.getMultiDimIdentityMap(4));
  return {copy, storage};
}

LogicalResult KernelEmitter::convert(vit::Conv2dOp op) {
  MLIRContext *context = builder.getContext();
  vit::WeightExprAttr filter = getConstantExpr(op.getFilter());
  if (!filter)
    return op.emitOpError("has a computed filter; needs a constant one");
  if (op.getGroups() != 1)
    return convertGrouped(op, filter);
  ConvolutionSource source(op);
  ScaledAccess scaled = readMap(source);
  source.access = scaled.access;
  source.isChannelsLast =
      source.channels == 1 ||
      getMemoryStride(
          source.access.map,
          cast<RankedTensorType>(source.access.base.getType()).getShape(),
          /*dim=*/1) == 1;

  ValueAccess rows = readTaps(source);
  vit::WeightExprAttr matrix = filter;
  if (source.isChannelsLast)
    matrix = vit::WeightExprAttr::transpose(matrix, {0, 2, 3, 1});
  int64_t k = source.channels * source.tapRows * source.tapColumns;
  Value weights = constant(vit::WeightExprAttr::pack(
      vit::WeightExprAttr::reshape(matrix, {source.outputs, k})));
  Value bias = op.getBias() ? readVector(op.getBias()) : Value();

  // (b, p, o) to the result's indices: its places are the gemm's rows.
  AffineExpr b, p, o;
  bindDims(context, b, p, o);
  AffineMap places = AffineMap::get(
      3, 0, {b, o, p.floorDiv(source.columns), p % source.columns}, context);
  auto getPlaces = [&](AffineMap map) {
    map = simplifyIndices(
        map.compose(places),
        {ShapedType::kDynamic, source.rows * source.columns, source.outputs});
    return AffineMapAttr::get(source.outputs == 1 ? addUnitDim(map, 2) : map);
  };
  Value residual;
  AffineMapAttr residualMap;
  if (op.getResidual()) {
    ValueAccess access = readChannelsLast(op.getResidual());
    residual = access.base;
    residualMap = getPlaces(access.map);
  }
  Destination destination = write(op.getResult(), getChannelsLast(context));
  AffineExpr c, y, x;
  bindDims(context, b, c, y, x);
  SmallVector<ChunkSums> sums = findChunkSums(
      op.getResult(),
      AffineMap::get(4, 0, {b, y * source.columns + x, c}, context));
  SmallVector<Type> types = {destination.init.getType()};
  Value statistics = emptyStatistics(sums, op.getResult(), source.outputs);
  if (statistics)
    types.push_back(statistics.getType());
  auto gemm = kernel::GemmOp::create(
      builder, types, batchOf(op.getInput()),
      index(source.rows * source.columns),
      builder.getI64IntegerAttr(source.outputs), builder.getI64IntegerAttr(k),
      rows.base, AffineMapAttr::get(rows.map), weights, bias, residual,
      residualMap, destination.init, getPlaces(destination.map),
      op.getActivationAttr(), vit::NormAttr(), kernel::GemmTilingAttr());
  gemm.setZeroOutside(source.isPadded());
  AffineExpr l = getAffineDimExpr(1, context);
  AffineExpr zero = builder.getAffineConstantExpr(0);
  setScaling(
      gemm, scaled,
      AffineMap::get(2, 0, {b, source.getTap(l)[0], zero, zero}, context));
  finishStatistics(gemm, sums, statistics);
  finish(destination, gemm.getResult(0));
  return success();
}
