//===- AdditiveAttention.cpp - vit.additive_attention to linalg -----------===//
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
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

namespace {

struct ConvertAdditiveAttentionOp final
    : OpConversionPattern<vit::AdditiveAttentionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::AdditiveAttentionOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    SmallVector<OpFoldResult> query = getSizes(builder, adaptor.getQuery());
    SmallVector<OpFoldResult> value = getSizes(builder, adaptor.getValue());

    // Loops (b, h, i, j, d).
    SmallVector<OpFoldResult> sizes = {query[0], builder.getIndexAttr(1),
                                       query[1], value[1]};
    Value scores = buildReduction(
        builder, sizes, buildFloat(builder, type, 0.0),
        {adaptor.getQuery(), adaptor.getKey(), adaptor.getWeight()},
        {getLoopMap(builder, 5, {0, 2, 4}), getLoopMap(builder, 5, {0, 3, 4}),
         getLoopMap(builder, 5, {4}), getLoopMap(builder, 5, {0, 1, 2, 3})},
        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Value sum = arith::AddFOp::create(b, args[0], args[1]);
          Value term = arith::MulFOp::create(
              b, args[2], math::TanhOp::create(b, sum).getResult());
          return arith::AddFOp::create(b, args[3], term);
        });

    RankedTensorType valueType = op.getValue().getType();
    SmallVector<ReassociationIndices> heads = {{0}, {1, 2}, {3}};
    value.insert(value.begin() + 1, builder.getIndexAttr(1));
    Value values = tensor::ExpandShapeOp::create(
        builder,
        valueType.clone({valueType.getDimSize(0), 1, valueType.getDimSize(1),
                         valueType.getDimSize(2)}),
        adaptor.getValue(), heads, value);
    Value result = buildWeightedValues(builder, buildSoftmax(builder, scores),
                                       values, type);
    Value collapsed = tensor::CollapseShapeOp::create(
        builder, op.getType().clone(type), result, heads);
    rewriter.replaceOp(
        op, buildNarrowed(builder, collapsed, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populateAdditiveAttentionToLinalgPatterns(
    RewritePatternSet &patterns) {
  patterns.add<ConvertAdditiveAttentionOp>(patterns.getContext());
}
