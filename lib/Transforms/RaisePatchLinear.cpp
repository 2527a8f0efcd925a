//===- RaisePatchLinear.cpp - Patch embedding from a linear layer ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear layer on the pixels of each patch, as einops writes it:
//   [B, C, H', Ph, W', Pw] -> transpose [0, 2, 4, 3, 5, 1] -> [B, N, Ph*Pw*C]
//   [B, C, H', Ph, W', Pw] -> transpose [0, 2, 4, 1, 3, 5] -> [B, N, C*Ph*Pw]
// becomes vit.patch_embed, its weight in the filter's order.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEPATCHLINEARPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

namespace {
/// The pixels of each patch as its features, from an image
/// [B, C, H', Ph, W', Pw].
struct PatchPixels {
  TypedValue<RankedTensorType> image;
  /// Whether a patch is [Ph, Pw, C] rather than [C, Ph, Pw].
  bool channelsLast;
};
} // namespace

/// Matches [B, H' * W', pixels] or [B, H', W', pixels].
static std::optional<PatchPixels> matchPatchPixels(Value tensor) {
  auto collapse = tensor.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return std::nullopt;
  auto transpose = collapse.getSrc().getDefiningOp<linalg::TransposeOp>();
  if (!transpose)
    return std::nullopt;
  bool channelsLast =
      transpose.getPermutation() == ArrayRef<int64_t>{0, 2, 4, 3, 5, 1};
  if (!channelsLast &&
      transpose.getPermutation() != ArrayRef<int64_t>{0, 2, 4, 1, 3, 5})
    return std::nullopt;
  SmallVector<int64_t> patches =
      mergeDims(getShape(transpose->getResult(0)), 3, 6);
  if (getShape(tensor) != ArrayRef(patches) &&
      getShape(tensor) != ArrayRef(mergeDims(patches, 1, 3)))
    return std::nullopt;
  return PatchPixels{cast<TypedValue<RankedTensorType>>(transpose.getInput()),
                     channelsLast};
}

static LogicalResult raisePatchLinear(LinearOp linear, RewriterBase &rewriter) {
  std::optional<PatchPixels> pixels = matchPatchPixels(linear.getInput());
  if (!pixels)
    return rewriter.notifyMatchFailure(linear, "reads no patches");
  auto weight = linear.getWeight().getDefiningOp<ConstantOp>();
  if (!weight || linear.getResidual() ||
      linear.getActivation() != Activation::None) {
    linear.emitRemark("not raised to vit.patch_embed: it has ")
        << (weight ? "an epilogue" : "a computed weight");
    return failure();
  }
  if (!isMovable(pixels->image))
    return rewriter.notifyMatchFailure(linear, "has an unknown dynamic size");

  // [B, C, H', Ph, W', Pw]
  ArrayRef<int64_t> shape = pixels->image.getType().getShape();
  int64_t embedDim = weight.getType().getDimSize(0);
  SmallVector<int64_t> patch = {embedDim, shape[1], shape[3], shape[5]};
  if (pixels->channelsLast)
    patch = {embedDim, shape[3], shape[5], shape[1]};
  WeightExprAttr filter = WeightExprAttr::reshape(weight.getValue(), patch);
  if (pixels->channelsLast)
    filter = WeightExprAttr::transpose(filter, {0, 3, 1, 2});

  rewriter.setInsertionPoint(linear);
  Location loc = linear.getLoc();
  SmallVector<int64_t> image = mergeDims(mergeDims(shape, 4, 6), 2, 4);
  Value tokens = PatchEmbedOp::create(
      rewriter, loc, reshape(rewriter, loc, pixels->image, image),
      ConstantOp::create(rewriter, weight.getLoc(), filter), linear.getBias(),
      /*tokens=*/Value(), /*position=*/Value());
  rewriter.replaceOp(
      linear, reshape(rewriter, loc, tokens, linear.getType().getShape()));
  return success();
}

namespace {
struct RaisePatchLinearPass final
    : vitc::vit::impl::RaisePatchLinearPassBase<RaisePatchLinearPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      auto linear = dyn_cast<LinearOp>(op);
      auto norm = dyn_cast<LayerNormOp>(op);
      if (linear && succeeded(raisePatchLinear(linear, rewriter)))
        ++numRaised;
      else if (norm && matchPatchPixels(norm.getInput()))
        norm.emitRemark("its patches are not raised to vit.patch_embed, which "
                        "has no norm of the pixels");
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
