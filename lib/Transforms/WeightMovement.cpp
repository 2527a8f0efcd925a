//===- WeightMovement.cpp - Moved weights as weight expressions -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightMovement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::vit;

/// Whether a tensor of this type can be an expression's value.
static bool isWeightType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 &&
         isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(
             tensor.getElementType()) &&
         WeightExprAttr::getStoredBytes(tensor);
}

static bool readsWeight(WeightExprAttr expr) {
  SmallVector<WeightExprAttr> pending = {expr};
  while (!pending.empty()) {
    WeightExprAttr next = pending.pop_back_val();
    if (next.getKind() == WeightExprKind::Ref)
      return true;
    for (Attribute operand : next.getOperands())
      if (auto inner = dyn_cast<WeightExprAttr>(operand))
        pending.push_back(inner);
  }
  return false;
}

/// The permutation that moves `dim` of `rank` dims to the front.
static SmallVector<int64_t> moveToFront(int64_t dim, int64_t rank) {
  SmallVector<int64_t> permutation = {dim};
  for (int64_t i = 0; i < rank; ++i)
    if (i != dim)
      permutation.push_back(i);
  return permutation;
}

static WeightExprAttr slice(WeightExprAttr expr, tensor::ExtractSliceOp op) {
  if (!llvm::all_equal(op.getStaticStrides()) ||
      (!op.getStaticStrides().empty() && op.getStaticStrides()[0] != 1) ||
      ShapedType::isDynamicShape(op.getStaticOffsets()) ||
      ShapedType::isDynamicShape(op.getStaticSizes()))
    return nullptr;
  int64_t rank = expr.getType().getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t size = op.getStaticSizes()[dim];
    if (size == expr.getType().getDimSize(dim))
      continue;
    SmallVector<int64_t> front = moveToFront(dim, rank);
    expr = WeightExprAttr::slice(WeightExprAttr::transpose(expr, front),
                                 op.getStaticOffsets()[dim], size);
    expr = WeightExprAttr::transpose(expr, invertPermutationVector(front));
  }
  return WeightExprAttr::reshape(expr, op.getType().getShape());
}

static WeightExprAttr concat(ArrayRef<WeightExprAttr> pieces, int64_t dim) {
  SmallVector<int64_t> front =
      moveToFront(dim, pieces.front().getType().getRank());
  SmallVector<WeightExprAttr> moved;
  for (WeightExprAttr piece : pieces)
    moved.push_back(WeightExprAttr::transpose(piece, front));
  return WeightExprAttr::transpose(WeightExprAttr::concat(moved),
                                   invertPermutationVector(front));
}

WeightExprAttr WeightMovement::move(Operation *op) {
  SmallVector<WeightExprAttr> operands;
  unsigned inputs = isa<linalg::TransposeOp>(op) ? 1 : op->getNumOperands();
  for (Value operand : op->getOperands().take_front(inputs)) {
    operands.push_back(getExpr(operand));
    if (!operands.back())
      return nullptr;
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return llvm::TypeSwitch<Operation *, WeightExprAttr>(op)
      .Case<linalg::TransposeOp>([&](linalg::TransposeOp transpose) {
        return WeightExprAttr::transpose(operands[0],
                                         transpose.getPermutation());
      })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>([&](Operation *) {
        return WeightExprAttr::reshape(operands[0], type.getShape());
      })
      .Case<tensor::ExtractSliceOp>([&](tensor::ExtractSliceOp extract) {
        return slice(operands[0], extract);
      })
      .Case<tensor::ConcatOp>(
          [&](tensor::ConcatOp op) { return concat(operands, op.getDim()); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](Operation *) {
        return WeightExprAttr::castTo(operands[0], type.getElementType());
      })
      .Case<arith::AddFOp>([&](Operation *) {
        return WeightExprAttr::add(operands[0], operands[1]);
      });
}

WeightExprAttr WeightMovement::getExpr(Value value) {
  auto [known, isNew] = exprs.try_emplace(value);
  if (!isNew)
    return known->second;
  Operation *op = value.getDefiningOp();
  if (!op || !isWeightType(value.getType()))
    return nullptr;
  bool isF32 = getElementTypeOrSelf(value.getType()).isF32();
  WeightExprAttr expr;
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    expr = constant.getValue();
  } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto values = dyn_cast<DenseElementsAttr>(constant.getValue()))
      expr = WeightExprAttr::data(values);
  } else if (isa<linalg::TransposeOp, tensor::CollapseShapeOp,
                 tensor::ExpandShapeOp, tensor::ExtractSliceOp,
                 tensor::ConcatOp>(op) ||
             // Expressions compute in f32 alone.
             (isF32 &&
              isa<arith::AddFOp, arith::ExtFOp, arith::TruncFOp>(op))) {
    expr = move(op);
  }
  return exprs[value] = expr;
}

void WeightMovement::add(Operation *op) {
  if (op->getNumResults() == 1)
    getExpr(op->getResult(0));
}

WeightExprAttr WeightMovement::getMovedWeight(Operation *op) {
  if (op->getNumResults() != 1)
    return nullptr;
  WeightExprAttr expr = getExpr(op->getResult(0));
  return expr && readsWeight(expr) ? expr : nullptr;
}
