//===- Convolution.cpp - Convolutions to kernels --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input, inside a border of zeros if there is padding, is read as a row for
// each place of the result (im2col: Chellapilla et al. 2006), which a gemm
// multiplies with the filters: the map of its left side finds the pixels, and
// no buffer holds the rows. A 1x1 filter reads the input as it lies when
// channels are contiguous, which they are in every result: it is stored
// [B, H, W, O]. Activation and residual are the gemm's. Grouped convolutions
// sum directly.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

namespace vitc {
/// The sizes of a convolution, and its input with the padding in it.
struct ConvolutionSource {
  explicit ConvolutionSource(vit::Conv2dOp op);

  /// From a place and a tap, (b, c, y, x, i, j), to the padded input's indices.
  AffineMap getTapMap(MLIRContext *context) const;

  int64_t channels, height, width; // of the padded input
  int64_t tapRows, tapColumns;     // of the filter
  int64_t outputs, rows, columns;  // of the result
  ArrayRef<int64_t> stride, dilation;
  /// Element (b, c, y, x) of the padded input.
  ValueAccess access;
  bool isChannelsLast = false; // channels are contiguous, else columns
};
} // namespace vitc

ConvolutionSource::ConvolutionSource(vit::Conv2dOp op)
    : stride(op.getStride()), dilation(op.getDilation()) {
  ArrayRef<int64_t> input = op.getInput().getType().getShape();
  ArrayRef<int64_t> filter = op.getFilter().getType().getShape();
  ArrayRef<int64_t> result = op.getResult().getType().getShape();
  ArrayRef<int64_t> pad = op.getPad();
  channels = input[1];
  height = input[2] + pad[0] + pad[2];
  width = input[3] + pad[1] + pad[3];
  tapRows = filter[2];
  tapColumns = filter[3];
  outputs = result[1];
  rows = result[2];
  columns = result[3];
}

AffineMap ConvolutionSource::getTapMap(MLIRContext *context) const {
  AffineExpr b, c, y, x, i, j;
  bindDims(context, b, c, y, x, i, j);
  return AffineMap::get(
      6, 0,
      {b, c, y * stride[0] + i * dilation[0], x * stride[1] + j * dilation[1]},
      context);
}

/// (b, c, y, x) -> (b, y, x, c).
static AffineMap getChannelsLast(MLIRContext *context) {
  AffineExpr b, c, y, x;
  bindDims(context, b, c, y, x);
  return AffineMap::get(4, 0, {b, y, x, c}, context);
}

/// Rows [B, H' * W', K] of the input; K is (i, j, c), or (c, i, j) where
/// columns are contiguous.
ValueAccess KernelEmitter::readTaps(vit::Conv2dOp op,
                                    const ConvolutionSource &source) {
  MLIRContext *context = builder.getContext();
  AffineMap taps = source.access.map.compose(source.getTapMap(context));
  AffineExpr b, p, l;
  bindDims(context, b, p, l);
  AffineExpr zero = builder.getAffineConstantExpr(0);
  if (source.tapRows * source.tapColumns == 1 && source.isChannelsLast) {
    AffineMap rows = taps.compose(AffineMap::get(
        3, 0,
        {b, l, p.floorDiv(source.columns), p % source.columns, zero, zero},
        context));
    rows =
        simplifyIndices(rows, {ShapedType::kDynamic,
                               source.rows * source.columns, source.channels});
    return {source.access.base,
            source.channels == 1 ? addUnitDim(rows, 2) : rows};
  }

  SmallVector<int64_t> order = {source.channels, source.tapRows,
                                source.tapColumns};
  if (source.isChannelsLast)
    std::rotate(order.begin(), order.begin() + 1, order.end());
  SmallVector<AffineExpr> tap = delinearizeIndex(l, order);
  if (source.isChannelsLast)
    std::rotate(tap.begin(), tap.end() - 1, tap.end());
  AffineMap rows =
      taps.compose(AffineMap::get(3, 0,
                                  {b, tap[0], p.floorDiv(source.columns),
                                   p % source.columns, tap[1], tap[2]},
                                  context));
  return {
      source.access.base,
      simplifyIndices(rows, {ShapedType::kDynamic, source.rows * source.columns,
                             order[0] * order[1] * order[2]})};
}

ValueAccess KernelEmitter::readChannelsLast(Value map) {
  ValueAccess access = read(map);
  auto type = cast<RankedTensorType>(map.getType());
  auto stored = cast<RankedTensorType>(access.base.getType());
  if (type.getDimSize(1) == 1 ||
      getMemoryStride(access.map, stored.getShape(), /*dim=*/1) == 1)
    return access;
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
  ConvolutionSource source(op);
  source.access = readPadded(op.getInput(), *getPadding(op));
  source.isChannelsLast =
      source.channels == 1 ||
      getMemoryStride(
          source.access.map,
          cast<RankedTensorType>(source.access.base.getType()).getShape(),
          /*dim=*/1) == 1;
  if (op.getGroups() != 1)
    return convertGrouped(op, filter, source);

  ValueAccess rows = readTaps(op, source);
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
  auto gemm = kernel::GemmOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getInput()),
      index(source.rows * source.columns),
      builder.getI64IntegerAttr(source.outputs), builder.getI64IntegerAttr(k),
      rows.base, AffineMapAttr::get(rows.map), weights, bias, residual,
      residualMap, destination.init, getPlaces(destination.map),
      op.getActivationAttr(), vit::NormAttr(), kernel::GemmTilingAttr());
  finish(destination, gemm.getResult(0));
  return success();
}

LogicalResult KernelEmitter::convertGrouped(vit::Conv2dOp op,
                                            vit::WeightExprAttr filter,
                                            const ConvolutionSource &source) {
  MLIRContext *context = builder.getContext();
  int64_t groups = op.getGroups();
  int64_t groupChannels = source.channels / groups;
  int64_t groupOutputs = source.outputs / groups;
  Destination destination = write(op.getResult(), getChannelsLast(context));
  Value size = batchOf(op.getInput());
  SmallVector<int64_t> sizes = {source.rows, source.columns, source.outputs};

  AffineExpr b, y, x, o, i, j, c;
  bindDims(context, b, y, x, o, i, j, c);
  AffineMap place =
      destination.map.compose(AffineMap::get(4, 0, {b, o, y, x}, context));
  Value init = destination.init;
  TypedAttr identity;
  if (op.getBias())
    init =
        gather(size, sizes, {readVector(op.getBias()), AffineMap::get(4, 0, o)},
               init, place);
  else
    identity = builder.getZeroAttr(filter.getType().getElementType());

  AffineExpr channel = o.floorDiv(groupOutputs) * groupChannels + c;
  AffineMap from =
      source.access.map.compose(source.getTapMap(context))
          .compose(AffineMap::get(7, 0, {b, channel, y, x, i, j}, context));
  SmallVector<int64_t> reduce = {source.tapRows, source.tapColumns,
                                 groupChannels};
  SmallVector<int64_t> bounds = {ShapedType::kDynamic};
  llvm::append_range(bounds, sizes);
  llvm::append_range(bounds, reduce);
  // Along the outputs the filter is contiguous, too.
  Value weights =
      constant(vit::WeightExprAttr::transpose(filter, {2, 3, 1, 0}));
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(init.getType()), size, sizes, reduce, identity,
      ValueRange{source.access.base, weights},
      builder.getAffineMapArrayAttr(
          {simplifyIndices(from, bounds),
           AffineMap::get(7, 0, {i, j, c, o}, context)}),
      /*tables=*/ValueRange(), builder.getAffineMapArrayAttr({}), init,
      AffineMap::get(7, 0, place.getResults(), context),
      kernel::RowTilingAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    Type element = filter.getType().getElementType();
    Block *body =
        builder.createBlock(&generic.getBody(), {}, {element, element, element},
                            SmallVector<Location>(3, op.getLoc()));
    Value product = arith::MulFOp::create(builder, body->getArgument(0),
                                          body->getArgument(1));
    kernel::YieldOp::create(
        builder, arith::AddFOp::create(builder, body->getArgument(2), product));
  }
  finish(destination, generic.getResult(0));
  return success();
}
