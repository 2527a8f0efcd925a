//===- Linear.cpp - vit.linear and vit.gelu to linalg ---------------------===//
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
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

/// A GELU of one element. VitToKernel has its own on purpose: the reference
/// shares no code with what it checks.
static Value buildGelu(ImplicitLocOpBuilder &b, Value x, vit::GeluForm form) {
  auto constant = [&](double value) {
    return buildFloat(b, x.getType(), value);
  };
  if (form == vit::GeluForm::Quick) {
    Value argument = arith::MulFOp::create(b, x, constant(-1.702));
    Value power = math::ExpOp::create(b, argument);
    Value divisor = arith::AddFOp::create(b, constant(1.0), power);
    return arith::DivFOp::create(b, x, divisor);
  }
  Value sigmoid;
  if (form == vit::GeluForm::Tanh) {
    Value square = arith::MulFOp::create(b, x, x);
    Value cube = arith::MulFOp::create(b, square, x);
    Value cubic = arith::MulFOp::create(b, constant(0.044715), cube);
    Value sum = arith::AddFOp::create(b, x, cubic);
    Value argument =
        arith::MulFOp::create(b, constant(std::sqrt(2.0 / M_PI)), sum);
    sigmoid = math::TanhOp::create(b, argument);
  } else {
    Value argument = arith::DivFOp::create(b, x, constant(std::sqrt(2.0)));
    sigmoid = math::ErfOp::create(b, argument);
  }
  Value shifted = arith::AddFOp::create(b, constant(1.0), sigmoid);
  Value product = arith::MulFOp::create(b, x, shifted);
  return arith::MulFOp::create(b, product, constant(0.5));
}

/// GELU of each element of `tensor`.
static Value buildGeluTensor(ImplicitLocOpBuilder &builder, Value tensor,
                             Type type, vit::GeluForm form) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  return buildElementwise(
      builder, sizes, type, tensor,
      builder.getMultiDimIdentityMap(sizes.size()),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return buildGelu(b, args[0], form);
      });
}

/// lhs + rhs, with rhs read through `rhsMap`.
static Value buildSum(ImplicitLocOpBuilder &builder, Value lhs, Value rhs,
                      AffineMap rhsMap) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, lhs);
  return buildElementwise(
      builder, sizes, getElementTypeOrSelf(lhs), {lhs, rhs},
      {builder.getMultiDimIdentityMap(sizes.size()), rhsMap},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::AddFOp::create(b, args[0], args[1]);
      });
}

static vit::GeluForm getGeluForm(vit::Activation activation) {
  if (activation == vit::Activation::GeluTanh)
    return vit::GeluForm::Tanh;
  if (activation == vit::Activation::GeluQuick)
    return vit::GeluForm::Quick;
  return vit::GeluForm::Exact;
}

namespace {

struct ConvertLinearOp final : OpConversionPattern<vit::LinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::LinearOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    unsigned rank = op.getType().getRank();

    // input · weight^T: loops (..., n, k), n the last dim of the result.
    unsigned n = rank - 1, k = rank;
    SmallVector<OpFoldResult> sizes = getSizes(builder, adaptor.getInput());
    sizes.back() = builder.getIndexAttr(op.getType().getDimSize(n));
    auto resultLoops = llvm::to_vector(llvm::seq(0u, rank));
    SmallVector<unsigned> inputLoops(resultLoops);
    inputLoops.back() = k;
    Value result = buildContraction(
        builder, sizes, type, adaptor.getInput(), adaptor.getWeight(),
        {getLoopMap(builder, rank + 1, inputLoops),
         getLoopMap(builder, rank + 1, {n, k}),
         getLoopMap(builder, rank + 1, resultLoops)});

    if (adaptor.getBias())
      result = buildSum(builder, result, adaptor.getBias(),
                        getLoopMap(builder, rank, {n}));
    if (op.getActivation() != vit::Activation::None)
      result = buildGeluTensor(builder, result, type,
                               getGeluForm(op.getActivation()));
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
        buildGeluTensor(builder, adaptor.getInput(), type, op.getForm());
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

} // namespace

void vitc::populateLinearToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertLinearOp, ConvertGeluOp>(patterns.getContext());
}
