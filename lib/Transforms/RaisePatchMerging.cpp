//===- RaisePatchMerging.cpp - Patch merging from slices or a transpose ---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two spellings of Swin's patch merging are met, with the same order of the
// four neighbours:
//   concat(x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2],
//          x[:, 1::2, 1::2]) along the channels        (the paper's,
//          torchvision)
//   [B, H/2, 2, W/2, 2, C] -> transpose [0, 1, 3, 4, 2, 5] -> [.., 4 * C]
//   (timm)
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "SliceMatch.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEPATCHMERGINGPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether the slice takes every second row and column of all channels.
static bool isEverySecond(const Slice &slice) {
  for (unsigned dim : {1, 2})
    if (slice.strides[dim] != 2 ||
        slice.sizes[dim] * 2 != slice.source.getType().getDimSize(dim))
      return false;
  return slice.isWhole(0) && slice.isWhole(3);
}

static LogicalResult raiseSlices(tensor::ConcatOp concat,
                                 RewriterBase &rewriter) {
  if (concat.getInputs().size() != 4 || concat.getRank() != 4 ||
      concat.getDim() != 3)
    return rewriter.notifyMatchFailure(concat, "joins no four maps");
  Value source;
  bool inOrder = true;
  for (auto [index, input] : llvm::enumerate(concat.getInputs())) {
    std::optional<Slice> slice = matchSlice(input);
    if (!slice || !isEverySecond(*slice) || (source && source != slice->source))
      return rewriter.notifyMatchFailure(concat, "joins no four neighbours");
    source = slice->source;
    inOrder &= slice->offsets[1] == static_cast<int64_t>(index % 2) &&
               slice->offsets[2] == static_cast<int64_t>(index / 2);
  }
  if (!inOrder) {
    concat.emitRemark("not raised to vit.patch_merging: the neighbours do not "
                      "go down each column first");
    return failure();
  }
  if (!isa<FloatType>(concat.getResultType().getElementType()) ||
      !isMovable(source))
    return rewriter.notifyMatchFailure(concat, "no floats of a known batch");

  rewriter.setInsertionPoint(concat);
  rewriter.replaceOpWithNewOp<PatchMergingOp>(concat, source);
  return success();
}

static LogicalResult raiseTranspose(linalg::TransposeOp op,
                                    RewriterBase &rewriter) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (op.getPermutation() != ArrayRef<int64_t>{0, 1, 3, 4, 2, 5} ||
      type.getDimSize(2) != 2 || type.getDimSize(4) != 2)
    return rewriter.notifyMatchFailure(op, "moves no four neighbours");
  if (!isa<FloatType>(type.getElementType()) || !isMovable(op.getInput()))
    return rewriter.notifyMatchFailure(op, "no floats of a known batch");

  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  SmallVector<int64_t> map = mergeDims(mergeDims(type.getShape(), 3, 5), 1, 3);
  Value merged = PatchMergingOp::create(
      rewriter, loc, reshape(rewriter, loc, op.getInput(), map));
  ArrayRef<int64_t> result =
      cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  rewriter.replaceOp(op, reshape(rewriter, loc, merged, result));
  return success();
}

namespace {
struct RaisePatchMergingPass final
    : vitc::vit::impl::RaisePatchMergingPassBase<RaisePatchMergingPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      auto concat = dyn_cast<tensor::ConcatOp>(op);
      auto transpose = dyn_cast<linalg::TransposeOp>(op);
      if ((concat && succeeded(raiseSlices(concat, rewriter))) ||
          (transpose && succeeded(raiseTranspose(transpose, rewriter))))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
