//===- RaiseRmsNorm.cpp - RMS norm from a mean of squares and a root ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %y = %x / sqrt(mean(%x * %x) + epsilon) * scale
// becomes
//   %y = vit.rms_norm %x scale(scale) epsilon epsilon
// as T5's norms do. A norm without a mean, x / sqrt(sum(x^2)), stays, and so
// does a layer norm, where %x has had its mean taken off.
//
//===----------------------------------------------------------------------===//

#include "MatchNorm.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISERMSNORMPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static LogicalResult raiseRmsNorm(Operation *op, RewriterBase &rewriter) {
  std::optional<RmsNormalized> norm = matchRmsNormalized(op->getResult(0));
  if (!norm)
    return rewriter.notifyMatchFailure(op, "divides by no root of a mean");
  // vit-raise-layer-norm has said why it left this one.
  if (getCentered(norm->input, norm->dims))
    return rewriter.notifyMatchFailure(op, "has the mean taken off");
  return raiseNorm(op, norm->input, norm->dims, RmsNormOp::getOperationName(),
                   /*withShift=*/false, rewriter,
                   [&](Value value, const NormAffine &affine) -> Value {
                     return RmsNormOp::create(
                         rewriter, affine.result.getLoc(), value.getType(),
                         value, affine.scale,
                         rewriter.getF64FloatAttr(norm->epsilon));
                   });
}

namespace {
struct RaiseRmsNormPass final
    : vitc::vit::impl::RaiseRmsNormPassBase<RaiseRmsNormPass> {
  using Base::Base;
  void runOnOperation() override {
    numRaised += raiseNorms(getOperation(), raiseRmsNorm);
  }
};
} // namespace
