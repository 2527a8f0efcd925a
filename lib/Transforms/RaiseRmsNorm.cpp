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
// as T5's norms do. A norm without a mean, x / sqrt(sum(x^2)), stays.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "MatchNorm.h"
#include "Movement.h"
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
  if (norm->dims.size() != 1 || !isMovable(norm->input)) {
    op->emitRemark("not raised to vit.rms_norm: it is along dims [")
        << norm->dims << "] of " << norm->input.getType()
        << "; vit.rms_norm is along one static dim";
    return failure();
  }

  int64_t dim = norm->dims.front();
  NormAffine affine =
      matchNormAffine(rewriter, op->getResult(0), dim, /*withShift=*/false);
  Operation *last = affine.result.getDefiningOp();
  rewriter.setInsertionPoint(last);
  Location loc = last->getLoc();
  Value raised = buildNorm(rewriter, loc, norm->input, dim, [&](Value value) {
    return RmsNormOp::create(rewriter, loc, value.getType(), value,
                             affine.scale,
                             rewriter.getF64FloatAttr(norm->epsilon));
  });
  rewriter.replaceAllUsesWith(affine.result, raised);
  return success();
}

namespace {
struct RaiseRmsNormPass final
    : vitc::vit::impl::RaiseRmsNormPassBase<RaiseRmsNormPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()) &&
          succeeded(raiseRmsNorm(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
