//===- RaisePatchEmbed.cpp - Patch embedding from a convolution -----------===//
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
// becomes vit.patch_embed. One of 1 x 1 does, in hybrid models, where class
// tokens or positions follow; elsewhere it is a linear layer.
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

/// Whether each pixel is read by one kernel.
static bool tilesImage(Conv2dOp conv) {
  ArrayRef<int64_t> kernel = getShape(conv.getFilter()).take_back(2);
  ArrayRef<int64_t> image = getShape(conv.getInput()).take_back(2);
  return conv.getActivation() == Activation::None && !conv.getResidual() &&
         conv.getStride() == kernel && image[0] % kernel[0] == 0 &&
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

static LogicalResult raisePatchEmbed(Conv2dOp conv, RewriterBase &rewriter) {
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
                                      /*tokens=*/Value(), /*position=*/Value(),
                                      NormAttr());
  for (Operation *user : *users) {
    rewriter.setInsertionPoint(user);
    rewriter.replaceOp(user, reshape(rewriter, user->getLoc(), tokens,
                                     getShape(user->getResult(0))));
  }
  return success();
}

namespace {
struct RaisePatchEmbedPass final
    : vitc::vit::impl::RaisePatchEmbedPassBase<RaisePatchEmbedPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Not in the walk: a user that is replaced may be the op to visit next.
    SmallVector<Conv2dOp> convs;
    getOperation().walk([&](Conv2dOp conv) { convs.push_back(conv); });
    for (Conv2dOp conv : convs)
      numRaised += succeeded(raisePatchEmbed(conv, rewriter));
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
