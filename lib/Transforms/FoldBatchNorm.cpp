//===- FoldBatchNorm.cpp - Fold batch norms into weights ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multiplies and adds to weights once instead of activations on each run:
//   %0 = vit.conv2d %x, %w bias(%b)
//   %1 = (%0 - %mean) / %deviation * %gamma + %beta       // for each channel
// becomes
//   %1 = vit.conv2d %x, diag(%f) %w bias(%f * %b + %o)
// with f = gamma / deviation and o = beta - mean * f. Before a product
//   %1 = vit.linear (%x * %f + %o), %w bias(%b)
// becomes
//   %1 = vit.linear %x, %w diag(%f) bias(%w %o + %b)
// A value that is moved between likewise. What multiplies by 1 and adds 0, as
// the group norm of PyTorch's exporter does, vanishes.
//
//===----------------------------------------------------------------------===//

#include "ChannelAffine.h"
#include "ConstantWeight.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FOLDBATCHNORMPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// A batch norm behind a product.
static LogicalResult foldAfter(Operation *op, RewriterBase &rewriter) {
  std::optional<ChannelAffine> affine = matchChannelAffine(op->getResult(0));
  if (!affine || !affine->hasOffset || isContinued(*affine))
    return rewriter.notifyMatchFailure(op, "ends no batch norm");
  if (isIdentity(*affine)) {
    eraseAffine(*affine, rewriter);
    return success();
  }
  return foldIntoProduct(*affine, "batch norm is", rewriter);
}

/// The weight as [N, K], and the dim of the weight with the channels that the
/// product reads; none where an offset of these is not the same everywhere.
static std::optional<WeightExprAttr> getMatrix(Operation *product,
                                               bool hasOffset) {
  WeightExprAttr weight = getConstantWeight(getWeight(product));
  auto conv = dyn_cast<Conv2dOp>(product);
  if (!weight || !weight.getType().getElementType().isF32())
    return std::nullopt;
  if (!conv)
    return weight;
  ArrayRef<int64_t> shape = weight.getType().getShape();
  bool isPadded =
      llvm::any_of(conv.getPad(), [](int64_t size) { return size != 0; });
  bool isMatrix = shape[2] == 1 && shape[3] == 1 && !isPadded;
  if (conv.getGroups() != 1 || (hasOffset && !isMatrix))
    return std::nullopt;
  if (!isMatrix)
    return weight;
  return WeightExprAttr::reshape(weight, {shape[0], shape[1]});
}

/// A batch norm before a product, which alone reads it.
static LogicalResult foldBefore(Operation *product, RewriterBase &rewriter) {
  Value value = product->getOperand(0);
  SmallVector<Operation *> movement;
  while (value.hasOneUse() && isInvertible(value.getDefiningOp())) {
    movement.push_back(value.getDefiningOp());
    value = value.getDefiningOp()->getOperand(0);
  }
  std::optional<ChannelAffine> affine = matchChannelAffine(value);
  if (!affine || !value.hasOneUse())
    return rewriter.notifyMatchFailure(product, "no batch norm of its own");
  auto linear = dyn_cast<LinearOp>(product);
  auto input = cast<RankedTensorType>(product->getOperand(0).getType());
  unsigned channels = linear ? input.getRank() - 1 : 1;
  std::optional<unsigned> dim = getSourceDim(movement, channels);
  if (!dim || !affine->isAlong(*dim))
    return rewriter.notifyMatchFailure(product, "is not along its channels");
  std::optional<WeightExprAttr> matrix = getMatrix(product, affine->hasOffset);
  Value oldBias = getBias(product);
  if (!matrix || (linear && linear.getNorm()) ||
      (oldBias &&
       (!getConstantWeight(oldBias) || !getElementTypeOrSelf(oldBias).isF32())))
    return rewriter.notifyMatchFailure(product, "cannot take the constants");

  auto [factor, offset] =
      getChannelConstants(*affine, input.getDimSize(channels));
  WeightExprAttr weight = getConstantWeight(getWeight(product));
  WeightExprAttr bias = getConstantWeight(oldBias);
  if (offset) {
    WeightExprAttr sums = WeightExprAttr::product(*matrix, offset);
    bias = bias ? WeightExprAttr::add(bias, sums) : sums;
  }
  if (factor)
    weight = WeightExprAttr::scale(weight, factor, /*dim=*/1);
  SmallVector<Location> locs;
  for (Operation *op : affine->ops)
    locs.push_back(op->getLoc());
  locs.push_back(product->getLoc());
  setParameters(product, weight, bias, rewriter.getFusedLoc(locs), rewriter);
  eraseAffine(*affine, rewriter);
  return success();
}

namespace {
struct FoldBatchNormPass final
    : vitc::vit::impl::FoldBatchNormPassBase<FoldBatchNormPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (isa<LinearOp, Conv2dOp>(op)) {
        if (succeeded(foldBefore(op, rewriter)))
          ++numFolded;
      } else if (op->getNumResults() == 1 &&
                 isa<RankedTensorType>(op->getResultTypes()[0]) &&
                 succeeded(foldAfter(op, rewriter))) {
        ++numFolded;
      }
    });
  }
};
} // namespace
