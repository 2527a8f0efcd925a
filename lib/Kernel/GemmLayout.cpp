//===- GemmLayout.cpp - How the operands of a product lie -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmLayout.h"

using namespace mlir;
using namespace vitc::kernel;

/// Elements from one index to the next along `dim`, if they are as many
/// everywhere.
static std::optional<int64_t> getStride(Value operand, AffineMap map,
                                        unsigned dim) {
  auto type = cast<ShapedType>(operand.getType());
  AffineExpr offset = getAffineConstantExpr(0, map.getContext());
  int64_t size = 1;
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    offset = map.getResult(i) * size + offset;
    if (i > 0)
      size *= type.getDimSize(i);
  }
  AffineExpr position = getAffineDimExpr(dim, map.getContext());
  auto step = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(offset.replace(position, position + 1) - offset,
                         map.getNumDims(), /*numSymbols=*/0));
  return step ? std::make_optional(step.getValue()) : std::nullopt;
}

/// Whether an operand's elements lie at constant strides along all dims.
static bool hasConstantStrides(Value operand, AffineMap map) {
  return llvm::all_of(llvm::seq(map.getNumDims()), [&](unsigned dim) {
    return getStride(operand, map, dim).has_value();
  });
}

bool vitc::kernel::hasContiguousRows(GemmOp op) {
  constexpr unsigned kDepth = 2;
  return getStride(op.getLhs(), op.getLhsMap(), kDepth) == 1;
}

bool vitc::kernel::copiesRows(GemmOp op) {
  return op.transformsRows() || !hasContiguousRows(op);
}

bool vitc::kernel::canOneDNNRead(GemmOp op) {
  return !copiesRows(op) && hasConstantStrides(op.getLhs(), op.getLhsMap());
}

bool vitc::kernel::canOneDNNWrite(GemmOp op) {
  return cast<ShapedType>(op.getWeights().getType()).getRank() == 1 &&
         !op.getStatistics() && getElementTypeOrSelf(op.getInit()).isF32() &&
         hasConstantStrides(op.getInit(), op.getResultMap()) &&
         (!op.getResidual() ||
          hasConstantStrides(op.getResidual(), *op.getResidualMap()));
}
