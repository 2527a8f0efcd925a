//===- NormRows.cpp - Norms and the products that read their rows ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormRows.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::vit;

NormAttr Norm::getAttr() const {
  if (!epsilon.getValue().isFinite())
    return {};
  return NormAttr::get(op->getContext(), epsilon, rms);
}

std::optional<Norm> vitc::vit::matchNorm(Operation *op) {
  if (auto norm = dyn_cast<LayerNormOp>(op))
    return Norm{op, norm.getEpsilonAttr(), /*rms=*/false, norm.getScale(),
                norm.getShift()};
  if (auto norm = dyn_cast<RmsNormOp>(op))
    return Norm{op, norm.getEpsilonAttr(), /*rms=*/true, norm.getScale(),
                /*shift=*/Value()};
  return std::nullopt;
}

/// Whether both tensors consist of rows of one length along their last dims;
/// for an op that keeps or drops elements in their order, the same rows.
static bool haveEqualRows(RankedTensorType from, RankedTensorType to) {
  return from.getRank() > 0 && to.getRank() > 0 &&
         !from.isDynamicDim(from.getRank() - 1) &&
         from.getShape().back() == to.getShape().back();
}

/// Whether the reader of `use` only moves whole rows of the last dim of it.
static bool movesRows(OpOperand &use) {
  return llvm::TypeSwitch<Operation *, bool>(use.getOwner())
      .Case<CyclicShiftOp, WindowPartitionOp, WindowReverseOp>(
          [](Operation *) { return true; })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>([](auto reshape) {
        return haveEqualRows(reshape.getSrcType(), reshape.getResultType());
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        RankedTensorType from = slice.getSourceType();
        int64_t last = from.getRank() - 1;
        return haveEqualRows(from, slice.getType()) &&
               slice.getStaticOffset(last) == 0 &&
               slice.getStaticSize(last) == from.getDimSize(last) &&
               slice.getStaticStride(last) == 1;
      })
      .Case([&](linalg::TransposeOp transpose) {
        ArrayRef<int64_t> permutation = transpose.getPermutation();
        return use.getOperandNumber() == 0 && !permutation.empty() &&
               permutation.back() ==
                   static_cast<int64_t>(permutation.size()) - 1;
      })
      .Default(false);
}

SmallVector<OpOperand *> vitc::vit::getRowReaders(Value tensor) {
  SmallVector<OpOperand *> readers;
  SmallVector<Value> pending = {tensor};
  while (!pending.empty())
    for (OpOperand &use : pending.pop_back_val().getUses()) {
      // A size is no element.
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      if (movesRows(use))
        pending.push_back(use.getOwner()->getResult(0));
      else
        readers.push_back(&use);
    }
  return readers;
}

std::string vitc::vit::getProductObstacle(OpOperand &reader) {
  auto linear = dyn_cast<LinearOp>(reader.getOwner());
  if (!linear || &reader != &linear.getInputMutable())
    return ("'" + reader.getOwner()->getName().getStringRef() +
            "' op reads its result")
        .str();
  if (linear.getNorm())
    return "a linear layer normalises its result again";
  return "";
}

LinearWeights vitc::vit::foldAffine(LinearWeights weights, WeightExprAttr scale,
                                    WeightExprAttr shift) {
  LinearWeights folded = weights;
  if (shift) {
    folded.bias = WeightExprAttr::product(weights.weight, shift);
    if (weights.bias)
      folded.bias = WeightExprAttr::add(weights.bias, folded.bias);
  }
  if (scale)
    folded.weight = WeightExprAttr::scale(weights.weight, scale, /*dim=*/1);
  return folded;
}
