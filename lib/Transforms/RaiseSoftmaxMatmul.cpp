//===- RaiseSoftmaxMatmul.cpp - Softmax and the product after it ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %1 = linalg.softmax %0
//   %2 = linalg.contract ins(%1, %v)
// becomes
//   %2 = vit.softmax_matmul %0, %v
// where the scores %0 are no product of queries and keys: additive attention,
// talking heads before the softmax. What mixes the heads of the probabilities
// keeps the two apart, as vit-raise-attention has reported.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Heads.h"
#include "Vit/VitDialect.h"
#include "WeightedValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"
#include <algorithm>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISESOFTMAXMATMULPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// The axes of vit.softmax_matmul's operands: scores and values share the
/// batch, which the first dim of the softmax has, and the heads.
static HeadAxes getAxes(const AxisSpace &space, const WeightedValues &match) {
  HeadAxes axes;
  AxisList ofValues = flatten(space.resolveDims(match.value.dims));
  AxisList keys = space.resolve(match.keys);
  for (auto [index, dim] : llvm::enumerate(space.resolveDims(match.scoreDims)))
    for (unsigned axis : dim) {
      if (llvm::is_contained(keys, axis) || space.isFixed(axis))
        continue;
      if (!llvm::is_contained(ofValues, axis) && !space.isDynamic(axis))
        axes.tokens.push_back(axis);
      else if (index == 0 || space.isDynamic(axis))
        axes.batch.push_back(axis);
      else
        axes.heads.push_back(axis);
    }
  axes.channels = space.resolve(match.valueChannels);
  // The dim that grows is the first one.
  auto growing = llvm::find_if(
      axes.batch, [&](unsigned axis) { return space.isDynamic(axis); });
  if (growing != axes.batch.end())
    std::rotate(axes.batch.begin(), growing, growing + 1);
  return axes;
}

static LogicalResult raiseSoftmaxMatmul(linalg::SoftmaxOp softmax,
                                        RewriterBase &rewriter) {
  AxisSpace space;
  WeightedValues match;
  std::string reason;
  if (failed(matchWeightedValues(softmax, space, match, reason)))
    return rewriter.notifyMatchFailure(softmax, reason);
  Value scores = softmax.getInput();
  Type element = getElementTypeOrSelf(scores);
  for (Value value : {match.value.tensor, Value(match.product->getResult(0))})
    if (getElementTypeOrSelf(value) != element) {
      softmax.emitRemark("softmax is not raised to vit.softmax_matmul: the "
                         "scores are ")
          << element << ", values or result " << getElementTypeOrSelf(value);
      return failure();
    }
  while (space.stepUp(match.value.tensor, match.value.dims))
    ;
  HeadAxes axes = getAxes(space, match);
  AxisList keys = space.resolve(match.keys);
  if (ShapedType::isDynamic(space.getSize(keys))) {
    softmax.emitRemark("softmax is not raised to vit.softmax_matmul: keys grow "
                       "with the batch");
    return failure();
  }

  rewriter.setInsertionPoint(match.product);
  Location loc =
      rewriter.getFusedLoc({softmax.getLoc(), match.product->getLoc()});
  Value matrix = space.rearrange(rewriter, loc, scores, match.scoreDims,
                                 {axes.batch, axes.heads, axes.tokens, keys});
  Value value =
      splitHeads(rewriter, loc, space, match.value.tensor, match.value.dims,
                 {axes.batch, axes.heads, keys, axes.channels});
  Value result = SoftmaxMatmulOp::create(rewriter, loc, matrix, value);
  rewriter.replaceOp(match.product, mergeHeads(rewriter, loc, space, result,
                                               axes, match.resultDims));
  return success();
}

namespace {
struct RaiseSoftmaxMatmulPass final
    : vitc::vit::impl::RaiseSoftmaxMatmulPassBase<RaiseSoftmaxMatmulPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::SoftmaxOp> softmaxes;
    getOperation().walk(
        [&](linalg::SoftmaxOp softmax) { softmaxes.push_back(softmax); });
    for (linalg::SoftmaxOp softmax : softmaxes)
      if (succeeded(raiseSoftmaxMatmul(softmax, rewriter)))
        ++numRaised;
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
