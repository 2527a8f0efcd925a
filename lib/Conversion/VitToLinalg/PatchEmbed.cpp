//===- PatchEmbed.cpp - vit.patch_embed to linalg -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Activation.h"
#include "Generic.h"
#include "Norm.h"
#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

/// The convolution whose stride is its filter, as tokens: [B, N, E].
static Value buildPatches(ImplicitLocOpBuilder &builder, Value image,
                          Value filter, vit::PatchEmbedOp op, Type type) {
  RankedTensorType imageType = op.getImage().getType();
  ArrayRef<int64_t> filterShape = op.getFilter().getType().getShape();
  int64_t embedDim = filterShape[0];
  SmallVector<OpFoldResult> sizes = {getSizes(builder, image)[0],
                                     builder.getIndexAttr(embedDim),
                                     builder.getIndexAttr(op.getGridHeight()),
                                     builder.getIndexAttr(op.getGridWidth())};
  Value zeros = buildFilled(builder, sizes, buildFloat(builder, type, 0.0));
  auto strides = builder.getI64TensorAttr(filterShape.drop_front(2));
  auto dilations = builder.getI64TensorAttr({1, 1});
  Value grid = linalg::Conv2DNchwFchwOp::create(builder, zeros.getType(),
                                                ValueRange{image, filter},
                                                zeros, strides, dilations)
                   .getResult(0);

  auto rowsType =
      RankedTensorType::get({imageType.getDimSize(0), embedDim,
                             op.getGridHeight() * op.getGridWidth()},
                            type);
  Value rows = tensor::CollapseShapeOp::create(
      builder, rowsType, grid,
      ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
  return buildTransposed(builder, rows, {0, 2, 1});
}

/// The pixels of each patch as a row: [B, N, C * Ph * Pw].
static Value buildPatchRows(ImplicitLocOpBuilder &builder, Value image,
                            vit::PatchEmbedOp op) {
  auto type = cast<RankedTensorType>(image.getType());
  ArrayRef<int64_t> filter = op.getFilter().getType().getShape();
  int64_t batch = type.getDimSize(0), channels = filter[1];
  int64_t gridHeight = op.getGridHeight(), gridWidth = op.getGridWidth();
  RankedTensorType grid = type.clone(
      {batch, channels, gridHeight, filter[2], gridWidth, filter[3]});
  Value pixels = tensor::ExpandShapeOp::create(
      builder, grid, image,
      ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}, {4, 5}});
  pixels = buildTransposed(builder, pixels, {0, 2, 4, 1, 3, 5});
  RankedTensorType rows = type.clone(
      {batch, gridHeight * gridWidth, channels * filter[2] * filter[3]});
  return tensor::CollapseShapeOp::create(
      builder, rows, pixels,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3, 4, 5}});
}

/// Each normalised patch times the filter: [B, N, E].
static Value buildNormalizedPatches(ImplicitLocOpBuilder &builder, Value image,
                                    Value filter, vit::PatchEmbedOp op,
                                    Type type) {
  Value rows =
      buildNormalized(builder, buildPatchRows(builder, image, op),
                      op.getNorm()->getRms(), op.getNorm()->getEpsilon(), type);
  RankedTensorType filterType = op.getFilter().getType();
  int64_t embedDim = filterType.getDimSize(0);
  Value matrix = tensor::CollapseShapeOp::create(
      builder,
      filterType.clone({embedDim, filterType.getNumElements() / embedDim}),
      filter, ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
  SmallVector<OpFoldResult> sizes = getSizes(builder, rows);
  sizes.back() = builder.getIndexAttr(embedDim);
  return buildContraction(builder, sizes, type, rows, matrix,
                          {getLoopMap(builder, 4, {0, 1, 3}),
                           getLoopMap(builder, 4, {2, 3}),
                           getLoopMap(builder, 4, {0, 1, 2})});
}

/// tokens [T, E], for each image of the batch, before patches [B, N, E].
static Value buildPrepended(ImplicitLocOpBuilder &builder, Value tokens,
                            Value patches, int64_t numTokens) {
  Type type = getElementTypeOrSelf(patches);
  SmallVector<OpFoldResult> patchSizes = getSizes(builder, patches);
  SmallVector<OpFoldResult> tokenSizes(patchSizes);
  tokenSizes[1] = builder.getIndexAttr(numTokens);
  Value repeated = buildElementwise(
      builder, tokenSizes, type, tokens, getLoopMap(builder, 3, {1, 2}),
      [](ImplicitLocOpBuilder &b, ValueRange args) { return args[0]; });

  int64_t numPatches = cast<RankedTensorType>(patches.getType()).getDimSize(1);
  SmallVector<OpFoldResult> sizes(patchSizes);
  sizes[1] = builder.getIndexAttr(numTokens + numPatches);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
  Value result = tensor::EmptyOp::create(builder, sizes, type);
  result = tensor::InsertSliceOp::create(builder, repeated, result, offsets,
                                         tokenSizes, strides);
  offsets[1] = builder.getIndexAttr(numTokens);
  return tensor::InsertSliceOp::create(builder, patches, result, offsets,
                                       patchSizes, strides);
}

namespace {

struct ConvertPatchEmbedOp final : OpConversionPattern<vit::PatchEmbedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::PatchEmbedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    auto project = op.getNorm() ? buildNormalizedPatches : buildPatches;
    Value result =
        project(builder, adaptor.getImage(), adaptor.getFilter(), op, type);
    if (adaptor.getBias())
      result = buildSum(builder, result, adaptor.getBias(),
                        getLoopMap(builder, 3, {2}));
    if (adaptor.getTokens())
      result = buildPrepended(builder, adaptor.getTokens(), result,
                              op.getNumTokens());
    if (adaptor.getPosition())
      result = buildSum(builder, result, adaptor.getPosition(),
                        getLoopMap(builder, 3, {1, 2}));
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populatePatchEmbedToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertPatchEmbedOp>(patterns.getContext());
}
