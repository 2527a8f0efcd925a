//===- FuseLinearResidual.cpp - Fold a residual into the product ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds the residual where the product still holds its result:
//   %0 = vit.linear %x, %w bias(%b)
//   %1 = arith.addf %0, %r
// becomes
//   %1 = vit.linear %x, %w bias(%b) residual(%r)
// Where the result is moved before the addition, as Swin's windows are, the
// residual moves back instead and the sum is moved: kernels read and write
// through such moves, so that neither costs a copy. The result of a vit.conv2d
// likewise.
//
//===----------------------------------------------------------------------===//

#include "MovedProduct.h"
#include "Movement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FUSELINEARRESIDUALPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// The product whose result operand `index` is, if it can add the other one.
static std::optional<MovedProduct> matchProduct(arith::AddFOp add,
                                                unsigned index) {
  Value result = add->getOperand(index);
  std::optional<MovedProduct> product = getMovedProduct(result);
  if (!product || !result.hasOneUse() || product->getResidual())
    return std::nullopt;
  if (!product->movement.empty() && !isMovable(add->getOperand(1 - index)))
    return std::nullopt;
  return product;
}

static LogicalResult fuseResidual(arith::AddFOp add, RewriterBase &rewriter) {
  std::optional<MovedProduct> first = matchProduct(add, 0);
  std::optional<MovedProduct> second = matchProduct(add, 1);
  if (!first && !second)
    return rewriter.notifyMatchFailure(
        add, "no product without a residual or another user feeds it");
  // The one whose result is moved less; the first where that is the same.
  unsigned index =
      !first || (second && second->movement.size() < first->movement.size());
  const MovedProduct &product = index == 0 ? *first : *second;

  rewriter.setInsertionPoint(add);
  Value residual = product.moveBack(rewriter, add->getOperand(1 - index));
  Operation *fused = rewriter.clone(*product.product);
  fused->setLoc(
      rewriter.getFusedLoc({product.product->getLoc(), add.getLoc()}));
  if (auto linear = dyn_cast<LinearOp>(fused))
    linear.getResidualMutable().assign(residual);
  else
    cast<Conv2dOp>(fused).getResidualMutable().assign(residual);
  rewriter.replaceOp(add, product.moveAgain(rewriter, fused->getResult(0)));
  for (Operation *op : product.movement)
    rewriter.eraseOp(op);
  rewriter.eraseOp(product.product);
  return success();
}

/// Says why the result of a product is not added in it.
static void remarkOnSlice(arith::AddFOp add) {
  for (Value operand : add->getOperands()) {
    Value value = operand;
    while (isInvertible(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
    if (slice && slice.getSource().hasOneUse() &&
        getMovedProduct(slice.getSource()))
      add.emitRemark("not added in the product before it: a slice to ")
          << slice.getType() << " drops a part of its result, "
          << slice.getSourceType();
  }
}

namespace {
struct FuseLinearResidualPass final
    : vitc::vit::impl::FuseLinearResidualPassBase<FuseLinearResidualPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](arith::AddFOp add) {
      if (succeeded(fuseResidual(add, rewriter)))
        ++numFused;
      else
        remarkOnSlice(add);
    });
  }
};
} // namespace
