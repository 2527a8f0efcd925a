//===- MaskedPositions.cpp - Positions within a padded picture ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskedPositions.h"

#include "BatchGeneric.h"
#include "ConvLayers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The longest wave of the positions, over 2 pi.
static constexpr double kTemperature = 10000.0;
/// Added to the number of elements that positions are divided by.
static constexpr double kEps = 1e-6;

static Value buildNumber(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
}

template <typename T>
static Value buildTable(LayerBuilder &layers, Type element, ArrayRef<T> values,
                        const Twine &layer) {
  auto type = RankedTensorType::get(values.size(), element);
  return arith::ConstantOp::create(layers.b, layers.getLoc(layer),
                                   DenseElementsAttr::get(type, values));
}

Value import_::buildMapMask(LayerBuilder &layers, Value pixelMask,
                            int64_t height, int64_t width, const Twine &layer) {
  auto nearest = [&](int64_t from, int64_t to) {
    // In f32, as PyTorch's interpolate computes it.
    float scale = float(from) / float(to);
    SmallVector<int64_t> positions;
    for (int64_t i = 0; i < to; ++i)
      positions.push_back(std::min(int64_t(float(i) * scale), from - 1));
    return buildTable(layers, layers.b.getI64Type(), ArrayRef(positions),
                      layer);
  };
  ArrayRef<int64_t> shape = getShape(pixelMask);
  Type type = cast<RankedTensorType>(pixelMask.getType()).getElementType();
  return buildBatchGeneric(
      layers, pixelMask, {height, width}, layers.b.getF32Type(),
      {nearest(shape[1], height), nearest(shape[2], width)},
      {readBy(layers, 3, {1}), readBy(layers, 3, {2})}, layer,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto index = [&](Value position) -> Value {
          return arith::IndexCastOp::create(b, b.getIndexType(), position);
        };
        Value pixel = tensor::ExtractOp::create(
            b, pixelMask,
            ValueRange{linalg::IndexOp::create(b, 0), index(args[0]),
                       index(args[1])});
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
        Value seen =
            arith::CmpIOp::create(b, arith::CmpIPredicate::ne, pixel, zero);
        return arith::UIToFPOp::create(b, b.getF32Type(), seen);
      });
}

/// For each element how many of 1 there are along `dim` up to it, as a part of
/// all of them, times 2 pi.
static Value buildPlaces(LayerBuilder &layers, Value mask, unsigned dim,
                         const Twine &layer) {
  ArrayRef<int64_t> inner = getShape(mask).drop_front();
  Type type = layers.b.getF32Type();
  AffineMap along = readBy(layers, 4,
                           dim == 1 ? ArrayRef<unsigned>{0, 3, 2}
                                    : ArrayRef<unsigned>{0, 1, 3});
  // Loops: batch, row, column, and each element along the dim.
  auto count = [&](bool all) {
    return buildBatchGeneric(
        layers, mask, inner, type, mask, along, layer,
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Value term = args[0];
          if (!all) {
            Value counts =
                arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                      getPosition(b, 3), getPosition(b, dim));
            term = arith::SelectOp::create(b, counts, term, buildNumber(b, 0));
          }
          return arith::AddFOp::create(b, args[1], term);
        });
  };
  return layers.elementwise(
      {count(/*all=*/false), count(/*all=*/true)}, layer,
      [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        ImplicitLocOpBuilder b(loc, body);
        Value total = arith::AddFOp::create(b, args[1], buildNumber(b, kEps));
        Value part = arith::DivFOp::create(b, args[0], total);
        return arith::MulFOp::create(b, part,
                                     buildNumber(b, 2 * llvm::numbers::pi));
      });
}

Value import_::buildSinePositions(LayerBuilder &layers, Value mask,
                                  int64_t width, const Twine &layer) {
  int64_t features = width / 2;
  SmallVector<float> waves, phases;
  for (int64_t i = 0; i < features; ++i) {
    double exponent = 2.0 * double(i / 2) / double(features);
    waves.push_back(float(std::pow(kTemperature, exponent)));
    // A cosine is a sine a quarter earlier.
    phases.push_back(i % 2 == 0 ? 0.0f : float(llvm::numbers::pi / 2));
  }
  Type type = layers.b.getF32Type();
  Value wave = buildTable(layers, type, ArrayRef(waves), layer);
  Value phase = buildTable(layers, type, ArrayRef(phases), layer);
  SmallVector<int64_t> inner(getShape(mask).drop_front());
  inner.push_back(features);
  SmallVector<Value> sines;
  for (unsigned dim : {1, 2})
    sines.push_back(buildBatchGeneric(
        layers, mask, inner, type,
        {buildPlaces(layers, mask, dim, layer), wave, phase},
        {readBy(layers, 4, {0, 1, 2}), readBy(layers, 4, {3}),
         readBy(layers, 4, {3})},
        layer, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Value angle = arith::DivFOp::create(b, args[0], args[1]);
          return math::SinOp::create(
              b, arith::AddFOp::create(b, angle, args[2]).getResult());
        }));
  return layers.collapse(layers.concat(sines, 3, layer), 1, 2, layer);
}
