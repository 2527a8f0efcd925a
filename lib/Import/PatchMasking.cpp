//===- PatchMasking.cpp - Patches hidden by noise -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PatchMasking.h"

#include "BatchGeneric.h"
#include "ConvLayers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static Value buildInteger(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

static Value compare(ImplicitLocOpBuilder &b, arith::CmpIPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

Value import_::buildNoiseRanks(LayerBuilder &layers, Value noise,
                               const Twine &layer) {
  // Loops: batch, patch, and each other patch, of which those before count.
  Type type = layers.b.getI64Type();
  return buildBatchGeneric(
      layers, noise, getShape(noise)[1], type, {noise, noise},
      {readBy(layers, 3, {0, 1}), readBy(layers, 3, {0, 2})}, layer,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value less = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                                           args[1], args[0]);
        Value equal = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                            args[1], args[0]);
        Value earlier = compare(b, arith::CmpIPredicate::slt, getPosition(b, 2),
                                getPosition(b, 1));
        Value tie = arith::AndIOp::create(b, equal, earlier);
        Value before = arith::OrIOp::create(b, less, tie);
        return arith::AddIOp::create(b, args[2],
                                     arith::ExtUIOp::create(b, type, before));
      });
}

Value import_::buildMask(LayerBuilder &layers, Value ranks, int64_t numVisible,
                         const Twine &layer) {
  Type type = layers.b.getF32Type();
  return buildBatchGeneric(
      layers, ranks, getShape(ranks)[1], type, ranks, readBy(layers, 2, {0, 1}),
      layer, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value hidden = compare(b, arith::CmpIPredicate::sge, args[0],
                               buildInteger(b, numVisible));
        return arith::UIToFPOp::create(b, type, hidden);
      });
}

Value import_::buildVisibleTokens(LayerBuilder &layers, Value tokens,
                                  Value ranks, int64_t numVisible,
                                  const Twine &layer) {
  // The row of each visible token; row 0, the class token's, has no rank.
  Value rows = buildBatchGeneric(
      layers, ranks, 1 + numVisible, layers.b.getI64Type(), ranks,
      readBy(layers, 3, {0, 2}), layer,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value one = buildInteger(b, 1);
        Value place = arith::AddIOp::create(b, args[0], one);
        Value row = arith::AddIOp::create(b, getPosition(b, 2), one);
        Value found =
            compare(b, arith::CmpIPredicate::eq, place, getPosition(b, 1));
        return arith::SelectOp::create(b, found, row, args[1]);
      });
  return buildBatchGeneric(
      layers, tokens, {1 + numVisible, getShape(tokens)[2]},
      layers.b.getF32Type(), rows, readBy(layers, 3, {0, 1}), layer,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
        return tensor::ExtractOp::create(
            b, tokens,
            ValueRange{linalg::IndexOp::create(b, 0), row,
                       linalg::IndexOp::create(b, 2)});
      });
}

Value import_::buildRestoredTokens(LayerBuilder &layers, Value visible,
                                   Value ranks, Value maskToken,
                                   const Twine &layer) {
  int64_t numVisible = getShape(visible)[1] - 1, width = getShape(visible)[2];
  Value patches = buildBatchGeneric(
      layers, visible, {getShape(ranks)[1], width}, layers.b.getF32Type(),
      {ranks, maskToken}, {readBy(layers, 3, {0, 1}), readBy(layers, 3, {2})},
      layer, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value count = buildInteger(b, numVisible);
        Value place = arith::AddIOp::create(b, args[0], buildInteger(b, 1));
        Value row = arith::IndexCastOp::create(
            b, b.getIndexType(), arith::MinSIOp::create(b, place, count));
        Value token = tensor::ExtractOp::create(
            b, visible,
            ValueRange{linalg::IndexOp::create(b, 0), row,
                       linalg::IndexOp::create(b, 2)});
        Value seen = compare(b, arith::CmpIPredicate::slt, args[0], count);
        return arith::SelectOp::create(b, seen, token, args[1]);
      });
  Value classToken = layers.slice(visible, 1, 0, 1, layer);
  return layers.concat({classToken, patches}, 1, layer);
}
