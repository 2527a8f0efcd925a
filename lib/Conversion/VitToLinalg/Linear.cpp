//===- Linear.cpp - vit.linear and vit.gelu to linalg ---------------------===//
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
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

namespace {

struct ConvertLinearOp final : OpConversionPattern<vit::LinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::LinearOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    unsigned rank = op.getType().getRank();

    // norm(input) · weight^T: loops (..., n, k), n the last dim of the result.
    unsigned n = rank - 1, k = rank;
    Value input = adaptor.getInput();
    if (op.getNorm())
      input = buildNormalized(builder, input, op.getNorm()->getRms(),
                              op.getNorm()->getEpsilon(), type);
    SmallVector<OpFoldResult> sizes = getSizes(builder, input);
    sizes.back() = builder.getIndexAttr(op.getType().getDimSize(n));
    auto resultLoops = llvm::to_vector(llvm::seq(0u, rank));
    SmallVector<unsigned> inputLoops(resultLoops);
    inputLoops.back() = k;
    Value result =
        buildContraction(builder, sizes, type, input, adaptor.getWeight(),
                         {getLoopMap(builder, rank + 1, inputLoops),
                          getLoopMap(builder, rank + 1, {n, k}),
                          getLoopMap(builder, rank + 1, resultLoops)});

    if (adaptor.getBias())
      result = buildSum(builder, result, adaptor.getBias(),
                        getLoopMap(builder, rank, {n}));
    result = buildActivation(builder, result, type, op.getActivation());
    if (adaptor.getResidual())
      result = buildSum(builder, result, adaptor.getResidual(),
                        builder.getMultiDimIdentityMap(rank));
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

struct ConvertGeluOp final : OpConversionPattern<vit::GeluOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::GeluOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    Value result =
        buildActivation(builder, adaptor.getInput(), type, op.getActivation());
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populateLinearToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertLinearOp, ConvertGeluOp>(patterns.getContext());
}
