//===- FuseLinearGelu.cpp - Fold vit.gelu into vit.linear -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the GELU in the matmul epilogue instead of a second sweep over memory:
//   %0 = vit.linear %x, %w bias(%b)
//   %1 = vit.gelu %0
// becomes
//   %1 = vit.linear %x, %w bias(%b) activation gelu
// Leaves %0 alone when it has another user, which needs the value before GELU.
// A vit.conv2d likewise, and a result that is moved between.
//
//===----------------------------------------------------------------------===//

#include "MovedProduct.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FUSELINEARGELUPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static LogicalResult fuseLinearGelu(GeluOp gelu, bool fuseTanh,
                                    RewriterBase &rewriter) {
  Value input = gelu.getInput();
  std::optional<MovedProduct> product = getMovedProduct(input);
  if (!product || !product->isPlain())
    return rewriter.notifyMatchFailure(gelu, "no plain product feeds it");
  if (!input.hasOneUse())
    return rewriter.notifyMatchFailure(gelu, "product has another user");
  if (gelu.getForm() == GeluForm::Tanh && !fuseTanh)
    return rewriter.notifyMatchFailure(gelu, "fuse-tanh is off");

  Operation *op = product->product;
  rewriter.modifyOpInPlace(op, [&] {
    product->setActivation(gelu.getActivation());
    op->setLoc(rewriter.getFusedLoc({op->getLoc(), gelu.getLoc()}));
  });
  rewriter.replaceOp(gelu, input);
  return success();
}

namespace {
struct FuseLinearGeluPass final
    : vitc::vit::impl::FuseLinearGeluPassBase<FuseLinearGeluPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](GeluOp gelu) {
      if (succeeded(fuseLinearGelu(gelu, fuseTanh, rewriter)))
        ++numFused;
    });
  }
};
} // namespace
