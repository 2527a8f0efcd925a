//===- IndexRange.cpp - What the index of a map stays within --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/IndexRange.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

std::optional<IndexRange> vitc::getIndexRange(AffineExpr expr,
                                              ArrayRef<int64_t> sizes) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return IndexRange{constant.getValue(), constant.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    int64_t size = sizes[dim.getPosition()];
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    return IndexRange{0, size - 1};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<IndexRange> lhs = getIndexRange(binary.getLHS(), sizes);
  std::optional<IndexRange> rhs = getIndexRange(binary.getRHS(), sizes);
  if (!rhs)
    return std::nullopt;
  int64_t factor = rhs->first; // of a product, too, the right side is constant
  bool isFactor = factor == rhs->last && factor > 0;
  if (!lhs && isFactor && expr.getKind() == AffineExprKind::Mod)
    return IndexRange{0, factor - 1};
  if (!lhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return IndexRange{lhs->first + rhs->first, lhs->last + rhs->last};
  if (!isFactor)
    return std::nullopt;
  int64_t first = llvm::divideFloorSigned(lhs->first, factor);
  int64_t last = llvm::divideFloorSigned(lhs->last, factor);
  switch (expr.getKind()) {
  case AffineExprKind::Mul:
    return IndexRange{lhs->first * factor, lhs->last * factor};
  case AffineExprKind::FloorDiv:
    return IndexRange{first, last};
  case AffineExprKind::Mod:
    return first == last ? IndexRange{lhs->first - first * factor,
                                      lhs->last - first * factor}
                         : IndexRange{0, factor - 1};
  default:
    return std::nullopt;
  }
}

bool vitc::staysBelow(AffineExpr expr, ArrayRef<int64_t> sizes,
                      int64_t extent) {
  std::optional<IndexRange> range = getIndexRange(expr, sizes);
  return range && range->first >= 0 && range->last < extent;
}
