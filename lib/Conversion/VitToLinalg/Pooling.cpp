//===- Pooling.cpp - vit.mean_tokens to linalg ----------------------------===//
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
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

namespace {

struct ConvertMeanTokensOp final : OpConversionPattern<vit::MeanTokensOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::MeanTokensOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    int64_t skip = op.getSkip();
    int64_t count = op.getInput().getType().getDimSize(1) - skip;

    SmallVector<OpFoldResult> sizes = getSizes(builder, adaptor.getInput());
    sizes[1] = builder.getIndexAttr(count);
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
    offsets[1] = builder.getIndexAttr(skip);
    SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
    Value tokens = tensor::ExtractSliceOp::create(builder, adaptor.getInput(),
                                                  offsets, sizes, strides);

    // Loops (b, n, e).
    SmallVector<OpFoldResult> resultSizes = {sizes[0], sizes[2]};
    Value sums = buildReduction(
        builder, resultSizes, buildFloat(builder, type, 0.0), tokens,
        {builder.getMultiDimIdentityMap(3), getLoopMap(builder, 3, {0, 2})},
        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          return arith::AddFOp::create(b, args[1], args[0]);
        });
    Value divisor = buildFloat(builder, type, count);
    Value result = buildElementwise(
        builder, resultSizes, type, sums, builder.getMultiDimIdentityMap(2),
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          return arith::DivFOp::create(b, args[0], divisor);
        });
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populatePoolingToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertMeanTokensOp>(patterns.getContext());
}
