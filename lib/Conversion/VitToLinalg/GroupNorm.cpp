//===- GroupNorm.cpp - Group norms of feature maps to linalg --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group norm is a vit.layer_norm of a feature map [B, C, H, W] reshaped to
// [B, G, C/G * H * W]. What a convolution or a 1x1 convolution's product writes
// is stored [B, H, W, C], where such a row is not contiguous: a kernel.norm
// would need a copy of the map. As linalg it is
//   x * scale + shift,  scale = weight / sqrt(variance + epsilon),
//                       shift = bias - mean * scale
// for each channel [B, C], which fuses with what follows; weight and bias are
// those that the norm's one user multiplies by and adds.
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "GroupNormMap.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Conversion/Passes.h"
#include "llvm/ADT/TypeSwitch.h"
#include <optional>

namespace vitc {
#define GEN_PASS_DEF_CONVERTGROUPNORMTOLINALGPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;
using namespace vitc;

/// The group that dim `dim` of the expanded type is in, if all others of the
/// group have size 1; none for a dim of size 1.
static std::optional<unsigned>
findOnlyDim(ArrayRef<ReassociationIndices> groups, RankedTensorType expanded,
            unsigned dim) {
  for (auto [whole, parts] : llvm::enumerate(groups))
    if (llvm::is_contained(parts, dim) && expanded.getDimSize(dim) != 1 &&
        llvm::all_of(parts, [&](int64_t part) {
          return part == dim || expanded.getDimSize(part) == 1;
        }))
      return whole;
  return std::nullopt;
}

/// Whether dim `dim` of `value` comes last where kernels store it: a channel of
/// a token or of what a convolution writes, moved or computed element by
/// element since.
static bool isStoredLast(Value value, unsigned dim) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](vit::Conv2dOp) { return dim == 1; })
      .Case([&](vit::LinearOp linear) {
        return dim + 1 == linear.getType().getRank();
      })
      .Case([&](linalg::TransposeOp transpose) {
        return isStoredLast(transpose.getInput(),
                            transpose.getPermutation()[dim]);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return slice.getDroppedDims().none() &&
               isStoredLast(slice.getSource(), dim);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        std::optional<unsigned> source = findOnlyDim(
            expand.getReassociationIndices(), expand.getResultType(), dim);
        return source && isStoredLast(expand.getSrc(), *source);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        for (int64_t part : collapse.getReassociationIndices()[dim])
          if (findOnlyDim(collapse.getReassociationIndices(),
                          collapse.getSrcType(), part))
            return isStoredLast(collapse.getSrc(), part);
        return false;
      })
      .Case([&](linalg::GenericOp generic) {
        if (generic.getNumResults() != 1 ||
            generic.getNumLoops() != generic.getNumParallelLoops())
          return false;
        return llvm::any_of(
            generic.getDpsInputOperands(), [&](OpOperand *operand) {
              return operand->get().getType() == value.getType() &&
                     generic.getMatchingIndexingMap(operand).isIdentity() &&
                     isStoredLast(operand->get(), dim);
            });
      })
      .Default(false);
}

/// The feature map whose groups `norm` normalises, or null.
static Value findFeatureMap(vit::LayerNormOp norm) {
  RankedTensorType rows = norm.getType();
  if (rows.getRank() != 3 || !rows.getElementType().isF32() ||
      norm.getScale() || norm.getShift())
    return {};
  Value map = norm.getInput();
  auto type = cast<RankedTensorType>(map.getType());
  while (type.getRank() != 4 &&
         isa_and_present<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
             map.getDefiningOp())) {
    map = map.getDefiningOp()->getOperand(0);
    type = cast<RankedTensorType>(map.getType());
  }
  bool isGrouped =
      type.getRank() == 4 && type.getDimSize(0) == rows.getDimSize(0) &&
      !llvm::is_contained(type.getShape().drop_front(), ShapedType::kDynamic) &&
      !llvm::is_contained(rows.getShape().drop_front(), ShapedType::kDynamic) &&
      type.getDimSize(1) % rows.getDimSize(1) == 0;
  return isGrouped && isStoredLast(map, /*dim=*/1) ? map : Value();
}

//===----------------------------------------------------------------------===//
// What follows the norm
//===----------------------------------------------------------------------===//

/// The ops from `norm` on that make a map of `type` of its rows, each the only
/// user of the one before; none if that is not so.
static SmallVector<Operation *> findReshapes(vit::LayerNormOp norm, Type type) {
  SmallVector<Operation *> chain = {norm};
  while (chain.back()->getResult(0).getType() != type) {
    if (!chain.back()->hasOneUse())
      return {};
    Operation *user = *chain.back()->user_begin();
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user))
      return {};
    chain.push_back(user);
  }
  return chain;
}

/// The map from (b, c) to the elements that an operand has for each channel;
/// none if they depend on more.
static std::optional<AffineMap> getChannelMap(AffineMap map) {
  MLIRContext *context = map.getContext();
  if (map.getNumDims() != 4 || map.isFunctionOfDim(0) ||
      map.isFunctionOfDim(2) || map.isFunctionOfDim(3))
    return std::nullopt;
  AffineExpr none = getAffineConstantExpr(0, context);
  return map.compose(AffineMap::get(
      2, 0, {none, getAffineDimExpr(1, context), none, none}, context));
}

/// Takes the weight and then the bias of a group norm from `op`, which computes
/// nothing else from `input`.
static LogicalResult takeAffine(linalg::GenericOp op, Value input,
                                ChannelAffine &affine) {
  if (op.getNumLoops() != op.getNumParallelLoops() || op.getNumResults() != 1 ||
      op->getResult(0).getType() != input.getType() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return failure();
  ChannelAffine taken = affine;
  Value current;
  for (OpOperand *operand : op.getDpsInputOperands())
    if (operand->get() == input &&
        op.getMatchingIndexingMap(operand).isIdentity())
      current = op.getMatchingBlockArgument(operand);
  for (Operation &inner : op.getBody()->without_terminator()) {
    bool isProduct = isa<arith::MulFOp>(inner);
    if ((!isProduct && !isa<arith::AddFOp>(inner)) ||
        !llvm::is_contained(inner.getOperands(), current) || taken.bias ||
        (isProduct && taken.weight))
      return failure();
    Value other = inner.getOperand(inner.getOperand(0) == current ? 1 : 0);
    auto argument = dyn_cast<BlockArgument>(other);
    if (!argument || argument == current || argument.getOwner() != op.getBody())
      return failure();
    OpOperand *operand = op.getMatchingOpOperand(argument);
    std::optional<AffineMap> map =
        getChannelMap(op.getMatchingIndexingMap(operand));
    if (!map || !isa<RankedTensorType>(operand->get().getType()))
      return failure();
    (isProduct ? taken.weight : taken.bias) = operand->get();
    (isProduct ? taken.weightMap : taken.biasMap) = *map;
    current = inner.getResult(0);
  }
  if (op.getBody()->getTerminator()->getOperand(0) != current)
    return failure();
  affine = taken;
  return success();
}

/// Adds the ops to `chain` that give its last one a weight and a bias.
static ChannelAffine findAffine(SmallVectorImpl<Operation *> &chain) {
  ChannelAffine affine;
  while (chain.back()->hasOneUse()) {
    auto user = dyn_cast<linalg::GenericOp>(*chain.back()->user_begin());
    if (!user || failed(takeAffine(user, chain.back()->getResult(0), affine)))
      break;
    chain.push_back(user);
  }
  return affine;
}

static void convertGroupNorm(vit::LayerNormOp norm, Value map,
                             RewriterBase &rewriter) {
  ChannelAffine affine;
  SmallVector<Operation *> chain = findReshapes(norm, map.getType());
  if (!chain.empty())
    affine = findAffine(chain);
  rewriter.setInsertionPoint(chain.empty() ? norm : chain.back());
  ImplicitLocOpBuilder builder(norm.getLoc(), rewriter);
  Value result =
      buildNormalizedMap(builder, map, norm.getType().getDimSize(1),
                         norm.getEpsilon().convertToDouble(), affine);
  if (!chain.empty()) {
    rewriter.replaceAllUsesWith(chain.back()->getResult(0), result);
    for (Operation *op : llvm::reverse(chain))
      rewriter.eraseOp(op);
    return;
  }
  // As rows again, for whatever reads them.
  RankedTensorType rows = norm.getType();
  SmallVector<OpFoldResult> sizes = {getSizes(builder, map).front(),
                                     builder.getIndexAttr(rows.getDimSize(1)),
                                     builder.getIndexAttr(rows.getDimSize(2))};
  result = tensor::CollapseShapeOp::create(
      builder, result, ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
  rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
      norm, rows, result, ArrayRef<ReassociationIndices>{{0}, {1, 2}}, sizes);
}

namespace {
struct ConvertGroupNormToLinalgPass final
    : vitc::impl::ConvertGroupNormToLinalgPassBase<
          ConvertGroupNormToLinalgPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<std::pair<vit::LayerNormOp, Value>> norms;
    getOperation().walk([&](vit::LayerNormOp norm) {
      if (Value map = findFeatureMap(norm))
        norms.emplace_back(norm, map);
    });
    for (auto [norm, map] : norms)
      convertGroupNorm(norm, map, rewriter);
    numConverted += norms.size();
  }
};
} // namespace
