//===- LayerActivations.cpp - Activations of layers -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerActivations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static Value buildNumber(OpBuilder &b, Location loc, Type type, double value) {
  return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
}

/// numerator / (1 + exp(-x)).
static Value buildLogistic(OpBuilder &b, Location loc, Value x,
                           Value numerator) {
  Value exp =
      math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x).getResult());
  Value one = buildNumber(b, loc, x.getType(), 1.0);
  Value sum = arith::AddFOp::create(b, loc, one, exp);
  return arith::DivFOp::create(b, loc, numerator, sum);
}

Value import_::buildRelu(LayerBuilder &layers, Value input,
                         const Twine &layer) {
  return layers.elementwise(
      input, layer,
      [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value zero = buildNumber(body, loc, args[0].getType(), 0.0);
        return arith::MaximumFOp::create(body, loc, args[0], zero);
      });
}

Value import_::buildLeakyRelu(LayerBuilder &layers, Value input, double slope,
                              const Twine &layer) {
  return layers.elementwise(
      input, layer,
      [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Type type = args[0].getType();
        Value scaled = arith::MulFOp::create(
            body, loc, args[0], buildNumber(body, loc, type, slope));
        Value positive =
            arith::CmpFOp::create(body, loc, arith::CmpFPredicate::OGT, args[0],
                                  buildNumber(body, loc, type, 0.0));
        return arith::SelectOp::create(body, loc, positive, args[0], scaled);
      });
}

Value import_::buildSigmoid(LayerBuilder &layers, Value input,
                            const Twine &layer) {
  return layers.elementwise(
      input, layer, [](OpBuilder &body, Location loc, ValueRange args) {
        Value one = buildNumber(body, loc, args[0].getType(), 1.0);
        return buildLogistic(body, loc, args[0], one);
      });
}

Value import_::buildSilu(LayerBuilder &layers, Value input,
                         const Twine &layer) {
  return layers.elementwise(input, layer,
                            [](OpBuilder &body, Location loc, ValueRange args) {
                              return buildLogistic(body, loc, args[0], args[0]);
                            });
}

Value import_::buildHardSwish(LayerBuilder &layers, Value input,
                              const Twine &layer) {
  return layers.elementwise(
      input, layer,
      [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        auto number = [&](double value) {
          return buildNumber(body, loc, args[0].getType(), value);
        };
        Value moved = arith::AddFOp::create(body, loc, args[0], number(3));
        Value positive = arith::MaximumFOp::create(body, loc, moved, number(0));
        Value gate = arith::MinimumFOp::create(body, loc, positive, number(6));
        Value product = arith::MulFOp::create(body, loc, args[0], gate);
        return arith::DivFOp::create(body, loc, product, number(6));
      });
}
