//===- RaiseWindows.cpp - Window partition and reverse from transposes ----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters write both as reshape, transpose, reshape of the same dims:
//   partition  [B, H, W, C] -> [B, nH, Mh, nW, Mw, C]
//                -> [B, nH, nW, Mh, Mw, C] -> [B * nH * nW, Mh * Mw, C]
//   reverse    [B * nH * nW, Mh * Mw, C] -> [B, nH, nW, Mh, Mw, C]
//                -> [B, nH, Mh, nW, Mw, C] -> [B, H, W, C]
// The transpose becomes the vit op between reshapes, which the reshapes around
// it then undo. Either op would compute either transpose: what tells them apart
// is the shape that the data come from or go to. One window that is the whole
// map is a reshape, as exporters write it, whoever wrote the op.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEWINDOWSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether dims `begin` to `end` - 1 are parts of one dim.
static bool areOneDim(ArrayRef<ReassociationIndices> groups, int64_t begin,
                      int64_t end) {
  return llvm::any_of(groups, [&](const ReassociationIndices &group) {
    return group.front() <= begin && end - 1 <= group.back();
  });
}

/// Whether the 6-D input of the transpose is one of windows, [B * nH * nW,
/// ...].
static bool readsWindows(linalg::TransposeOp op) {
  auto expand = op.getInput().getDefiningOp<tensor::ExpandShapeOp>();
  return expand && areOneDim(expand.getReassociationIndices(), 0, 3);
}

/// Whether the 6-D input of the transpose is a map, [B, H, ...].
static bool readsMap(linalg::TransposeOp op) {
  auto expand = op.getInput().getDefiningOp<tensor::ExpandShapeOp>();
  return expand && areOneDim(expand.getReassociationIndices(), 1, 3);
}

/// Whether a user takes the 6-D result as windows, [B * nH * nW, ...].
static bool writesWindows(linalg::TransposeOp op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    auto collapse = dyn_cast<tensor::CollapseShapeOp>(user);
    return collapse && collapse.getReassociationIndices().front().size() == 3;
  });
}

static bool isWindowTranspose(linalg::TransposeOp op) {
  return op.getPermutation() == ArrayRef<int64_t>{0, 1, 3, 2, 4, 5} &&
         isa<FloatType>(getElementTypeOrSelf(op.getInput()));
}

static ArrayRef<int64_t> getInputShape(linalg::TransposeOp op) {
  return op.getInput().getType().getShape();
}

static ArrayRef<int64_t> getResultShape(linalg::TransposeOp op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getShape();
}

/// A transpose of windows one column wide, or of one column of windows, moves
/// nothing and is a reshape.
static LogicalResult foldToReshape(linalg::TransposeOp op,
                                   RewriterBase &rewriter) {
  if (getInputShape(op)[2] != 1 && getInputShape(op)[3] != 1)
    return rewriter.notifyMatchFailure(op, "moves elements");
  if (!isMovable(op.getInput()))
    return rewriter.notifyMatchFailure(op, "has an unknown dynamic size");
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(
      op, reshape(rewriter, op.getLoc(), op.getInput(), getResultShape(op)));
  return success();
}

/// The longest side of a window that the ops take.
static constexpr int64_t kMaxWindow = std::numeric_limits<int16_t>::max();

static LogicalResult raiseWindows(linalg::TransposeOp op,
                                  RewriterBase &rewriter) {
  bool isReverse = readsWindows(op) && !writesWindows(op);
  if (!isReverse && !readsMap(op)) {
    op.emitRemark("not raised to a window op: its input is neither a map "
                  "[B, H, W, C] nor windows [B * nW, N, C] in 6 dims");
    return failure();
  }
  if (!isMovable(op.getInput())) {
    op.emitRemark("not raised to a window op: the dynamic size of ")
        << op.getInput().getType() << " is no multiple of the batch";
    return failure();
  }
  ArrayRef<int64_t> shape = getInputShape(op);
  int64_t window[] = {isReverse ? shape[3] : shape[2], shape[4]};
  if (window[0] > kMaxWindow || window[1] > kMaxWindow)
    return rewriter.notifyMatchFailure(op, "moves strips longer than a window");

  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Value raised;
  if (isReverse) {
    SmallVector<int64_t> windows = mergeDims(mergeDims(shape, 3, 5), 0, 3);
    int64_t size[] = {shape[1] * shape[3], shape[2] * shape[4]};
    raised = WindowReverseOp::create(
        rewriter, loc, reshape(rewriter, loc, op.getInput(), windows), window,
        size);
  } else {
    SmallVector<int64_t> map = mergeDims(mergeDims(shape, 3, 5), 1, 3);
    raised = WindowPartitionOp::create(
        rewriter, loc, reshape(rewriter, loc, op.getInput(), map), window);
  }
  rewriter.replaceOp(op, reshape(rewriter, loc, raised, getResultShape(op)));
  return success();
}

/// Whether windows are whole maps, which only a reshape tells apart.
static bool isWholeMap(Operation *op) {
  if (auto partition = dyn_cast<WindowPartitionOp>(op))
    return partition.getWindow() ==
           partition.getInput().getType().getShape().slice(1, 2);
  auto reverse = dyn_cast<WindowReverseOp>(op);
  return reverse && reverse.getWindow() == reverse.getSize();
}

static LogicalResult foldWholeMap(Operation *op, RewriterBase &rewriter) {
  if (!isMovable(op->getOperand(0)))
    return rewriter.notifyMatchFailure(op, "has an unknown dynamic size");
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(
      op, reshape(rewriter, op->getLoc(), op->getOperand(0), type.getShape()));
  return success();
}

namespace {
struct RaiseWindowsPass final
    : vitc::vit::impl::RaiseWindowsPassBase<RaiseWindowsPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](linalg::TransposeOp op) {
      if (!isWindowTranspose(op) || succeeded(foldToReshape(op, rewriter)))
        return;
      if (succeeded(raiseWindows(op, rewriter)))
        ++numRaised;
    });
    getOperation().walk([&](Operation *op) {
      if (isWholeMap(op) && succeeded(foldWholeMap(op, rewriter)))
        ++numFolded;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
