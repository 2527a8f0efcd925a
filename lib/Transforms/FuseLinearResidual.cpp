//===- FuseLinearResidual.cpp - Fold an addition into vit.linear ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds the residual while the product is still in registers:
//   %0 = vit.linear %x, %w bias(%b)
//   %1 = arith.addf %0, %r
// becomes
//   %1 = vit.linear %x, %w bias(%b) residual(%r)
// Leaves %0 alone when it has another user, which needs the value before.
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FUSELINEARRESIDUALPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Fuses with operand `index` of the addition, the other being the residual.
static LogicalResult fuseLinearResidual(arith::AddFOp add, unsigned index,
                                        RewriterBase &rewriter) {
  auto linear = add->getOperand(index).getDefiningOp<LinearOp>();
  if (!linear || linear.getResidual())
    return rewriter.notifyMatchFailure(
        add, "no vit.linear without a residual feeds it");
  if (!linear->hasOneUse())
    return rewriter.notifyMatchFailure(add, "linear has another user");

  rewriter.setInsertionPoint(add);
  Location loc = rewriter.getFusedLoc({linear.getLoc(), add.getLoc()});
  auto fused = LinearOp::create(
      rewriter, loc, add.getType(), linear.getInput(), linear.getWeight(),
      linear.getBias(), add->getOperand(1 - index), linear.getActivationAttr());
  rewriter.replaceOp(add, fused);
  rewriter.eraseOp(linear);
  return success();
}

namespace {
struct FuseLinearResidualPass final
    : vitc::vit::impl::FuseLinearResidualPassBase<FuseLinearResidualPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](arith::AddFOp add) {
      if (succeeded(fuseLinearResidual(add, 0, rewriter)) ||
          succeeded(fuseLinearResidual(add, 1, rewriter)))
        ++numFused;
    });
  }
};
} // namespace
