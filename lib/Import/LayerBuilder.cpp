//===- LayerBuilder.cpp - Builds single layers from weights ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static int64_t getChannels(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

LayerBuilder::LayerBuilder(WeightSource &weights, OpBuilder &weightsAt,
                           OpBuilder &bodyAt, Value input)
    : b(bodyAt), weights(weights), weightsAt(weightsAt), input(input),
      batch(tensor::getMixedSize(bodyAt, input.getLoc(), input, 0)) {}

vit::WeightExprAttr LayerBuilder::weight(StringRef name,
                                         ArrayRef<int64_t> shape,
                                         const Twine &because,
                                         WeightRole role) {
  RankedTensorType type = weights.define(weightsAt, name, shape, because, role);
  auto ref = vit::WeightExprAttr::ref(
      FlatSymbolRefAttr::get(b.getContext(), name), type);
  return vit::WeightExprAttr::castTo(ref, b.getF32Type());
}

Value LayerBuilder::constant(vit::WeightExprAttr expr, StringRef name) {
  return vit::ConstantOp::create(b, getLoc(name), expr);
}

Value LayerBuilder::linear(Value input, const Twine &layer, int64_t outputs,
                           const Twine &because, bool bias) {
  Value matrix =
      parameter((layer + ".weight").str(), {outputs, getChannels(input)},
                because, WeightRole::Matrix);
  Value shift;
  if (bias)
    shift = parameter((layer + ".bias").str(), {outputs}, because,
                      WeightRole::Bias);
  return vit::LinearOp::create(b, getLoc(layer), input, matrix, shift,
                               /*residual=*/Value(), vit::Activation::None,
                               vit::NormAttr());
}

Value LayerBuilder::layerNorm(Value input, const Twine &layer, double epsilon,
                              const Twine &because) {
  int64_t channels = getChannels(input);
  Value scale = parameter((layer + ".weight").str(), {channels}, because,
                          WeightRole::NormScale);
  Value shift = parameter((layer + ".bias").str(), {channels}, because,
                          WeightRole::NormShift);
  return vit::LayerNormOp::create(b, getLoc(layer), input.getType(), input,
                                  scale, shift, b.getF64FloatAttr(epsilon));
}

Value LayerBuilder::gelu(Value input, vit::GeluForm form, const Twine &layer) {
  return vit::GeluOp::create(b, getLoc(layer), input, form);
}

Value LayerBuilder::add(Value lhs, Value rhs, const Twine &layer) {
  return arith::AddFOp::create(b, getLoc(layer), lhs, rhs);
}

SmallVector<OpFoldResult> LayerBuilder::getSizes(Value value, Location loc) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(b.getContext(), type.getShape());
  if (!type.isDynamicDim(0))
    return sizes;
  sizes[0] = batch;
  int64_t multiple = getBatchMultiple(value).value_or(1);
  if (multiple != 1) {
    Value factor = arith::ConstantIndexOp::create(b, loc, multiple);
    sizes[0] =
        arith::MulIOp::create(b, loc, cast<Value>(batch), factor).getResult();
  }
  return sizes;
}

Value LayerBuilder::emptyLike(Value value, Location loc) {
  return tensor::EmptyOp::create(
      b, loc, getSizes(value, loc),
      cast<RankedTensorType>(value.getType()).getElementType());
}

Value LayerBuilder::scaleChannels(Value input, StringRef name,
                                  const Twine &because) {
  auto type = cast<RankedTensorType>(input.getType());
  Location loc = getLoc(name);
  Value scale =
      parameter(name, {getChannels(input)}, because, WeightRole::NormScale);
  unsigned rank = type.getRank();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap last = AffineMap::get(rank, 0, b.getAffineDimExpr(rank - 1));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, type, ValueRange{input, scale}, emptyLike(input, loc),
      ArrayRef<AffineMap>{identity, last, identity}, iterators,
      [](OpBuilder &body, Location loc, ValueRange args) {
        Value scaled = arith::MulFOp::create(body, loc, args[0], args[1]);
        linalg::YieldOp::create(body, loc, scaled);
      });
  return generic.getResult(0);
}

Value LayerBuilder::addShared(Value input, Value shared, const Twine &layer) {
  auto type = cast<RankedTensorType>(input.getType());
  Location loc = getLoc(layer);
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{input, shared}, emptyLike(input, loc),
             ArrayRef<AffineMap>{identity, identity.dropResult(0), identity},
             iterators,
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(body, loc, args[0], args[1]);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

Value LayerBuilder::elementwise(
    ValueRange inputs, const Twine &layer,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  auto type = cast<RankedTensorType>(inputs.front().getType());
  Location loc = getLoc(layer);
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, type, inputs, emptyLike(inputs.front(), loc), maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        linalg::YieldOp::create(builder, loc,
                                body(builder, loc, args.drop_back()));
      });
  return generic.getResult(0);
}

Value LayerBuilder::slice(Value input, int64_t dim, int64_t begin,
                          int64_t count, const Twine &layer, bool drop) {
  auto type = cast<RankedTensorType>(input.getType());
  Location loc = getLoc(layer);
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = getSizes(input, loc);
  offsets[dim] = b.getIndexAttr(begin);
  sizes[dim] = b.getIndexAttr(count);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = count;
  if (drop)
    shape.erase(shape.begin() + dim);
  return tensor::ExtractSliceOp::create(b, loc, type.clone(shape), input,
                                        offsets, sizes, strides);
}

Value LayerBuilder::concat(ValueRange inputs, int64_t dim, const Twine &layer) {
  return tensor::ConcatOp::create(b, getLoc(layer), dim, inputs);
}

/// Dims before `dim`, then `count` joined ones, then the others.
static SmallVector<ReassociationIndices> getGroups(int64_t rank, int64_t dim,
                                                   int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < rank; ++i) {
    if (i > dim && i < dim + count)
      groups.back().push_back(i);
    else
      groups.push_back({i});
  }
  return groups;
}

Value LayerBuilder::expand(Value input, int64_t dim, ArrayRef<int64_t> sizes,
                           const Twine &layer) {
  auto type = cast<RankedTensorType>(input.getType());
  Location loc = getLoc(layer);
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<OpFoldResult> newSizes = getSizes(input, loc);
  if (dim == 0 && ShapedType::isDynamic(sizes[0]))
    newSizes[0] = batch;
  SmallVector<OpFoldResult> inner =
      getAsIndexOpFoldResult(b.getContext(), sizes);
  if (ShapedType::isDynamic(sizes[0]))
    inner[0] = newSizes[0];
  shape.erase(shape.begin() + dim);
  shape.insert(shape.begin() + dim, sizes.begin(), sizes.end());
  newSizes.erase(newSizes.begin() + dim);
  newSizes.insert(newSizes.begin() + dim, inner.begin(), inner.end());
  return tensor::ExpandShapeOp::create(
      b, loc, type.clone(shape), input,
      getGroups(shape.size(), dim, sizes.size()), newSizes);
}

Value LayerBuilder::collapse(Value input, int64_t dim, int64_t count,
                             const Twine &layer) {
  int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
  return tensor::CollapseShapeOp::create(b, getLoc(layer), input,
                                         getGroups(rank, dim, count));
}

Value LayerBuilder::transpose(Value input, ArrayRef<int64_t> permutation,
                              const Twine &layer) {
  auto type = cast<RankedTensorType>(input.getType());
  Location loc = getLoc(layer);
  SmallVector<OpFoldResult> sizes, source = getSizes(input, loc);
  for (int64_t dim : permutation)
    sizes.push_back(source[dim]);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  return linalg::TransposeOp::create(b, loc, input, empty, permutation)
      .getResult()[0];
}
