//===- Match.cpp - One view of ops that exporters spell differently -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Analysis/Evaluate.h"

using namespace mlir;
using namespace vitc::vit;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

static std::optional<double> toDouble(Attribute attr) {
  if (auto number = dyn_cast_or_null<FloatAttr>(attr))
    return number.getValueAsDouble();
  if (auto number = dyn_cast_or_null<IntegerAttr>(attr))
    return number.getType().isUnsignedInteger() || number.getType().isInteger(1)
               ? number.getValue().roundToDouble(/*isSigned=*/false)
               : number.getValue().roundToDouble(/*isSigned=*/true);
  if (auto elements = dyn_cast_or_null<DenseElementsAttr>(attr))
    if (elements.isSplat() || elements.getNumElements() == 1)
      return toDouble(elements.isSplat()
                          ? elements.getSplatValue<Attribute>()
                          : *elements.getValues<Attribute>().begin());
  return std::nullopt;
}

/// The tensor whose elements are all that `op` moves; null for other ops.
static Value getMovedTensor(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
          tensor::ExtractSliceOp, tensor::CastOp, linalg::TransposeOp,
          linalg::BroadcastOp>(op))
    return op->getOperand(0);
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      generic.getBody()->getTerminator()->getOperand(0) !=
          generic.getBody()->getArgument(0))
    return {};
  return generic.getInputs()[0];
}

std::optional<double> vitc::vit::getScalar(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    Attribute attr;
    if (auto weight = dyn_cast<ConstantOp>(op)) {
      if (weight.getType().getNumElements() != 1)
        return std::nullopt;
      return toDouble(
          Evaluator(op->getParentOfType<ModuleOp>()).evaluate(value));
    }
    if (matchPattern(value, m_Constant(&attr)))
      return toDouble(attr);
    if (auto fill = dyn_cast<linalg::FillOp>(op))
      value = fill.value();
    else if (Value moved = getMovedTensor(op))
      value = moved;
    else
      return std::nullopt;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The op of a body that is one op, beside constants, and the yield.
static Operation *getOnlyOp(Block &body) {
  Operation *only = nullptr;
  for (Operation &op : body.without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (only)
      return nullptr;
    only = &op;
  }
  Operation *terminator = body.getTerminator();
  if (!only || only->getNumResults() != 1 || terminator->getNumOperands() != 1)
    return nullptr;
  return terminator->getOperand(0) == only->getResult(0) ? only : nullptr;
}

static std::optional<Elementwise> matchGeneric(linalg::GenericOp generic) {
  if (generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops())
    return std::nullopt;
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  Operation *op = getOnlyOp(*generic.getBody());
  if (!op || !op->hasTrait<OpTrait::Elementwise>() ||
      !maps.back().isPermutation())
    return std::nullopt;

  Elementwise match;
  match.scalarOp = op;
  for (Value operand : op->getOperands()) {
    ElementwiseOperand &view = match.operands.emplace_back();
    auto argument = dyn_cast<BlockArgument>(operand);
    if (!argument || argument.getOwner() != generic.getBody()) {
      view.scalar = getScalar(operand);
      if (!view.scalar)
        return std::nullopt;
      continue;
    }
    unsigned index = argument.getArgNumber();
    if (index >= generic.getNumDpsInputs() ||
        !maps[index].isProjectedPermutation(/*allowZeroInResults=*/true))
      return std::nullopt;
    view.tensor = generic.getInputs()[index];
    view.map = maps[index].compose(inversePermutation(maps.back()));
    view.scalar = getScalar(view.tensor);
  }
  return match;
}

std::optional<Elementwise> vitc::vit::matchElementwise(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return matchGeneric(generic);
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !op->hasTrait<OpTrait::Elementwise>() ||
      op->getNumResults() != 1 || op->getNumOperands() == 0)
    return std::nullopt;

  Elementwise match;
  match.scalarOp = op;
  for (Value operand : op->getOperands()) {
    if (!isa<RankedTensorType>(operand.getType()))
      return std::nullopt;
    match.operands.push_back(
        {operand,
         AffineMap::getMultiDimIdentityMap(type.getRank(), op->getContext()),
         getScalar(operand)});
  }
  return match;
}

std::optional<Scaled> vitc::vit::matchScaled(Value tensor) {
  std::optional<Elementwise> match = matchElementwise(tensor);
  if (!match || !match->is<arith::MulFOp, arith::DivFOp>())
    return std::nullopt;
  const ElementwiseOperand &lhs = match->operands[0];
  const ElementwiseOperand &rhs = match->operands[1];
  if (match->is<arith::DivFOp>()) {
    if (!rhs.scalar || !lhs.tensor || *rhs.scalar == 0)
      return std::nullopt;
    return Scaled{lhs, 1 / *rhs.scalar};
  }
  if (rhs.scalar && lhs.tensor)
    return Scaled{lhs, *rhs.scalar};
  if (lhs.scalar && rhs.tensor)
    return Scaled{rhs, *lhs.scalar};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

Contraction Contraction::swapped() const {
  Contraction other = *this;
  std::swap(other.lhs, other.rhs);
  std::swap(other.lhsMap, other.rhsMap);
  std::swap(other.m, other.n);
  return other;
}

std::optional<Contraction> vitc::vit::matchContraction(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || !linalg::isaContractionOpInterface(op) || op->getNumResults() != 1)
    return std::nullopt;
  std::optional<double> init = getScalar(op.getDpsInits()[0]);
  if (!init || *init != 0)
    return std::nullopt;

  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Contraction match;
  match.op = op;
  match.lhs = op.getDpsInputs()[0];
  match.rhs = op.getDpsInputs()[1];
  match.lhsMap = maps[0];
  match.rhsMap = maps[1];
  match.resultMap = maps[2];
  match.sizes = op.getStaticLoopRanges();
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
    bool inLhs = maps[0].isFunctionOfDim(loop);
    bool inRhs = maps[1].isFunctionOfDim(loop);
    bool inResult = maps[2].isFunctionOfDim(loop);
    if (inLhs && inRhs)
      (inResult ? match.batch : match.k).push_back(loop);
    else if (inResult && (inLhs || inRhs))
      (inLhs ? match.m : match.n).push_back(loop);
    else
      return std::nullopt;
  }
  return match;
}
