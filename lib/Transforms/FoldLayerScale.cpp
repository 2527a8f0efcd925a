//===- FoldLayerScale.cpp - Fold LayerScale into weights ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multiplies weights once instead of the result on each run:
//   %0 = vit.linear %x, %w bias(%b)
//   %1 = arith.mulf %0, %gamma            // [N], for each channel, or a number
// becomes
//   %1 = vit.linear %x, diag(%gamma) %w bias(%gamma * %b)
// A vit.conv2d likewise, and a result that is moved between. Factors with an
// offset are left to vit-fold-batch-norm.
//
//===----------------------------------------------------------------------===//

#include "ChannelAffine.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FOLDLAYERSCALEPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static LogicalResult foldLayerScale(Operation *op, RewriterBase &rewriter) {
  std::optional<ChannelAffine> affine = matchChannelAffine(op->getResult(0));
  if (!affine || affine->hasOffset || isContinued(*affine))
    return rewriter.notifyMatchFailure(op, "ends no product with constants");
  return foldIntoProduct(*affine, "factors are", rewriter);
}

namespace {
struct FoldLayerScalePass final
    : vitc::vit::impl::FoldLayerScalePassBase<FoldLayerScalePass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResultTypes()[0]) &&
          succeeded(foldLayerScale(op, rewriter)))
        ++numFolded;
    });
  }
};
} // namespace
