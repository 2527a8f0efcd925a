//===- MathApproximation.cpp - Polynomials for math functions -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathApproximation.h"

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

/// Whether LLVM has an instruction or an intrinsic for an op, whatever its
/// element type.
static bool isKnownToLLVM(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::CtPopOp, math::CosOp, math::ExpOp, math::Exp2Op,
             math::FloorOp, math::FmaOp, math::IsFiniteOp, math::IsInfOp,
             math::IsNaNOp, math::IsNormalOp, math::LogOp, math::Log2Op,
             math::Log10Op, math::PowFOp, math::RoundOp, math::RoundEvenOp,
             math::RsqrtOp, math::SinOp, math::SqrtOp, math::TruncOp>(op);
}

/// Calls libm for what is left.
static LogicalResult callLibm(func::FuncOp function) {
  SmallVector<Operation *> left;
  function.walk([&](Operation *op) {
    if (isa_and_nonnull<math::MathDialect>(op->getDialect()) &&
        !isKnownToLLVM(op))
      left.push_back(op);
  });
  if (left.empty())
    return success();
  RewritePatternSet patterns(function.getContext());
  populateMathToLibmConversionPatterns(patterns);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  return applyOpPatternsGreedily(left, std::move(patterns), config);
}

LogicalResult vitc::kernel::approximateMath(func::FuncOp function,
                                            CpuAttr cpu) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  populateDoubleMathPatterns(patterns);
  math::populateExpansionPatterns(patterns, {"round"});
  populateMathPolynomialApproximationPatterns(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  populateHalfPrecisionPatterns(patterns, cpu);
  if (failed(applyPatternsGreedily(function, std::move(patterns))) ||
      failed(callLibm(function)))
    return function.emitError("math functions do not end as polynomials");

  if (cpu.getFma())
    return success();
  // Without the instruction, a math.fma would become a call of libm's fmaf.
  IRRewriter rewriter(context);
  function.walk([&](math::FmaOp op) {
    rewriter.setInsertionPoint(op);
    Value product =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
  });
  return success();
}
