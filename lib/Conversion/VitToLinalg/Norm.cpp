//===- Norm.cpp - vit.layer_norm, rms_norm to linalg ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Norm.h"

#include "Generic.h"
#include "Patterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

/// The mean of each row of the last dim of `tensor`, in `type`.
static Value buildRowMeans(ImplicitLocOpBuilder &builder, Value tensor,
                           Type type) {
  auto tensorType = cast<RankedTensorType>(tensor.getType());
  unsigned rank = tensorType.getRank();
  SmallVector<OpFoldResult> rowSizes = getSizes(builder, tensor);
  rowSizes.pop_back();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  Value sums =
      buildReduction(builder, rowSizes, buildFloat(builder, type, 0.0), tensor,
                     {identity, identity.dropResult(rank - 1)},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(b, args[1], args[0]);
                     });
  Value count = buildFloat(builder, type, tensorType.getShape().back());
  return buildElementwise(
      builder, rowSizes, type, sums, builder.getMultiDimIdentityMap(rank - 1),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::DivFOp::create(b, args[0], count);
      });
}

/// Each element's square.
static Value buildSquares(ImplicitLocOpBuilder &builder, Value tensor,
                          Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  return buildElementwise(
      builder, sizes, type, tensor,
      builder.getMultiDimIdentityMap(sizes.size()),
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::MulFOp::create(b, args[0], args[0]);
      });
}

/// tensor / sqrt(power + epsilon), `power` of the rows of the last axis.
static Value buildQuotient(ImplicitLocOpBuilder &builder, Value tensor,
                           Value power, double epsilon, Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  AffineMap identity = builder.getMultiDimIdentityMap(sizes.size());
  Value summand = buildFloat(builder, type, epsilon);
  return buildElementwise(
      builder, sizes, type, {tensor, power},
      {identity, identity.dropResult(sizes.size() - 1)},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value sum = arith::AddFOp::create(b, args[1], summand);
        Value root = math::SqrtOp::create(b, sum);
        return arith::DivFOp::create(b, args[0], root);
      });
}

/// tensor * scale, one factor a channel of the last axis.
static Value buildScaled(ImplicitLocOpBuilder &builder, Value tensor,
                         Value scale, Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  unsigned rank = sizes.size();
  return buildElementwise(
      builder, sizes, type, {tensor, scale},
      {builder.getMultiDimIdentityMap(rank),
       getLoopMap(builder, rank, {rank - 1})},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::MulFOp::create(b, args[0], args[1]);
      });
}

/// tensor - its mean, of each row of the last axis.
static Value buildCentred(ImplicitLocOpBuilder &builder, Value tensor,
                          Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  AffineMap identity = builder.getMultiDimIdentityMap(sizes.size());
  Value means = buildRowMeans(builder, tensor, type);
  return buildElementwise(
      builder, sizes, type, {tensor, means},
      {identity, identity.dropResult(sizes.size() - 1)},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::SubFOp::create(b, args[0], args[1]);
      });
}

Value vitc::buildNormalized(ImplicitLocOpBuilder &builder, Value tensor,
                            bool rms, FloatAttr epsilon, Type type) {
  // Two passes: mean((x - mean)^2) does not cancel as mean(x^2) - mean^2.
  if (!rms)
    tensor = buildCentred(builder, tensor, type);
  Value squares = buildSquares(builder, tensor, type);
  Value power = buildRowMeans(builder, squares, type);
  return buildQuotient(builder, tensor, power, epsilon.getValueAsDouble(),
                       type);
}

namespace {

struct ConvertLayerNormOp final : OpConversionPattern<vit::LayerNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::LayerNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    Value result = buildNormalized(builder, adaptor.getInput(), /*rms=*/false,
                                   op.getEpsilonAttr(), type);
    if (adaptor.getScale())
      result = buildScaled(builder, result, adaptor.getScale(), type);
    if (adaptor.getShift()) {
      SmallVector<OpFoldResult> sizes = getSizes(builder, result);
      unsigned rank = sizes.size();
      result = buildElementwise(
          builder, sizes, type, {result, adaptor.getShift()},
          {builder.getMultiDimIdentityMap(rank),
           getLoopMap(builder, rank, {rank - 1})},
          [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
            return arith::AddFOp::create(b, args[0], args[1]);
          });
    }
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

struct ConvertRmsNormOp final : OpConversionPattern<vit::RmsNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::RmsNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    Value result = buildNormalized(builder, adaptor.getInput(), /*rms=*/true,
                                   op.getEpsilonAttr(), type);
    if (adaptor.getScale())
      result = buildScaled(builder, result, adaptor.getScale(), type);
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populateNormToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertLayerNormOp, ConvertRmsNormOp>(patterns.getContext());
}
