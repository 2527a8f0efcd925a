//===- Softmax.cpp - Softmax and values in linalg -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Softmax.h"

#include "Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace vitc;

AffineExpr vitc::getKeyHead(Value key, int64_t numHeads, AffineExpr head) {
  int64_t numKeyHeads = cast<RankedTensorType>(key.getType()).getDimSize(1);
  return head.floorDiv(numHeads / numKeyHeads);
}

Value vitc::buildSoftmax(ImplicitLocOpBuilder &builder, Value scores) {
  Type type = getElementTypeOrSelf(scores);
  SmallVector<OpFoldResult> sizes = getSizes(builder, scores);
  ArrayRef<OpFoldResult> rowSizes = ArrayRef(sizes).drop_back();
  AffineMap identity = builder.getMultiDimIdentityMap(4);
  AffineMap rowMap = getLoopMap(builder, 4, {0, 1, 2});
  Value zero = buildFloat(builder, type, 0.0);
  Value lowest =
      buildFloat(builder, type, -std::numeric_limits<double>::infinity());

  Value maxima =
      buildReduction(builder, rowSizes, lowest, scores, {identity, rowMap},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::MaximumFOp::create(b, args[0], args[1]);
                     });
  // In a fully masked row -inf - -inf would be NaN; exp(-inf - 0) is 0.
  Value exps = buildElementwise(
      builder, sizes, type, {scores, maxima}, {identity, rowMap},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value masked = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                             args[1], lowest);
        Value shift = arith::SelectOp::create(b, masked, zero, args[1]);
        Value difference = arith::SubFOp::create(b, args[0], shift);
        return math::ExpOp::create(b, difference);
      });
  Value sums =
      buildReduction(builder, rowSizes, zero, exps, {identity, rowMap},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(b, args[1], args[0]);
                     });
  return buildElementwise(
      builder, sizes, type, {exps, sums}, {identity, rowMap},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value masked =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, args[1], zero);
        Value quotient = arith::DivFOp::create(b, args[0], args[1]);
        return arith::SelectOp::create(b, masked, zero, quotient);
      });
}

// Loops (b, h, i, d, j).
Value vitc::buildWeightedValues(ImplicitLocOpBuilder &builder,
                                Value probabilities, Value value, Type type) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, probabilities);
  sizes[3] = getSizes(builder, value)[3];
  AffineExpr b, h, i, d, j;
  bindDims(builder.getContext(), b, h, i, d, j);
  int64_t numHeads =
      cast<RankedTensorType>(probabilities.getType()).getDimSize(1);
  auto valueMap = AffineMap::get(
      5, 0, {b, getKeyHead(value, numHeads, h), j, d}, builder.getContext());
  return buildContraction(builder, sizes, type, probabilities, value,
                          {getLoopMap(builder, 5, {0, 1, 2, 4}), valueMap,
                           getLoopMap(builder, 5, {0, 1, 2, 3})});
}
