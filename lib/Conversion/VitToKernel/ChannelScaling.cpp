//===- ChannelScaling.cpp - Maps that are scaled while read ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group norm that is applied, with the activation behind it, costs a pass
// over the map. Where only products read it they do it to the rows that they
// copy: kernel.gemm's lhs_scale, lhs_shift and lhs_activation.
//
//===----------------------------------------------------------------------===//

#include "ChannelScaling.h"

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;

/// The operand of `op`, of two, that is not `known`.
static Value getOther(Operation *op, Value known) {
  return op->getOperand(op->getOperand(0) == known ? 1 : 0);
}

/// The operand of a block argument; null for any other value.
static OpOperand *getOperand(linalg::GenericOp op, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner() == op.getBody()
             ? op.getMatchingOpOperand(argument)
             : nullptr;
}

std::optional<ChannelScaling> vitc::matchChannelScaling(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumDpsInputs() != 3 ||
      op.getNumLoops() != op.getNumParallelLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  ChannelScaling scaling;
  scaling.activation = vit::Activation::None;
  Value value = op.getBody()->getTerminator()->getOperand(0);
  if (auto maximum = value.getDefiningOp<arith::MaximumFOp>()) {
    bool isFirst = matchPattern(maximum.getLhs(), m_AnyZeroFloat());
    if (!isFirst && !matchPattern(maximum.getRhs(), m_AnyZeroFloat()))
      return std::nullopt;
    value = isFirst ? maximum.getRhs() : maximum.getLhs();
    scaling.activation = vit::Activation::Relu;
  }
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return std::nullopt;
  auto product = sum.getLhs().getDefiningOp<arith::MulFOp>();
  if (!product)
    product = sum.getRhs().getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  OpOperand *shift = getOperand(op, getOther(sum, product));
  OpOperand *source = getOperand(op, product.getLhs());
  OpOperand *scale = getOperand(op, product.getRhs());
  if (!shift || !source || !scale)
    return std::nullopt;
  if (!op.getMatchingIndexingMap(source).isIdentity())
    std::swap(source, scale);
  scaling.map = op.getMatchingIndexingMap(scale);
  if (!op.getMatchingIndexingMap(source).isIdentity() ||
      !getElementTypeOrSelf(source->get()).isF32() ||
      source->get().getType() != op->getResult(0).getType() ||
      op.getMatchingIndexingMap(shift) != scaling.map ||
      shift->get().getType() != scale->get().getType())
    return std::nullopt;
  scaling.source = source->get();
  scaling.scale = scale->get();
  scaling.shift = shift->get();
  return scaling;
}

/// Whether the products that read `value` scale it: element x by element
/// map(x) of the scale.
static bool isScaledByReaders(Value value, AffineMap map) {
  unsigned rank = map.getNumDims();
  auto dependsOn = [&](unsigned begin, unsigned end) {
    return llvm::any_of(llvm::seq(begin, end),
                        [&](unsigned dim) { return map.isFunctionOfDim(dim); });
  };
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    Operation *reader = use.getOwner();
    bool isInput = use.getOperandNumber() == 0;
    if (auto conv = dyn_cast<vit::Conv2dOp>(reader))
      return isInput && conv.getGroups() == 1 && conv.getResidual() != value &&
             !dependsOn(2, 4);
    if (auto linear = dyn_cast<vit::LinearOp>(reader))
      return isInput && linear.getResidual() != value &&
             !dependsOn(1, rank - 1);
    if (auto pad = dyn_cast<tensor::PadOp>(reader))
      return isPaddedByReaders(pad) && isScaledByReaders(pad.getResult(), map);
    std::optional<Movement> movement = getMovement(reader);
    return movement && movement->source == value &&
           isScaledByReaders(reader->getResult(0), map.compose(movement->map));
  });
}

bool vitc::isScaledByReaders(Value result, const ChannelScaling &scaling) {
  return !result.use_empty() && ::isScaledByReaders(result, scaling.map);
}

KernelEmitter::ScaledAccess KernelEmitter::readScaled(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
  for (Value source = value; source.getDefiningOp();) {
    auto known = scalings.find(source);
    if (known != scalings.end()) {
      const ChannelScaling &scaling = known->second;
      auto readAt = [&](Value tensor, AffineMap places) -> ValueAccess {
        ValueAccess access = read(tensor);
        return {access.base,
                simplifyIndices(access.map.compose(places), type.getShape())};
      };
      AffineMap channels = scaling.map.compose(map);
      return {readAt(scaling.source, map), readAt(scaling.scale, channels),
              readAt(scaling.shift, channels), scaling.activation};
    }
    std::optional<Movement> movement = getMovement(source.getDefiningOp());
    if (!movement)
      break;
    map = movement->map.compose(map);
    source = movement->source;
  }
  return {read(value), {}, {}, vit::Activation::None};
}

void KernelEmitter::setScaling(kernel::GemmOp gemm, const ScaledAccess &access,
                               AffineMap channels) {
  if (!access.scale.base)
    return;
  gemm.getLhsScaleMutable().assign(access.scale.base);
  gemm.getLhsShiftMutable().assign(access.shift.base);
  gemm.setChannelMap(simplifyIndices(
      access.scale.map.compose(channels),
      {ShapedType::kDynamic, static_cast<int64_t>(gemm.getK())}));
  gemm.setLhsActivation(access.activation);
}
