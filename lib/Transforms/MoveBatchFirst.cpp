//===- MoveBatchFirst.cpp - Keep the batch in dim 0 -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PyTorch's attention unpacks q, k and v as [3, B, H, N, D] and computes its
// last layer on [N * B, E]. Only static batches have kernels there: the slice
// of q goes before the transpose, and
//   %1 = linalg.transpose %0 : [B, N, E] -> [N, B, E]
//   %2 = tensor.collapse_shape %1 : [N * B, E]
//   %3 = vit.linear %2
// becomes
//   %1 = vit.linear %0 : [B, N, E]
//   %2 = linalg.transpose %1 : [N, B, E]
//   %3 = tensor.collapse_shape %2 : [N * B, E]
//
//===----------------------------------------------------------------------===//

#include "Axes.h"
#include "DeadOps.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_MOVEBATCHFIRSTPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether the batch is in a dim, and in which.
static bool isBatchFirst(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && type.getRank() > 0 && type.isDynamicDim(0);
}
static bool isBatchLater(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && !type.hasStaticShape() && !type.isDynamicDim(0);
}

/// Rows in the order (n b) are computed in the order (b n).
static LogicalResult moveLinear(LinearOp linear, RewriterBase &rewriter) {
  if (linear.getResidual())
    return rewriter.notifyMatchFailure(linear, "residual has the same order");
  AxisSpace space;
  Value value = linear.getInput();
  std::optional<DimAxes> dims = space.addDims(value);
  if (!dims)
    return rewriter.notifyMatchFailure(linear, "has an unknown dynamic size");
  DimAxes target = *dims;
  while (space.stepUp(value, *dims))
    ;
  target = space.resolveDims(target);
  AxisList channels = target.pop_back_val(), rows = flatten(target);
  if (!isBatchFirst(value) || rows.size() != 2 || space.isDynamic(rows[0]) ||
      !space.isDynamic(rows[1]))
    return rewriter.notifyMatchFailure(linear, "rows are not tokens by batch");

  rewriter.setInsertionPoint(linear);
  Value input = space.rearrange(rewriter, linear.getLoc(), value, *dims,
                                {{rows[1]}, {rows[0]}, channels});
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(input.getType()).getShape());
  shape.back() = linear.getType().getShape().back();
  auto result =
      LinearOp::create(rewriter, linear.getLoc(), linear.getType().clone(shape),
                       input, linear.getWeight(), linear.getBias(), Value(),
                       linear.getActivationAttr(), linear.getNormAttr());
  DimAxes out{{rows[1]}, {rows[0]}, {}};
  out.back() = space.addDims(result)->back();
  target.push_back(out.back());
  rewriter.replaceOp(
      linear, space.rearrange(rewriter, linear.getLoc(), result, out, target));
  return success();
}

/// Moves `op`'s result from where the batch was first before.
static LogicalResult moveResult(Operation *op, RewriterBase &rewriter) {
  AxisSpace space;
  Value value = op->getResult(0);
  std::optional<DimAxes> dims = space.addDims(value);
  if (!dims)
    return rewriter.notifyMatchFailure(op, "has an unknown dynamic size");
  DimAxes target = *dims;
  while (space.stepUp(value, *dims))
    ;
  target = space.resolveDims(target);
  if (!isBatchFirst(value) || !space.isDynamic(flatten(target).front()))
    return rewriter.notifyMatchFailure(op, "batch is not the outermost axis");
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(
      op, space.rearrange(rewriter, op->getLoc(), value, *dims, target));
  return success();
}

namespace {
struct MoveBatchFirstPass final
    : vitc::vit::impl::MoveBatchFirstPassBase<MoveBatchFirstPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<LinearOp>(op) ||
          (op->getNumResults() == 1 && op->getNumOperands() > 0 &&
           isBatchFirst(op->getResult(0)) && isBatchLater(op->getOperand(0))))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      auto linear = dyn_cast<LinearOp>(op);
      numMoved += succeeded(linear ? moveLinear(linear, rewriter)
                                   : moveResult(op, rewriter));
    }
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
