//===- FoldNormAffine.cpp - A norm's scale and shift -> the next weights --===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = vit.layer_norm %x scale(%g) shift(%s)
//   %1 = vit.linear %0, %w bias(%b)
// becomes
//   %0 = vit.layer_norm %x
//   %1 = vit.linear %0, %w * %g bias(%b + %w %s)
// where the new weights are expressions on the stored ones. What lies between
// may move whole rows: window partitions, shifts, reshapes, slices of tokens.
// Leaves the norm alone when another op reads it, or weights are computed.
//
//===----------------------------------------------------------------------===//

#include "ConstantWeight.h"
#include "NormRows.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FOLDNORMAFFINEPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether weight expressions compute with `value`: an f32 constant, or none.
static bool isFoldable(Value value) {
  WeightExprAttr expr = getConstantWeight(value);
  return !value || (expr && expr.getType().getElementType().isF32());
}

/// Why the linear layer that is `reader` cannot take an affine map of its
/// input; empty if it can.
static std::string getObstacle(OpOperand &reader) {
  if (std::string reason = getProductObstacle(reader); !reason.empty())
    return reason;
  auto linear = cast<LinearOp>(reader.getOwner());
  if (!isFoldable(linear.getWeight()) || !isFoldable(linear.getBias()))
    return "a linear layer that reads its result has parameters that are not "
           "f32 constants";
  return "";
}

static LogicalResult foldNormAffine(const Norm &norm, RewriterBase &rewriter) {
  if (!norm.scale && !norm.shift)
    return rewriter.notifyMatchFailure(norm.op, "has no scale and no shift");
  auto miss = [&](StringRef reason) {
    norm.op->emitRemark("its scale and shift are not folded into the next "
                        "weights: ")
        << reason;
    return failure();
  };
  if (!isFoldable(norm.scale) || !isFoldable(norm.shift))
    return miss("they are not f32 constants");
  SmallVector<OpOperand *> readers = getRowReaders(norm.getResult());
  if (readers.empty())
    return rewriter.notifyMatchFailure(norm.op, "nothing reads its result");
  for (OpOperand *reader : readers)
    if (std::string reason = getObstacle(*reader); !reason.empty())
      return miss(reason);

  WeightExprAttr scale = getConstantWeight(norm.scale);
  WeightExprAttr shift = getConstantWeight(norm.shift);
  for (OpOperand *reader : readers) {
    auto linear = cast<LinearOp>(reader->getOwner());
    LinearWeights folded = foldAffine({getConstantWeight(linear.getWeight()),
                                       getConstantWeight(linear.getBias())},
                                      scale, shift);
    rewriter.setInsertionPoint(linear);
    Location loc =
        rewriter.getFusedLoc({linear.getWeight().getLoc(), norm.op->getLoc()});
    rewriter.modifyOpInPlace(linear, [&] {
      linear.getWeightMutable().assign(
          ConstantOp::create(rewriter, loc, folded.weight));
      if (folded.bias)
        linear.getBiasMutable().assign(
            ConstantOp::create(rewriter, loc, folded.bias));
    });
  }
  rewriter.modifyOpInPlace(norm.op, [&] {
    if (auto layerNorm = dyn_cast<LayerNormOp>(norm.op)) {
      layerNorm.getScaleMutable().clear();
      layerNorm.getShiftMutable().clear();
    } else {
      cast<RmsNormOp>(norm.op).getScaleMutable().clear();
    }
  });
  return success();
}

namespace {
struct FoldNormAffinePass final
    : vitc::vit::impl::FoldNormAffinePassBase<FoldNormAffinePass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      std::optional<Norm> norm = matchNorm(op);
      if (norm && succeeded(foldNormAffine(*norm, rewriter)))
        ++numFolded;
    });
  }
};
} // namespace
