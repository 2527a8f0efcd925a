//===- FuseActivation.cpp - Fold activations into products --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs ReLU, SiLU and sigmoid where a product still holds its result:
//   %0 = vit.linear %x, %w
//   %1 = linalg.generic: 1 / (1 + exp(-%0))
//   %2 = arith.mulf %0, %1
// becomes
//   %2 = vit.linear %x, %w activation silu
// A vit.conv2d likewise, and a result that is moved between.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "ElementwiseFunction.h"
#include "Match.h"
#include "MovedProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_FUSEACTIVATIONPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
struct ActivationMatch {
  Activation activation;
  Value input;
};
} // namespace

/// max(x, 0), which keeps NaN.
static std::optional<ActivationMatch> matchRelu(Value root) {
  std::optional<Elementwise> op = matchElementwise(root);
  if (!op || !op->is<arith::MaximumFOp>())
    return std::nullopt;
  for (unsigned index : {0, 1})
    if (op->operands[index].isIdentity() &&
        op->operands[1 - index].scalar == 0.0)
      return ActivationMatch{Activation::Relu, op->operands[index].tensor};
  return std::nullopt;
}

/// 1 / (1 + exp(-x)), or x times that, however they are written.
static std::optional<ActivationMatch> matchSigmoid(Value root) {
  auto type = dyn_cast<RankedTensorType>(root.getType());
  if (!type || !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  llvm::SetVector<Value> tensors = getExpressionTensors(root);
  if (llvm::none_of(tensors, isSigmoidal))
    return std::nullopt;
  double tolerance = getTolerance(cast<FloatType>(type.getElementType()));
  for (Value tensor : llvm::drop_begin(tensors)) {
    if (tensor.getType() != type || getScalar(tensor))
      continue;
    ElementwiseFunction function(tensor);
    std::optional<Samples> values = function.evaluate(root);
    if (!values || !isOnlyReadBy(tensor, root))
      continue;
    auto is = [&](llvm::function_ref<double(double)> activation) {
      return getDifference(*values, activation) <= tolerance;
    };
    if (is([](double x) { return 1 / (1 + std::exp(-x)); }))
      return ActivationMatch{Activation::Sigmoid, tensor};
    if (is([](double x) { return x / (1 + std::exp(-x)); }))
      return ActivationMatch{Activation::Silu, tensor};
  }
  return std::nullopt;
}

static LogicalResult fuseActivation(Operation *op, RewriterBase &rewriter) {
  Value root = op->getResult(0);
  std::optional<ActivationMatch> match = matchRelu(root);
  if (match && !match->input.hasOneUse())
    return rewriter.notifyMatchFailure(op, "its input has another user");
  if (!match)
    match = matchSigmoid(root);
  if (!match)
    return rewriter.notifyMatchFailure(op, "is no activation");
  std::optional<MovedProduct> product = getMovedProduct(match->input);
  if (!product || !product->isPlain())
    return rewriter.notifyMatchFailure(op, "no plain product feeds it");

  Operation *productOp = product->product;
  rewriter.modifyOpInPlace(productOp, [&] {
    product->setActivation(match->activation);
    productOp->setLoc(
        rewriter.getFusedLoc({productOp->getLoc(), op->getLoc()}));
  });
  rewriter.replaceOp(op, match->input);
  return success();
}

namespace {
struct FuseActivationPass final
    : vitc::vit::impl::FuseActivationPassBase<FuseActivationPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // The last op of an activation is one of these. Backwards, SiLU is found
    // before the sigmoid in it.
    SmallVector<Operation *> roots;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::MulFOp, arith::DivFOp, arith::MaximumFOp,
              linalg::GenericOp>(op) &&
          op->getNumResults() == 1 && isa<TensorType>(op->getResultTypes()[0]))
        roots.push_back(op);
    });
    for (Operation *op : llvm::reverse(roots))
      if (succeeded(fuseActivation(op, rewriter)))
        ++numFused;
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
