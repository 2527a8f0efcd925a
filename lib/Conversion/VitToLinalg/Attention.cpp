//===- Attention.cpp - vit.attention and its kin to linalg ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

#include <limits>

using namespace mlir;
using namespace vitc;

/// The loop of head h as an index of key's heads: h / (H / Hk).
static AffineExpr getKeyHead(Value key, int64_t numHeads, AffineExpr head) {
  int64_t numKeyHeads = cast<RankedTensorType>(key.getType()).getDimSize(1);
  return head.floorDiv(numHeads / numKeyHeads);
}

/// scores [B, H, Nq, Nk] plus a bias or mask [Bb, 1 or H, Nq, Nk], of which
/// item b of the batch reads item b mod Bb.
static Value buildAddend(ImplicitLocOpBuilder &builder, Value scores,
                         Value addend) {
  auto type = cast<RankedTensorType>(addend.getType());
  SmallVector<OpFoldResult> sizes = getSizes(builder, scores);
  Type scoreType = getElementTypeOrSelf(scores);
  AffineExpr b, h, i, j;
  bindDims(builder.getContext(), b, h, i, j);
  AffineMap identity = builder.getMultiDimIdentityMap(4);
  if (type.getDimSize(1) == 1)
    h = builder.getAffineConstantExpr(0);
  if (!type.isDynamicDim(0)) {
    auto map = AffineMap::get(4, 0, {b % type.getDimSize(0), h, i, j},
                              builder.getContext());
    return buildElementwise(
        builder, sizes, scoreType, {scores, addend}, {identity, map},
        [](ImplicitLocOpBuilder &nested, ValueRange args) -> Value {
          return arith::AddFOp::create(nested, args[0], args[1]);
        });
  }
  // A map cannot divide by a size that is known at run time only.
  Value items = tensor::DimOp::create(builder, addend, /*index=*/0);
  return buildElementwise(
      builder, sizes, scoreType, scores, identity,
      [&](ImplicitLocOpBuilder &nested, ValueRange args) -> Value {
        SmallVector<Value> indices;
        for (int64_t dim : {0, 1, 2, 3})
          indices.push_back(linalg::IndexOp::create(nested, dim));
        indices[0] = arith::RemUIOp::create(nested, indices[0], items);
        if (type.getDimSize(1) == 1)
          indices[1] = arith::ConstantIndexOp::create(nested, 0);
        Value element = tensor::ExtractOp::create(nested, addend, indices);
        if (element.getType() != scoreType)
          element = arith::ExtFOp::create(nested, scoreType, element);
        return arith::AddFOp::create(nested, args[0], element);
      });
}

/// scale * query · key^T + bias + mask: [B, H, Nq, Nk], loops (b, h, i, j, d).
static Value buildScores(ImplicitLocOpBuilder &builder, Value query, Value key,
                         Value bias, Value mask, double scale, Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, query);
  sizes[3] = getSizes(builder, key)[2];
  int64_t numHeads = cast<RankedTensorType>(query.getType()).getDimSize(1);
  AffineExpr b, h, i, j, d;
  bindDims(builder.getContext(), b, h, i, j, d);
  auto keyMap = AffineMap::get(5, 0, {b, getKeyHead(key, numHeads, h), j, d},
                               builder.getContext());
  Value products =
      buildContraction(builder, sizes, type, query, key,
                       {getLoopMap(builder, 5, {0, 1, 2, 4}), keyMap,
                        getLoopMap(builder, 5, {0, 1, 2, 3})});

  AffineMap identity = builder.getMultiDimIdentityMap(4);
  Value factor = buildFloat(builder, type, scale);
  Value scores = buildElementwise(
      builder, sizes, type, products, identity,
      [&](ImplicitLocOpBuilder &nested, ValueRange args) -> Value {
        return arith::MulFOp::create(nested, args[0], factor);
      });
  for (Value addend : {bias, mask})
    if (addend)
      scores = buildAddend(builder, scores, addend);
  return scores;
}

/// softmax along the last of four dims; a row of -inf gives zeros.
static Value buildSoftmax(ImplicitLocOpBuilder &builder, Value scores) {
  Type type = getElementTypeOrSelf(scores);
  SmallVector<OpFoldResult> sizes = getSizes(builder, scores);
  ArrayRef<OpFoldResult> rowSizes = ArrayRef(sizes).drop_back();
  AffineMap identity = builder.getMultiDimIdentityMap(4);
  AffineMap rowMap = getLoopMap(builder, 4, {0, 1, 2});
  Value zero = buildFloat(builder, type, 0.0);
  Value lowest =
      buildFloat(builder, type, -std::numeric_limits<double>::infinity());

  Value maxima =
      buildReduction(builder, rowSizes, lowest, scores, {identity, rowMap},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::MaximumFOp::create(b, args[0], args[1]);
                     });
  // In a fully masked row -inf - -inf would be NaN; exp(-inf - 0) is 0.
  Value exps = buildElementwise(
      builder, sizes, type, {scores, maxima}, {identity, rowMap},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value masked = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                             args[1], lowest);
        Value shift = arith::SelectOp::create(b, masked, zero, args[1]);
        Value difference = arith::SubFOp::create(b, args[0], shift);
        return math::ExpOp::create(b, difference);
      });
  Value sums =
      buildReduction(builder, rowSizes, zero, exps, {identity, rowMap},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(b, args[1], args[0]);
                     });
  return buildElementwise(
      builder, sizes, type, {exps, sums}, {identity, rowMap},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value masked =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, args[1], zero);
        Value quotient = arith::DivFOp::create(b, args[0], args[1]);
        return arith::SelectOp::create(b, masked, zero, quotient);
      });
}

/// The softmax of the scores of vit.attention or vit.attention_map.
template <typename OpAdaptor>
static Value buildProbabilities(ImplicitLocOpBuilder &builder,
                                OpAdaptor adaptor, Type type) {
  Value scores = buildScores(builder, adaptor.getQuery(), adaptor.getKey(),
                             adaptor.getBias(), adaptor.getMask(),
                             adaptor.getScale().convertToDouble(), type);
  return buildSoftmax(builder, scores);
}

namespace {

struct ConvertAttentionOp final : OpConversionPattern<vit::AttentionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::AttentionOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    Value probabilities = buildProbabilities(builder, adaptor, type);

    // probabilities · value, loops (b, h, i, d, j).
    SmallVector<OpFoldResult> sizes = getSizes(builder, adaptor.getQuery());
    sizes[3] = getSizes(builder, adaptor.getValue())[3];
    AffineExpr b, h, i, d, j;
    bindDims(builder.getContext(), b, h, i, d, j);
    int64_t numHeads = op.getQuery().getType().getDimSize(1);
    auto valueMap = AffineMap::get(
        5, 0, {b, getKeyHead(adaptor.getValue(), numHeads, h), j, d},
        builder.getContext());
    Value result = buildContraction(
        builder, sizes, type, probabilities, adaptor.getValue(),
        {getLoopMap(builder, 5, {0, 1, 2, 4}), valueMap,
         getLoopMap(builder, 5, {0, 1, 2, 3})});
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

struct ConvertAttentionMapOp final : OpConversionPattern<vit::AttentionMapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::AttentionMapOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value probabilities = buildProbabilities(
        builder, adaptor, getAccumulationType(adaptor.getOperands()));
    Value result = op.getQueries() == vit::QuerySelection::First
                       ? buildFirst(builder, probabilities, op.getType())
                       : buildMean(builder, probabilities);
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }

private:
  /// probabilities[b, h, 0].
  static Value buildFirst(ImplicitLocOpBuilder &builder, Value probabilities,
                          RankedTensorType mapType) {
    SmallVector<OpFoldResult> offsets(4, builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(4, builder.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = getSizes(builder, probabilities);
    sizes[2] = builder.getIndexAttr(1);
    auto type = mapType.clone(getElementTypeOrSelf(probabilities));
    return tensor::ExtractSliceOp::create(builder, cast<RankedTensorType>(type),
                                          probabilities, offsets, sizes,
                                          strides);
  }

  /// The mean of probabilities[b, h, i] over i, loops (b, h, i, j).
  static Value buildMean(ImplicitLocOpBuilder &builder, Value probabilities) {
    auto inputType = cast<RankedTensorType>(probabilities.getType());
    Type type = inputType.getElementType();
    SmallVector<OpFoldResult> sizes = getSizes(builder, probabilities);
    sizes.erase(sizes.begin() + 2);
    Value sums = buildReduction(
        builder, sizes, buildFloat(builder, type, 0.0), probabilities,
        {builder.getMultiDimIdentityMap(4), getLoopMap(builder, 4, {0, 1, 3})},
        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          return arith::AddFOp::create(b, args[1], args[0]);
        });
    Value count = buildFloat(builder, type, inputType.getDimSize(2));
    return buildElementwise(
        builder, sizes, type, sums, builder.getMultiDimIdentityMap(3),
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          return arith::DivFOp::create(b, args[0], count);
        });
  }
};

struct ConvertSplitHeadsOp final : OpConversionPattern<vit::SplitHeadsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::SplitHeadsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType result = op.getType();
    SmallVector<OpFoldResult> sizes = getSizes(builder, adaptor.getInput());
    sizes[2] = builder.getIndexAttr(result.getDimSize(1));
    sizes.push_back(builder.getIndexAttr(result.getDimSize(3)));
    auto splitType = result.clone({result.getDimSize(0), result.getDimSize(2),
                                   result.getDimSize(1), result.getDimSize(3)});
    Value split = tensor::ExpandShapeOp::create(
        builder, splitType, adaptor.getInput(),
        ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}}, sizes);
    rewriter.replaceOp(op, buildTransposed(builder, split, {0, 2, 1, 3}));
    return success();
  }
};

struct ConvertMergeHeadsOp final : OpConversionPattern<vit::MergeHeadsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::MergeHeadsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value transposed =
        buildTransposed(builder, adaptor.getInput(), {0, 2, 1, 3});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op.getType(), transposed,
        ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
    return success();
  }
};

} // namespace

void vitc::populateAttentionToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertAttentionOp, ConvertAttentionMapOp, ConvertSplitHeadsOp,
               ConvertMergeHeadsOp>(patterns.getContext());
}
