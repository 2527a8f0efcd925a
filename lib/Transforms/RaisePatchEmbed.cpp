//===- RaisePatchEmbed.cpp - Patch embedding from a convolution or linear -===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution whose kernels tile the image, flattened to tokens:
//   conv2d [B, E, H', W'] -> [B, E, N] -> transpose [0, 2, 1]
//   conv2d [B, E, H', W'] -> transpose [0, 2, 3, 1] (-> [B, N, E])
// or a linear layer on the pixels of each patch:
//   [B, C, H', Ph, W', Pw] -> transpose [0, 2, 4, 3, 5, 1] -> [B, N, Ph*Pw*C]
//   [B, C, H', Ph, W', Pw] -> transpose [0, 2, 4, 1, 3, 5] -> [B, N, C*Ph*Pw]
// becomes vit.patch_embed, the weight of the linear layer in the filter's
// order.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Match.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEPATCHEMBEDPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Whether each pixel is read by one kernel.
static bool tilesImage(Conv2dOp conv) {
  ArrayRef<int64_t> kernel = getShape(conv.getFilter()).take_back(2);
  ArrayRef<int64_t> image = getShape(conv.getInput()).take_back(2);
  return conv.getStride() == kernel && image[0] % kernel[0] == 0 &&
         image[1] % kernel[1] == 0 && conv.getGroups() == 1 &&
         llvm::all_of(conv.getPad(), [](int64_t pad) { return pad == 0; }) &&
         llvm::all_of(conv.getDilation(), [](int64_t d) { return d == 1; });
}

static bool isTranspose(Operation *op, ArrayRef<int64_t> permutation) {
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  return transpose && transpose.getPermutation() == permutation;
}

/// The transposes that move the channels of the map behind its positions, if
/// all of its users are such: directly, or flattened to [B, E, N] before.
static std::optional<SmallVector<Operation *>> getTokenUsers(Conv2dOp conv) {
  SmallVector<Operation *> users;
  ArrayRef<int64_t> shape = conv.getType().getShape();
  SmallVector<int64_t> flat = mergeDims(shape, 2, 4);
  for (Operation *user : conv->getUsers()) {
    if (isTranspose(user, {0, 2, 3, 1})) {
      users.push_back(user);
      continue;
    }
    auto collapse = dyn_cast<tensor::CollapseShapeOp>(user);
    if (!collapse || collapse.getResultType().getShape() != ArrayRef(flat))
      return std::nullopt;
    for (Operation *flatUser : collapse->getUsers()) {
      if (!isTranspose(flatUser, {0, 2, 1}))
        return std::nullopt;
      users.push_back(flatUser);
    }
  }
  if (users.empty())
    return std::nullopt;
  return users;
}

/// Whether tokens are joined with class tokens or get positions.
static bool areJoined(Value tokens) {
  return llvm::any_of(tokens.getUsers(), [](Operation *user) {
    if (isa<tensor::CollapseShapeOp>(user))
      return areJoined(user->getResult(0));
    if (isa<tensor::ConcatOp>(user))
      return true;
    if (user->getNumResults() != 1)
      return false;
    std::optional<Elementwise> sum = matchElementwise(user->getResult(0));
    return sum && sum->is<arith::AddFOp>() &&
           llvm::any_of(sum->operands, [](const ElementwiseOperand &operand) {
             Operation *op =
                 operand.tensor ? operand.tensor.getDefiningOp() : nullptr;
             return op && op->hasTrait<OpTrait::ConstantLike>();
           });
  });
}

static LogicalResult raiseConv(Conv2dOp conv, RewriterBase &rewriter) {
  std::optional<SmallVector<Operation *>> users = getTokenUsers(conv);
  if (!users)
    return rewriter.notifyMatchFailure(conv, "result is not read as tokens");
  bool isPointwise = llvm::all_of(getShape(conv.getFilter()).take_back(2),
                                  [](int64_t size) { return size == 1; });
  if (isPointwise && llvm::none_of(*users, [](Operation *user) {
        return areJoined(user->getResult(0));
      }))
    return rewriter.notifyMatchFailure(conv, "is a linear layer of tokens");
  if (!tilesImage(conv)) {
    conv.emitRemark(
        "not raised to vit.patch_embed: its kernels do not tile the "
        "image");
    return failure();
  }
  if (!isMovable(conv.getInput()) ||
      !cast<RankedTensorType>(conv.getFilter().getType()).hasStaticShape())
    return rewriter.notifyMatchFailure(conv, "has an unknown dynamic size");

  rewriter.setInsertionPoint(conv);
  Value tokens = PatchEmbedOp::create(rewriter, conv.getLoc(), conv.getInput(),
                                      conv.getFilter(), conv.getBias(),
                                      /*tokens=*/Value(), /*position=*/Value());
  for (Operation *user : *users) {
    rewriter.setInsertionPoint(user);
    rewriter.replaceOp(user, reshape(rewriter, user->getLoc(), tokens,
                                     getShape(user->getResult(0))));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

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
  bool channelsLast = isTranspose(transpose, {0, 2, 4, 3, 5, 1});
  if (!channelsLast && !isTranspose(transpose, {0, 2, 4, 1, 3, 5}))
    return std::nullopt;
  SmallVector<int64_t> patches =
      mergeDims(getShape(transpose->getResult(0)), 3, 6);
  if (getShape(tensor) != ArrayRef(patches) &&
      getShape(tensor) != ArrayRef(mergeDims(patches, 1, 3)))
    return std::nullopt;
  return PatchPixels{cast<TypedValue<RankedTensorType>>(transpose.getInput()),
                     channelsLast};
}

static LogicalResult raiseLinear(LinearOp linear, RewriterBase &rewriter) {
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
struct RaisePatchEmbedPass final
    : vitc::vit::impl::RaisePatchEmbedPassBase<RaisePatchEmbedPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      auto conv = dyn_cast<Conv2dOp>(op);
      auto linear = dyn_cast<LinearOp>(op);
      auto norm = dyn_cast<LayerNormOp>(op);
      if ((conv && succeeded(raiseConv(conv, rewriter))) ||
          (linear && succeeded(raiseLinear(linear, rewriter))))
        ++numRaised;
      else if (norm && matchPatchPixels(norm.getInput()))
        norm.emitRemark("its patches are not raised to vit.patch_embed, which "
                        "has no norm of the pixels");
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
