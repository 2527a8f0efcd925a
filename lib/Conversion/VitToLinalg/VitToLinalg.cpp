//===- VitToLinalg.cpp - The reference lowering of vit ops ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Conversion/Passes.h"

#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace vitc {
#define GEN_PASS_DEF_CONVERTVITTOLINALGPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;

void vitc::populateVitToLinalgConversionPatterns(RewritePatternSet &patterns) {
  populateAdditiveAttentionToLinalgPatterns(patterns);
  populateAttentionToLinalgPatterns(patterns);
  populateCacheToLinalgPatterns(patterns);
  populateConvolutionToLinalgPatterns(patterns);
  populateLinearToLinalgPatterns(patterns);
  populateNormToLinalgPatterns(patterns);
  populatePatchEmbedToLinalgPatterns(patterns);
  populatePoolingToLinalgPatterns(patterns);
  populateRecurrentToLinalgPatterns(patterns);
  populateWindowToLinalgPatterns(patterns);
}

namespace {
struct ConvertVitToLinalgPass final
    : vitc::impl::ConvertVitToLinalgPassBase<ConvertVitToLinalgPass> {
  using Base::Base;
  void runOnOperation() override {
    // Every other dialect's op stays; vit.constant refers to a weight and has
    // nothing to compute.
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    llvm::DenseSet<Operation *> converted;
    if (withoutKernel) {
      remarkWithoutKernel(converted);
      target.addDynamicallyLegalDialect<vitc::vit::VitDialect>(
          [&](Operation *op) { return !converted.contains(op); });
    } else {
      target.addIllegalDialect<vitc::vit::VitDialect>();
    }
    target.addLegalOp<vitc::vit::ConstantOp>();
    RewritePatternSet patterns(&getContext());
    vitc::populateVitToLinalgConversionPatterns(patterns);
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }

  /// Collects the ops that no kernel computes, and says why on each.
  void remarkWithoutKernel(llvm::DenseSet<Operation *> &found) {
    getOperation().walk([&](Operation *op) {
      std::string reason = vitc::getReasonWithoutKernel(op);
      if (reason.empty())
        return;
      found.insert(op);
      op->emitRemark() << op->getName()
                       << " becomes plain loops, which are slower: " << reason;
    });
  }
};
} // namespace
