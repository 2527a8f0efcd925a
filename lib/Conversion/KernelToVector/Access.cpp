//===- Access.cpp - Where an index map leads in memory --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"

using namespace mlir;
using namespace vitc::kernel;

Access::Access(AffineMap map, MemRefType type) : numDims(map.getNumDims()) {
  offset = getAffineConstantExpr(0, map.getContext());
  int64_t size = 1;
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    offset = map.getResult(i) * size + offset;
    if (i > 0) // the size of dim 0, which may be dynamic, is of no need
      size *= type.getDimSize(i);
  }
  offset = simplifyAffineExpr(offset, numDims, /*numSymbols=*/0);
}

AffineExpr Access::getOffsetWithout(unsigned dim) const {
  MLIRContext *context = offset.getContext();
  AffineExpr rest = offset.replace(getAffineDimExpr(dim, context),
                                   getAffineConstantExpr(0, context));
  return simplifyAffineExpr(rest, numDims, /*numSymbols=*/0);
}

std::optional<int64_t> Access::getStride(unsigned dim, AffineExpr begin) const {
  AffineExpr position = getAffineDimExpr(dim, offset.getContext());
  AffineExpr step = simplifyAffineExpr(offset.replace(position, begin + 1) -
                                           offset.replace(position, begin),
                                       numDims, /*numSymbols=*/0);
  if (auto constant = dyn_cast<AffineConstantExpr>(step))
    return constant.getValue();
  return std::nullopt;
}

std::optional<int64_t> Access::getStride(unsigned dim) const {
  return getStride(dim, getAffineDimExpr(dim, offset.getContext()));
}

LogicalResult Access::requireUnitStride(Operation *op, StringRef operand,
                                        unsigned dim, StringRef axis) const {
  std::optional<int64_t> stride = getStride(dim);
  if (stride == 1)
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError()
                                  << "has " << operand << " with ";
  if (stride)
    diagnostic << "stride " << *stride;
  else
    diagnostic << "no constant stride";
  return diagnostic << " along " << axis << "; needs unit stride";
}

LogicalResult Access::requireUnitStrideInRuns(Operation *op, StringRef operand,
                                              unsigned dim, StringRef axis,
                                              int64_t size, int64_t run) const {
  for (int64_t i = 0; i + 1 < size; ++i)
    if ((i + 1) % run != 0 &&
        getStride(dim, getAffineConstantExpr(i, offset.getContext())) != 1)
      return requireUnitStride(op, operand, dim, axis);
  return success();
}
