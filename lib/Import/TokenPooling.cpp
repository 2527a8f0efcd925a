//===- TokenPooling.cpp - One vector from the tokens of a text ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenPooling.h"

#include "BatchGeneric.h"
#include "ConvLayers.h"
#include "CosineAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static Value buildInteger(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

static Value buildNumber(ImplicitLocOpBuilder &b, float value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

/// A map of `loops` loops, the first the batch, to the only element of an item.
static AffineMap readOne(LayerBuilder &layers, unsigned loops) {
  OpBuilder &b = layers.b;
  return AffineMap::get(loops, 0,
                        {b.getAffineDimExpr(0), b.getAffineConstantExpr(0)},
                        b.getContext());
}

//===----------------------------------------------------------------------===//
// Mean
//===----------------------------------------------------------------------===//

Value import_::buildMaskedMean(LayerBuilder &layers, Value hidden, Value mask,
                               const Twine &layer) {
  Type f32 = layers.b.getF32Type();
  int64_t width = getShape(hidden)[2];
  // Loops: item, channel, token.
  Value sum = buildBatchGeneric(
      layers, hidden, width, f32, {hidden, mask},
      {readBy(layers, 3, {0, 2, 1}), readBy(layers, 3, {0, 2})}, layer,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value term = arith::SelectOp::create(b, isNonZero(b, args[1]), args[0],
                                             buildNumber(b, 0));
        return arith::AddFOp::create(b, args[2], term);
      });
  Value count = buildBatchGeneric(
      layers, hidden, 1, f32, mask, readBy(layers, 3, {0, 2}), layer,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value term = arith::SelectOp::create(
            b, isNonZero(b, args[0]), buildNumber(b, 1), buildNumber(b, 0));
        return arith::AddFOp::create(b, args[1], term);
      });
  return buildBatchGeneric(
      layers, hidden, width, f32, {sum, count},
      {readBy(layers, 2, {0, 1}), readOne(layers, 2)}, layer,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value divisor =
            arith::MaximumFOp::create(b, args[1], buildNumber(b, 1));
        return arith::DivFOp::create(b, args[0], divisor);
      });
}

//===----------------------------------------------------------------------===//
// The token that stands for all
//===----------------------------------------------------------------------===//

/// The least [B, 1], over the tokens, of what `rank` makes of a token's number
/// and position, or `start`.
static Value buildLeast(
    LayerBuilder &layers, Value ids, int64_t start, const Twine &layer,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> rank) {
  return buildBatchGeneric(
      layers, ids, 1, layers.b.getI64Type(), ids, readBy(layers, 3, {0, 2}),
      layer,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::MinSIOp::create(b, args[1],
                                      rank(b, args[0], getPosition(b, 2)));
      },
      layers.b.getI64IntegerAttr(start));
}

/// The position that `least`, of buildLeast, says.
static Value buildPosition(
    LayerBuilder &layers, Value least, const Twine &layer,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> position) {
  return buildBatchGeneric(layers, least, 1, layers.b.getI64Type(), least,
                           readBy(layers, 2, {0, 1}), layer,
                           [&](ImplicitLocOpBuilder &b, ValueRange args) {
                             return position(b, args[0]);
                           });
}

Value import_::buildPositionOf(LayerBuilder &layers, Value ids, int64_t token,
                               const Twine &layer) {
  int64_t length = getShape(ids)[1];
  auto isEqual = [](ImplicitLocOpBuilder &b, Value lhs, int64_t rhs) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs,
                                 buildInteger(b, rhs));
  };
  Value least = buildLeast(
      layers, ids, length, layer,
      [&](ImplicitLocOpBuilder &b, Value id, Value position) -> Value {
        return arith::SelectOp::create(b, isEqual(b, id, token), position,
                                       buildInteger(b, length));
      });
  return buildPosition(
      layers, least, layer, [&](ImplicitLocOpBuilder &b, Value found) -> Value {
        return arith::SelectOp::create(b, isEqual(b, found, length),
                                       buildInteger(b, 0), found);
      });
}

Value import_::buildPositionOfGreatest(LayerBuilder &layers, Value ids,
                                       const Twine &layer) {
  int64_t length = getShape(ids)[1];
  // Of position - id * N the least is the greatest id's first.
  Value least = buildLeast(
      layers, ids, std::numeric_limits<int64_t>::max(), layer,
      [&](ImplicitLocOpBuilder &b, Value id, Value position) -> Value {
        Value scaled = arith::MulIOp::create(b, id, buildInteger(b, length));
        return arith::SubIOp::create(b, position, scaled);
      });
  return buildPosition(layers, least, layer,
                       [&](ImplicitLocOpBuilder &b, Value found) -> Value {
                         Value size = buildInteger(b, length);
                         Value rest = arith::RemSIOp::create(b, found, size);
                         Value sum = arith::AddIOp::create(b, rest, size);
                         return arith::RemSIOp::create(b, sum, size);
                       });
}

Value import_::buildRowAt(LayerBuilder &layers, Value hidden, Value position,
                          const Twine &layer) {
  // A sum of one row, which keeps each item's result a function of the item.
  // Loops: item, channel, token.
  return buildBatchGeneric(
      layers, hidden, getShape(hidden)[2], layers.b.getF32Type(),
      {hidden, position}, {readBy(layers, 3, {0, 2, 1}), readOne(layers, 3)},
      layer, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isRow = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            getPosition(b, 2), args[1]);
        return arith::SelectOp::create(b, isRow, args[0], args[2]);
      });
}

//===----------------------------------------------------------------------===//
// Length
//===----------------------------------------------------------------------===//

Value import_::buildUnitRows(LayerBuilder &layers, Value input,
                             const Twine &layer) {
  int64_t width = getShape(input)[1];
  Value heads = layers.expand(input, 1, {1, 1, width}, layer);
  Value unit = buildUnitVectors(layers, heads, /*scale=*/Value(), layer);
  return layers.collapse(unit, 1, 3, layer);
}
