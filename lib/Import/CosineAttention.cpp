//===- CosineAttention.cpp - Swin v2's scores and bias --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CosineAttention.h"

#include "LayerActivations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The width of the network for the bias.
static constexpr int64_t kBiasHidden = 512;
/// Below this length a vector is divided by this length instead.
static constexpr float kMinNorm = 1e-12f;

static Value buildFloat(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(value)));
}

/// The sum of squares along the last of four dims.
static Value buildSquareSums(LayerBuilder &layers, Value heads, Location loc) {
  OpBuilder &b = layers.b;
  SmallVector<OpFoldResult> sizes = layers.getSizes(heads, loc);
  sizes.pop_back();
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value zeros = linalg::FillOp::create(b, loc, buildFloat(b, loc, 0.0), empty)
                    .getResult(0);
  AffineMap identity = b.getMultiDimIdentityMap(4);
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, loc, zeros.getType(), heads, zeros,
             ArrayRef<AffineMap>{identity, identity.dropResult(3)}, iterators,
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value square =
                   arith::MulFOp::create(body, loc, args[0], args[0]);
               Value sum = arith::AddFOp::create(body, loc, args[1], square);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

Value import_::buildUnitVectors(LayerBuilder &layers, Value heads, Value scale,
                                const Twine &layer) {
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  Value sums = buildSquareSums(layers, heads, loc);
  AffineMap identity = b.getMultiDimIdentityMap(4);
  SmallVector<Value> inputs = {heads, sums};
  SmallVector<AffineMap> maps = {identity, identity.dropResult(3)};
  if (scale) {
    inputs.push_back(scale);
    maps.push_back(AffineMap::get(4, 0, b.getAffineDimExpr(1)));
  }
  maps.push_back(identity);
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(heads, loc),
                                        b.getF32Type());
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, heads.getType(), inputs, empty, maps, iterators,
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value norm = math::SqrtOp::create(body, loc, args[1]);
               Value length = arith::MaximumFOp::create(
                   body, loc, norm, buildFloat(body, loc, kMinNorm));
               Value unit = arith::DivFOp::create(body, loc, args[0], length);
               if (scale)
                 unit = arith::MulFOp::create(body, loc, unit, args[2]);
               linalg::YieldOp::create(body, loc, unit);
             })
      .getResult(0);
}

Value import_::buildLogitScale(LayerBuilder &layers, StringRef name,
                               int64_t numHeads, const Twine &because) {
  vit::WeightExprAttr stored =
      layers.weight(name, {numHeads, 1, 1}, because, WeightRole::Token);
  Value logits =
      layers.constant(vit::WeightExprAttr::reshape(stored, {numHeads}), name);
  return layers.elementwise(
      logits, name, [](OpBuilder &body, Location loc, ValueRange args) {
        Value bounded = arith::MinimumFOp::create(
            body, loc, args[0], buildFloat(body, loc, std::log(100.0)));
        return math::ExpOp::create(body, loc, bounded).getResult();
      });
}

/// For each row of the table its distance along height and width, on a
/// logarithmic scale: [(2 Mh - 1) (2 Mw - 1), 2].
static DenseElementsAttr getLogDistances(OpBuilder &b,
                                         std::array<int64_t, 2> window,
                                         int64_t pretrainedWindow) {
  SmallVector<float> values;
  auto add = [&](int64_t distance, int64_t size) {
    int64_t unit = (pretrainedWindow > 0 ? pretrainedWindow : size) - 1;
    double relative = unit > 0 ? 8.0 * double(distance) / double(unit) : 0.0;
    double length = std::log2(std::abs(relative) + 1.0) / std::log2(8.0);
    values.push_back(float(std::copysign(length, relative)));
  };
  for (int64_t y = 1 - window[0]; y < window[0]; ++y)
    for (int64_t x = 1 - window[1]; x < window[1]; ++x) {
      add(y, window[0]);
      add(x, window[1]);
    }
  auto type =
      RankedTensorType::get({int64_t(values.size()) / 2, 2}, b.getF32Type());
  return DenseElementsAttr::get(type, ArrayRef(values));
}

Value import_::buildContinuousBiasTable(LayerBuilder &layers,
                                        const std::string &layer,
                                        std::array<int64_t, 2> window,
                                        int64_t pretrainedWindow,
                                        int64_t numHeads,
                                        const Twine &because) {
  OpBuilder &b = layers.b;
  Value distances = arith::ConstantOp::create(
      b, layers.getLoc(layer), getLogDistances(b, window, pretrainedWindow));
  Value hidden = layers.linear(distances, layer + ".0", kBiasHidden, because);
  hidden = buildRelu(layers, hidden, layer + ".1");
  Value table =
      layers.linear(hidden, layer + ".2", numHeads, because, /*bias=*/false);
  // 16 * sigmoid(x).
  return layers.elementwise(
      table, layer, [](OpBuilder &body, Location loc, ValueRange args) {
        Value negated = arith::NegFOp::create(body, loc, args[0]);
        Value exp = math::ExpOp::create(body, loc, negated);
        Value sum =
            arith::AddFOp::create(body, loc, buildFloat(body, loc, 1.0), exp);
        return arith::DivFOp::create(body, loc, buildFloat(body, loc, 16.0),
                                     sum)
            .getResult();
      });
}
