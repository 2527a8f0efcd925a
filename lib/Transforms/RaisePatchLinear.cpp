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
// becomes vit.patch_embed, its weight in the filter's order. A norm of the
// pixels before the linear layer, as vit_pytorch has it, becomes its norm:
// which pixel comes first does not matter to it, and its scale and shift are
// folded into the weights.
//
//===----------------------------------------------------------------------===//

#include "ConstantWeight.h"
#include "DeadOps.h"
#include "Movement.h"
#include "NormRows.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "vitc/Analysis/SourceName.h"
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

namespace {
/// A linear layer on patches, with the norm before it.
struct PatchLinear {
  PatchPixels pixels;
  LinearWeights weights;
  NormAttr norm;
  Location loc;
};
} // namespace

static bool isF32(WeightExprAttr expr) {
  return !expr || expr.getType().getElementType().isF32();
}

/// The layer whose input is normalised patches, or patches. A remark says why
/// one is left.
static std::optional<PatchLinear> matchPatchLinear(LinearOp linear) {
  Operation *producer = linear.getInput().getDefiningOp();
  std::optional<Norm> norm = producer ? matchNorm(producer) : std::nullopt;
  std::optional<PatchPixels> pixels =
      matchPatchPixels(norm ? norm->getInput() : linear.getInput());
  if (!pixels)
    return std::nullopt;
  auto miss = [&](StringRef reason) -> std::optional<PatchLinear> {
    linear.emitRemark("not raised to vit.patch_embed: ") << reason;
    return std::nullopt;
  };
  LinearWeights weights = {getConstantWeight(linear.getWeight()),
                           getConstantWeight(linear.getBias())};
  if (!weights.weight)
    return miss("it has a computed weight");
  if (linear.getResidual() || linear.getActivation() != Activation::None)
    return miss("it has an epilogue");
  if (!isMovable(pixels->image))
    return miss("a dynamic size of it is not known");
  if (!norm)
    return PatchLinear{*pixels, weights, linear.getNormAttr(), linear.getLoc()};

  WeightExprAttr scale = getConstantWeight(norm->scale);
  WeightExprAttr shift = getConstantWeight(norm->shift);
  if (linear.getNorm() || !norm->getAttr())
    return miss("it normalises twice, or with an infinite epsilon");
  if ((norm->scale && !scale) || (norm->shift && !shift) ||
      (linear.getBias() && !weights.bias))
    return miss("its bias, or the norm's scale or shift, is computed");
  if (!isF32(scale) || !isF32(shift) || !isF32(weights.weight) ||
      !isF32(weights.bias))
    return miss("weights are folded in f32 alone");
  return PatchLinear{*pixels, foldAffine(weights, scale, shift),
                     norm->getAttr(),
                     vitc::fusePrologue(norm->op->getLoc(), linear.getLoc())};
}

/// [E, pixels] as a filter [E, C, Ph, Pw] for images [B, C, H', Ph, W', Pw].
static WeightExprAttr getFilter(WeightExprAttr weight,
                                const PatchPixels &pixels) {
  ArrayRef<int64_t> shape = pixels.image.getType().getShape();
  int64_t embedDim = weight.getType().getDimSize(0);
  if (!pixels.channelsLast)
    return WeightExprAttr::reshape(weight,
                                   {embedDim, shape[1], shape[3], shape[5]});
  return WeightExprAttr::transpose(
      WeightExprAttr::reshape(weight, {embedDim, shape[3], shape[5], shape[1]}),
      {0, 3, 1, 2});
}

static LogicalResult raisePatchLinear(LinearOp linear, RewriterBase &rewriter) {
  std::optional<PatchLinear> match = matchPatchLinear(linear);
  if (!match)
    return rewriter.notifyMatchFailure(linear, "is no layer on patches");

  rewriter.setInsertionPoint(linear);
  Location loc = match->loc;
  Location weightLoc = linear.getWeight().getLoc();
  Value bias = linear.getBias();
  if (match->weights.bias && match->weights.bias != getConstantWeight(bias))
    bias = ConstantOp::create(rewriter, weightLoc, match->weights.bias);
  WeightExprAttr filter = getFilter(match->weights.weight, match->pixels);
  ArrayRef<int64_t> shape = match->pixels.image.getType().getShape();
  SmallVector<int64_t> image = mergeDims(mergeDims(shape, 4, 6), 2, 4);
  Value tokens = PatchEmbedOp::create(
      rewriter, loc, reshape(rewriter, loc, match->pixels.image, image),
      ConstantOp::create(rewriter, weightLoc, filter), bias,
      /*tokens=*/Value(), /*position=*/Value(), match->norm);
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
    getOperation().walk([&](LinearOp linear) {
      if (succeeded(raisePatchLinear(linear, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
