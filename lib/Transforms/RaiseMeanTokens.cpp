//===- RaiseMeanTokens.cpp - Mean over tokens from a reduction ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The mean over all dims between the batch and the channels:
//   [B, N, E] over dim 1                         (timm's avg, x.mean(1))
//   [B, H, W, E] over dims 1 and 2               (Swin's in timm)
//   [B, E, N] or [B, E, H, W], transposed from these, over the last dims
//                                      (pooling in torchvision, Hugging Face)
// becomes vit.mean_tokens; of a slice that leaves out the first tokens, with
// `skip`.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "MatchMean.h"
#include "Movement.h"
#include "SliceMatch.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEMEANTOKENSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether the mean is over all dims but the first and the last.
static bool isOverTokens(const Mean &mean) {
  int64_t rank = mean.input.getType().getRank();
  return rank >= 3 && static_cast<int64_t>(mean.dims.size()) == rank - 2 &&
         mean.dims.front() == 1 && mean.dims.back() == rank - 2;
}

/// Whether the mean keeps two dims, as pooling does; statistics of the last dim
/// are a norm's.
static bool isPooling(const Mean &mean) {
  int64_t rank = mean.input.getType().getRank();
  return rank >= 3 && static_cast<int64_t>(mean.dims.size()) == rank - 2 &&
         mean.dims != ArrayRef<int64_t>{rank - 1};
}

/// The mean before a transpose of its input; none where dims that stay change
/// their order.
static std::optional<Mean> skipTranspose(const Mean &mean,
                                         linalg::TransposeOp transpose) {
  Mean before;
  before.input = cast<TypedValue<RankedTensorType>>(transpose.getInput());
  int64_t lastKept = -1;
  for (auto [dim, from] : llvm::enumerate(transpose.getPermutation())) {
    if (llvm::is_contained(mean.dims, dim)) {
      before.dims.push_back(from);
      continue;
    }
    if (from < lastKept)
      return std::nullopt;
    lastKept = from;
  }
  llvm::sort(before.dims);
  return before;
}

/// The mean before dims of its input were split; none where it is over some
/// parts of a dim alone.
static std::optional<Mean> skipExpand(const Mean &mean,
                                      tensor::ExpandShapeOp expand) {
  Mean before;
  before.input = cast<TypedValue<RankedTensorType>>(expand.getSrc());
  for (auto [from, group] : llvm::enumerate(expand.getReassociationIndices())) {
    size_t numReduced = llvm::count_if(
        group, [&](int64_t dim) { return llvm::is_contained(mean.dims, dim); });
    if (numReduced == group.size())
      before.dims.push_back(from);
    else if (numReduced != 0)
      return std::nullopt;
  }
  return before;
}

/// The mean before dims of its input were merged.
static Mean skipCollapse(const Mean &mean, tensor::CollapseShapeOp collapse) {
  Mean before;
  before.input = cast<TypedValue<RankedTensorType>>(collapse.getSrc());
  for (auto [dim, group] : llvm::enumerate(collapse.getReassociationIndices()))
    if (llvm::is_contained(mean.dims, dim))
      llvm::append_range(before.dims, group);
  return before;
}

/// The same mean of what its input was moved from, if that is over tokens.
static std::optional<Mean> getMeanOverTokens(std::optional<Mean> mean) {
  while (mean && !isOverTokens(*mean)) {
    Operation *op = mean->input.getDefiningOp();
    if (auto transpose = dyn_cast_or_null<linalg::TransposeOp>(op))
      mean = skipTranspose(*mean, transpose);
    else if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
      mean = skipExpand(*mean, expand);
    else if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
      mean = skipCollapse(*mean, collapse);
    else
      return std::nullopt;
  }
  return mean;
}

static LogicalResult raiseMeanTokens(Operation *op, RewriterBase &rewriter) {
  std::optional<Mean> mean = matchMean(op->getResult(0));
  if (!mean)
    return rewriter.notifyMatchFailure(op, "computes no mean");
  std::optional<Mean> overTokens = getMeanOverTokens(*mean);
  if (!overTokens) {
    if (isPooling(*mean))
      op->emitRemark(
          "not raised to vit.mean_tokens: it is the mean over dims [")
          << mean->dims << "] of " << mean->input.getType()
          << "; vit.mean_tokens is over the dims between batch and channels";
    return rewriter.notifyMatchFailure(op, "mean is not over tokens");
  }
  Value tokens = overTokens->input;
  int64_t skip = 0;
  std::optional<Slice> slice = matchSlice(tokens);
  if (slice && slice->source.getType().getRank() == 3 && slice->isRangeOf(1) &&
      slice->offsets[1] + slice->sizes[1] ==
          slice->source.getType().getDimSize(1)) {
    tokens = slice->source;
    skip = slice->offsets[1];
  }
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (!isMovable(tokens) || !isMovable(op->getResult(0))) {
    op->emitRemark("not raised to vit.mean_tokens: its input is ")
        << tokens.getType() << "; only a batch in dim 0 may be dynamic";
    return rewriter.notifyMatchFailure(op, "has an unknown dynamic size");
  }

  rewriter.setInsertionPoint(op);
  Location loc = op->getLoc();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tokens.getType()).getShape();
  tokens =
      reshape(rewriter, loc, tokens, mergeDims(shape, 1, shape.size() - 1));
  Value raised = MeanTokensOp::create(rewriter, loc, tokens, skip);
  rewriter.replaceOp(op, reshape(rewriter, loc, raised, result.getShape()));
  return success();
}

namespace {
struct RaiseMeanTokensPass final
    : vitc::vit::impl::RaiseMeanTokensPassBase<RaiseMeanTokensPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()) &&
          matchScaled(op->getResult(0)) &&
          succeeded(raiseMeanTokens(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
