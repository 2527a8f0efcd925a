//===- RaiseLayerNorm.cpp - Layer norm from means and a root --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %d = %x - mean(%x)
//   %y = %d / sqrt(mean(%d * %d) + epsilon) * scale + shift
// becomes
//   %y = vit.layer_norm %x scale(scale) shift(shift) epsilon epsilon
// Opsets before 17 have no LayerNormalization, and norms of channels first are
// written out in later ones, too.
//
//===----------------------------------------------------------------------===//

#include "MatchNorm.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISELAYERNORMPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static LogicalResult raiseLayerNorm(Operation *op, RewriterBase &rewriter) {
  std::optional<RmsNormalized> norm = matchRmsNormalized(op->getResult(0));
  if (!norm)
    return rewriter.notifyMatchFailure(op, "divides by no root of a mean");
  Value input = getCentered(norm->input, norm->dims);
  if (!input)
    return rewriter.notifyMatchFailure(op, "has no mean taken off");
  return raiseNorm(op, input, norm->dims, LayerNormOp::getOperationName(),
                   /*withShift=*/true, rewriter,
                   [&](Value value, const NormAffine &affine) -> Value {
                     return LayerNormOp::create(
                         rewriter, affine.result.getLoc(), value.getType(),
                         value, affine.scale, affine.shift,
                         rewriter.getF64FloatAttr(norm->epsilon));
                   });
}

namespace {
struct RaiseLayerNormPass final
    : vitc::vit::impl::RaiseLayerNormPassBase<RaiseLayerNormPass> {
  using Base::Base;
  void runOnOperation() override {
    numRaised += raiseNorms(getOperation(), raiseLayerNorm);
  }
};
} // namespace
