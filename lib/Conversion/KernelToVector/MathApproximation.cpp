//===- MathApproximation.cpp - Polynomials for math functions -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathApproximation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

LogicalResult vitc::kernel::approximateMath(func::FuncOp function,
                                            CpuAttr cpu) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  // These become functions of exp and log, which become polynomials.
  math::populateExpansionPatterns(patterns,
                                  {"sinh", "cosh", "tan", "asinh", "acosh",
                                   "atanh", "powf", "exp2", "round"});
  populateMathPolynomialApproximationPatterns(patterns);
  if (failed(applyPatternsGreedily(function, std::move(patterns))))
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
