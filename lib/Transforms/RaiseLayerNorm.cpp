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

#include "DeadOps.h"
#include "MatchNorm.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISELAYERNORMPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// x, where `tensor` is x - mean(x) with the mean over `dims`.
static Value getCentered(Value tensor, ArrayRef<int64_t> dims) {
  std::optional<Elementwise> match = matchElementwise(tensor);
  if (!match || !match->is<arith::SubFOp>() || !match->operands[0].isIdentity())
    return {};
  Value input = match->operands[0].tensor;
  const ElementwiseOperand &subtrahend = match->operands[1];
  auto shape = cast<RankedTensorType>(tensor.getType()).getShape();
  if (!readsAllBut(subtrahend, shape, dims))
    return {};
  std::optional<Mean> mean = matchMean(subtrahend.tensor);
  return mean && mean->input == input && mean->dims == dims ? input : Value();
}

static LogicalResult raiseLayerNorm(Operation *op, RewriterBase &rewriter) {
  std::optional<RmsNormalized> norm = matchRmsNormalized(op->getResult(0));
  if (!norm)
    return rewriter.notifyMatchFailure(op, "divides by no root of a mean");
  Value input = getCentered(norm->input, norm->dims);
  if (!input)
    return rewriter.notifyMatchFailure(op, "has no mean taken off");
  if (norm->dims.size() != 1 || !isMovable(input)) {
    op->emitRemark("not raised to vit.layer_norm: it is along dims [")
        << norm->dims << "] of " << input.getType()
        << "; vit.layer_norm is along one static dim";
    return failure();
  }

  int64_t dim = norm->dims.front();
  NormAffine affine =
      matchNormAffine(rewriter, op->getResult(0), dim, /*withShift=*/true);
  Operation *last = affine.result.getDefiningOp();
  rewriter.setInsertionPoint(last);
  Location loc = last->getLoc();
  Value raised = buildNorm(rewriter, loc, input, dim, [&](Value value) {
    return LayerNormOp::create(rewriter, loc, value.getType(), value,
                               affine.scale, affine.shift,
                               rewriter.getF64FloatAttr(norm->epsilon));
  });
  rewriter.replaceAllUsesWith(affine.result, raised);
  return success();
}

namespace {
struct RaiseLayerNormPass final
    : vitc::vit::impl::RaiseLayerNormPassBase<RaiseLayerNormPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()) &&
          succeeded(raiseLayerNorm(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
