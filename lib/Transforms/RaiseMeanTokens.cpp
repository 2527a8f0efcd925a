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

/// The same mean of the tensor that its input was transposed from; the batch
/// must stay the first dim.
static std::optional<Mean> skipTranspose(const Mean &mean) {
  auto transpose = mean.input.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || transpose.getPermutation().front() != 0)
    return std::nullopt;
  Mean before;
  before.input = cast<TypedValue<RankedTensorType>>(transpose.getInput());
  for (int64_t dim : mean.dims)
    before.dims.push_back(transpose.getPermutation()[dim]);
  llvm::sort(before.dims);
  return before;
}

static LogicalResult raiseMeanTokens(Operation *op, RewriterBase &rewriter) {
  std::optional<Mean> mean = matchMean(op->getResult(0));
  if (!mean)
    return rewriter.notifyMatchFailure(op, "computes no mean");
  if (!isOverTokens(*mean))
    mean = skipTranspose(*mean);
  if (!mean || !isOverTokens(*mean))
    return rewriter.notifyMatchFailure(
        op, "mean is not over the dims between the batch and the channels");
  Value tokens = mean->input;
  int64_t skip = 0;
  std::optional<Slice> slice = matchSlice(tokens);
  if (slice && slice->source.getType().getRank() == 3 && slice->isRangeOf(1) &&
      slice->offsets[1] + slice->sizes[1] ==
          slice->source.getType().getDimSize(1)) {
    tokens = slice->source;
    skip = slice->offsets[1];
  }
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (!isMovable(tokens) || !isMovable(op->getResult(0)))
    return rewriter.notifyMatchFailure(op, "has an unknown dynamic size");

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
