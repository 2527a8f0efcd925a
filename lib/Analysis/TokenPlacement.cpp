//===- TokenPlacement.cpp - Where tokens lie in the picture ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens are laid out by a patch embedding, by a feature map [B, H, W, C] whose
// pixels become tokens, or by windows of one. Ops that work token by token
// (linear layers, norms, heads, element by element) keep the order, attention
// that of its queries.
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/TokenPlacement.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

using Pair = TokenPlacement::Pair;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The axis of tokens: [B, N, E] or [B, H, N, D].
static unsigned getTokenAxis(Value value) { return getShape(value).size() - 2; }

/// Whether `padding` adds rows and columns behind a map [B, H, W, C] only.
static bool padsBehind(tensor::PadOp padding) {
  SmallVector<OpFoldResult> low = padding.getMixedLowPad();
  return llvm::all_of(low,
                      [](OpFoldResult side) { return isZeroInteger(side); });
}

/// The windows of a map, behind padding and a cyclic shift.
static std::optional<TokenPlacement>
findWindows(vit::WindowPartitionOp partition) {
  TokenPlacement placement;
  Value map = partition.getInput();
  ArrayRef<int64_t> window = partition.getWindow();
  placement.window = {window[0], window[1]};
  placement.size = {getShape(map)[1], getShape(map)[2]};
  if (auto shift = map.getDefiningOp<vit::CyclicShiftOp>()) {
    for (int64_t axis = 0; axis < 2; ++axis) {
      int64_t size = placement.size[axis];
      placement.shift[axis] = (shift.getShift()[axis] % size + size) % size;
    }
    map = shift.getInput();
  }
  while (auto padding = map.getDefiningOp<tensor::PadOp>()) {
    if (!padsBehind(padding))
      return std::nullopt;
    map = padding.getSource();
  }
  placement.grid = {getShape(map)[1], getShape(map)[2]};
  return placement;
}

static TokenPlacement findPatches(vit::PatchEmbedOp embed) {
  TokenPlacement placement;
  placement.prefix = embed.getNumTokens();
  placement.grid = {embed.getGridHeight(), embed.getGridWidth()};
  return placement;
}

/// Tokens that are the pixels of a map: dims 1 and 2 of [B, H, W, ...] are one
/// dim of the result.
static std::optional<TokenPlacement>
findPixels(tensor::CollapseShapeOp collapse) {
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  ArrayRef<int64_t> source = getShape(collapse.getSrc());
  if (groups.size() != 3 || groups[0].size() != 1 || groups[1].size() != 2)
    return std::nullopt;
  TokenPlacement placement;
  placement.grid = {source[1], source[2]};
  return placement;
}

/// Tokens that are the sums of others, weighted by a constant: loops (b, k, e),
/// reduced over n, of [B, n, E] and a constant [k, n].
static std::optional<TokenPlacement>
findProjection(linalg::LinalgOp product, const TokenPlacements &placements) {
  SmallVector<AffineMap> maps = product.getIndexingMapsArray();
  if (!linalg::isaContractionOpInterface(product) || maps.size() != 3 ||
      maps[2].getNumResults() != 3 || !maps[2].isProjectedPermutation())
    return std::nullopt;
  for (auto [tokens, weights] : {std::pair(0, 1), std::pair(1, 0)}) {
    Value matrix = product->getOperand(weights);
    AffineMap from = maps[tokens], by = maps[weights], to = maps[2];
    if (!matchPattern(matrix, m_Constant()) || by.getNumResults() != 2 ||
        from.getNumResults() != 3 || from.getResult(0) != to.getResult(0) ||
        from.getResult(2) != to.getResult(2) ||
        by.getResult(0) != to.getResult(1) ||
        by.getResult(1) != from.getResult(1))
      continue;
    std::optional<TokenPlacement> source =
        placements.find(product->getOperand(tokens));
    if (!source || source->projection || source->isWindowed())
      return std::nullopt;
    source->projection = matrix;
    return source;
  }
  return std::nullopt;
}

/// Tokens of several values side by side: the patches of one of them.
static std::optional<TokenPlacement>
findInConcat(tensor::ConcatOp concat, const TokenPlacements &placements) {
  unsigned axis = getTokenAxis(concat.getResult());
  if (concat.getDim() != axis)
    return std::nullopt;
  int64_t before = 0;
  for (Value part : concat.getInputs()) {
    if (std::optional<TokenPlacement> placement = placements.find(part)) {
      if (placement->projection || placement->isWindowed())
        return std::nullopt;
      placement->prefix += before;
      return placement;
    }
    before += getShape(part)[axis];
  }
  return std::nullopt;
}

/// Operands that have the tokens of the result, in its order.
static SmallVector<Value> getTokenOperands(Operation *op) {
  return llvm::TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case<vit::LinearOp, vit::LayerNormOp, vit::RmsNormOp, vit::GeluOp,
            vit::SplitHeadsOp, vit::MergeHeadsOp, tensor::CastOp>(
          [](Operation *op) { return SmallVector<Value>{op->getOperand(0)}; })
      .Case(
          [](vit::AttentionOp op) { return SmallVector<Value>{op.getQuery()}; })
      .Case([](tensor::ExtractSliceOp slice) {
        // Channels of all tokens.
        unsigned axis = getTokenAxis(slice.getSource());
        bool takesAll =
            slice.getType().getRank() == slice.getSourceType().getRank() &&
            slice.getType().getDimSize(axis) ==
                slice.getSourceType().getDimSize(axis);
        return takesAll ? SmallVector<Value>{slice.getSource()}
                        : SmallVector<Value>{};
      })
      .Case([](linalg::GenericOp generic) {
        SmallVector<Value> operands;
        AffineMap result = generic.getIndexingMapsArray().back();
        if (generic.getNumDpsInits() == 1 &&
            generic.getNumParallelLoops() == generic.getNumLoops())
          for (OpOperand *input : generic.getDpsInputOperands())
            if (generic.getMatchingIndexingMap(input) == result &&
                result.isIdentity())
              operands.push_back(input->get());
        return operands;
      })
      .Default([](Operation *op) {
        if (OpTrait::hasElementwiseMappableTraits(op))
          return SmallVector<Value>(op->getOperands());
        return SmallVector<Value>{};
      });
}

std::optional<TokenPlacement> TokenPlacements::compute(Value tokens) const {
  auto type = dyn_cast<RankedTensorType>(tokens.getType());
  Operation *op = tokens.getDefiningOp();
  if (!op || !type || type.getRank() < 3)
    return std::nullopt;
  if (auto embed = dyn_cast<vit::PatchEmbedOp>(op))
    return findPatches(embed);
  if (auto partition = dyn_cast<vit::WindowPartitionOp>(op))
    return findWindows(partition);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return findPixels(collapse);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return findInConcat(concat, *this);
  if (auto product = dyn_cast<linalg::LinalgOp>(op))
    if (linalg::isaContractionOpInterface(product))
      return findProjection(product, *this);
  for (Value operand : getTokenOperands(op))
    if (std::optional<TokenPlacement> placement = find(operand))
      return placement;
  return std::nullopt;
}

TokenPlacements::TokenPlacements(func::FuncOp function) {
  function.walk([&](Operation *op) {
    if (op->getNumResults() != 1)
      return;
    Value result = op->getResult(0);
    if (std::optional<TokenPlacement> placement = compute(result))
      known[result] = *placement;
  });
}

std::optional<TokenPlacement> TokenPlacements::find(Value tokens) const {
  auto entry = known.find(tokens);
  if (entry == known.end())
    return std::nullopt;
  return entry->second;
}
