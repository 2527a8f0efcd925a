//===- ScoreOperands.cpp - What attention's scores are made of ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreOperands.h"

#include "VectorBuilder.h"

using namespace mlir;
using namespace vitc::kernel;

std::optional<ScoreFactor>
ScoreOperands::getFactor(Value value, std::optional<AffineMap> map) {
  if (!value)
    return std::nullopt;
  return ScoreFactor{value, Access(*map, cast<MemRefType>(value.getType()))};
}

void ScoreOperands::add(StringRef name, Value addend,
                        std::optional<AffineMap> map) {
  if (addend)
    addends.push_back(
        {name, addend, Access(*map, cast<MemRefType>(addend.getType()))});
}

/// Whether a dividend in `expr` may be negative.
static bool dividesNegative(AffineExpr expr) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  bool isSumOrProduct = expr.getKind() == AffineExprKind::Add ||
                        expr.getKind() == AffineExprKind::Mul;
  return dividesNegative(binary.getLHS()) || dividesNegative(binary.getRHS()) ||
         (!isSumOrProduct && !isNonNegative(binary.getLHS()));
}

LogicalResult ScoreOperands::verify(Operation *op, CpuAttr cpu) const {
  int64_t lanes = cpu.getLanes();
  if (tiling.getRows() < 1 || tiling.getColumns() < 1 ||
      tiling.getColumns() % lanes != 0 || tiling.getQueryBlock() < 1 ||
      tiling.getKeyBlock() < 1)
    return op->emitOpError()
           << "has tiling " << tiling
           << "; needs positive numbers and columns in multiples of " << lanes;
  if (query && (failed(query->access.requireUnitStride(op, "query", 3, "d")) ||
                failed(key->access.requireUnitStride(op, "key", 3, "d"))))
    return failure();
  for (const ScoreAddend &addend : addends)
    if (failed(addend.access.requireUnitStride(op, addend.name, 3, "j")))
      return failure();
  if (groups && dividesNegative(*groups))
    return op->emitOpError()
           << "has groups " << AffineMapAttr::get(AffineMap::get(2, 0, *groups))
           << ", which may divide a negative number; needs dividends of 0 or "
              "more";
  return success();
}
