//===- Attention.cpp - vit.attention and its kin to linalg ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "Patterns.h"
#include "Softmax.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

#include <limits>

using namespace mlir;
using namespace vitc;

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

/// scores [B, H, Nq, Nk], -inf where query i does not see key j: only keys
/// j <= i + causal, less than keyLength[b], are seen.
static Value buildLimit(ImplicitLocOpBuilder &builder, Value scores,
                        std::optional<int64_t> causal, Value keyLength) {
  if (!causal && !keyLength)
    return scores;
  Type type = getElementTypeOrSelf(scores);
  SmallVector<Value> inputs = {scores};
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(4)};
  if (keyLength) {
    inputs.push_back(keyLength);
    maps.push_back(getLoopMap(builder, 4, {0}));
  }
  return buildElementwise(
      builder, getSizes(builder, scores), type, inputs, maps,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value masked =
            buildFloat(b, type, -std::numeric_limits<double>::infinity());
        Value j = linalg::IndexOp::create(b, 3), score = args[0];
        auto maskUnless = [&](arith::CmpIPredicate predicate, Value limit) {
          Value isSeen = arith::CmpIOp::create(b, predicate, j, limit);
          score = arith::SelectOp::create(b, isSeen, score, masked);
        };
        if (causal)
          maskUnless(arith::CmpIPredicate::sle,
                     arith::AddIOp::create(
                         b, linalg::IndexOp::create(b, 2),
                         arith::ConstantIndexOp::create(b, *causal)));
        if (keyLength)
          maskUnless(arith::CmpIPredicate::slt,
                     arith::IndexCastOp::create(b, b.getIndexType(), args[1]));
        return score;
      });
}

/// cap(scale * query · key^T) + bias + mask: [B, H, Nq, Nk], loops
/// (b, h, i, j, d).
static Value buildScores(ImplicitLocOpBuilder &builder, Value query, Value key,
                         Value bias, Value mask, double scale,
                         std::optional<double> softcap, Type type) {
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
        Value scaled = arith::MulFOp::create(nested, args[0], factor);
        if (!softcap)
          return scaled;
        Value cap = buildFloat(nested, type, *softcap);
        Value share = arith::DivFOp::create(nested, scaled, cap);
        return arith::MulFOp::create(nested,
                                     math::TanhOp::create(nested, share), cap);
      });
  for (Value addend : {bias, mask})
    if (addend)
      scores = buildAddend(builder, scores, addend);
  return scores;
}

/// The softmax of the scores of vit.attention or vit.attention_map.
template <typename OpAdaptor>
static Value buildProbabilities(ImplicitLocOpBuilder &builder,
                                OpAdaptor adaptor, Type type) {
  std::optional<double> softcap;
  if (adaptor.getSoftcap())
    softcap = adaptor.getSoftcap()->convertToDouble();
  Value scores = buildScores(
      builder, adaptor.getQuery(), adaptor.getKey(), adaptor.getBias(),
      adaptor.getMask(), adaptor.getScale().convertToDouble(), softcap, type);
  return buildSoftmax(builder, buildLimit(builder, scores, adaptor.getCausal(),
                                          adaptor.getKeyLength()));
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

    Value result =
        buildWeightedValues(builder, probabilities, adaptor.getValue(), type);
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

struct ConvertSoftmaxMatmulOp final
    : OpConversionPattern<vit::SoftmaxMatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::SoftmaxMatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    Value scores = buildElementwise(
        builder, getSizes(builder, adaptor.getScores()), type,
        adaptor.getScores(), builder.getMultiDimIdentityMap(4),
        [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
    Value result = buildWeightedValues(builder, buildSoftmax(builder, scores),
                                       adaptor.getValue(), type);
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
    SmallVector<Value> numbers =
        llvm::filter_to_vector(adaptor.getOperands(), [](Value operand) {
          return isa<FloatType>(getElementTypeOrSelf(operand));
        });
    Type type = getAccumulationType(numbers);
    Value probabilities = buildProbabilities(builder, adaptor, type);
    Value result =
        buildSelected(builder, op, adaptor.getSelection(), probabilities,
                      buildMean(builder, probabilities));
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }

private:
  /// The rows that the selection asks for, in the order of [B, W, H, count,
  /// Nk]; what follows are rows of any query.
  static Value buildSelected(ImplicitLocOpBuilder &builder,
                             vit::AttentionMapOp op, Value selection,
                             Value probabilities, Value mean) {
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, value);
    };
    auto read = [&](int64_t column) -> Value {
      Value number = tensor::ExtractOp::create(
          builder, selection, ValueRange{index(op.getLayer()), index(column)});
      return arith::IndexCastOp::create(builder, builder.getIndexType(),
                                        number);
    };
    ArrayRef<int64_t> shape = op.getResult().getType().getShape();
    Value first = read(0), zero = index(0), one = index(1);
    Value count = arith::MaxSIOp::create(builder, read(1), one);
    Value isMean =
        arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, first, zero);
    first = arith::MaxSIOp::create(builder, first, zero);
    Value lastQuery = index(shape[3] - 1);
    Value lastItem = arith::SubIOp::create(
        builder, tensor::DimOp::create(builder, probabilities, 0), one);

    SmallVector<OpFoldResult> sizes = getSizes(builder, probabilities);
    if (ShapedType::isDynamic(shape[0]))
      sizes[0] = arith::DivUIOp::create(builder, cast<Value>(sizes[0]),
                                        index(op.getWindows()))
                     .getResult();
    else
      sizes[0] = builder.getIndexAttr(shape[0]);
    sizes.insert(sizes.begin() + 1, builder.getIndexAttr(op.getWindows()));
    return buildElementwise(
        builder, sizes, getElementTypeOrSelf(probabilities), {}, {},
        [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
          // The number of the row, in the result as it is stored.
          Value row = zero;
          for (int64_t dim = 0; dim < 4; ++dim) {
            Value size =
                arith::ConstantIndexOp::create(b, dim ? shape[dim] : 0);
            row = arith::MulIOp::create(b, row, size);
            row =
                arith::AddIOp::create(b, row, linalg::IndexOp::create(b, dim));
          }
          Value heads = arith::ConstantIndexOp::create(b, shape[2]);
          Value query = arith::AddIOp::create(
              b, first, arith::RemUIOp::create(b, row, count));
          Value matrix = arith::DivUIOp::create(b, row, count);
          Value head = arith::RemUIOp::create(b, matrix, heads);
          Value item = arith::MinUIOp::create(
              b, arith::DivUIOp::create(b, matrix, heads), lastItem);
          query = arith::MinUIOp::create(b, query, lastQuery);
          Value key = linalg::IndexOp::create(b, 4);
          return arith::SelectOp::create(
              b, isMean,
              tensor::ExtractOp::create(b, mean, ValueRange{item, head, key}),
              tensor::ExtractOp::create(b, probabilities,
                                        ValueRange{item, head, query, key}));
        });
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
  patterns
      .add<ConvertAttentionOp, ConvertAttentionMapOp, ConvertSoftmaxMatmulOp,
           ConvertSplitHeadsOp, ConvertMergeHeadsOp>(patterns.getContext());
}
