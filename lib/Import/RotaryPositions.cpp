//===- RotaryPositions.cpp - Queries and keys turned by position ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RotaryPositions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Where patch `index` of `size` along a side is.
static double getPlace(const AxialRotary &rotary, int64_t index, int64_t size) {
  if (rotary.centered)
    return 2.0 * llvm::numbers::pi *
           (2.0 * (double(index) + 0.5) / double(size) - 1.0);
  double place = double(index) + rotary.offset;
  return rotary.referencePatches > 0
             ? place / double(size) * double(rotary.referencePatches)
             : place;
}

/// The angles of a patch, behind those of other tokens: all 0.
static SmallVector<double> getAngles(int64_t prefix, int64_t height,
                                     int64_t width, int64_t headDim,
                                     const AxialRotary &rotary) {
  int64_t perSide = headDim / 4;
  SmallVector<double> angles(prefix * 2 * perSide, 0.0);
  auto add = [&](double place) {
    for (int64_t i = 0; i < perSide; ++i)
      angles.push_back(place *
                       std::pow(rotary.base, -double(i) / double(perSide)));
  };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      double places[] = {getPlace(rotary, y, height),
                         getPlace(rotary, x, width)};
      add(places[rotary.widthFirst]);
      add(places[!rotary.widthFirst]);
    }
  return angles;
}

RotaryTables import_::buildAxialRotaryTables(LayerBuilder &layers,
                                             int64_t prefix, int64_t height,
                                             int64_t width, int64_t headDim,
                                             const AxialRotary &rotary,
                                             const Twine &layer) {
  OpBuilder &b = layers.b;
  int64_t numTokens = prefix + height * width, half = headDim / 2;
  SmallVector<double> angles =
      getAngles(prefix, height, width, headDim, rotary);
  SmallVector<float> cosines, sines;
  for (int64_t token = 0; token < numTokens; ++token) {
    auto ofToken = ArrayRef(angles).slice(token * half, half);
    for (double angle : ofToken)
      cosines.push_back(float(std::cos(angle)));
    for (double sign : {-1.0, 1.0})
      for (double angle : ofToken)
        sines.push_back(float(sign * std::sin(angle)));
  }
  auto constant = [&](ArrayRef<int64_t> shape, ArrayRef<float> values) {
    auto type = RankedTensorType::get(shape, b.getF32Type());
    return arith::ConstantOp::create(b, layers.getLoc(layer),
                                     DenseElementsAttr::get(type, values));
  };
  return {constant({numTokens, half}, cosines),
          constant({numTokens, 2, half}, sines)};
}

Value import_::rotateHeads(LayerBuilder &layers, Value rows, int64_t numHeads,
                           const RotaryTables &tables, const Twine &layer) {
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(rows.getType()).getShape();
  int64_t numTokens = shape[1], half = shape[2] / numHeads / 2;

  // The two halves of each head become a dim, along which they change places.
  Value halves = layers.expand(rows, 2, {numHeads, 2, half}, layer);
  Value heads = layers.collapse(halves, 1, 2, layer);
  Value swapped = vit::CyclicShiftOp::create(b, loc, heads.getType(), heads,
                                             b.getDenseI64ArrayAttr({0, 1}));
  swapped = layers.expand(swapped, 1, {numTokens, numHeads}, layer);

  // Loops: batch, token, head, half, feature.
  auto readBy = [&](ArrayRef<unsigned> loops) {
    return AffineMap::getMultiDimMapWithTargets(5, loops, b.getContext());
  };
  AffineMap all = b.getMultiDimIdentityMap(5);
  SmallVector<AffineMap> maps = {all, all, readBy({1, 4}), readBy({1, 3, 4}),
                                 all};
  SmallVector<utils::IteratorType> iterators(5, utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(halves, loc),
                                        b.getF32Type());
  Value turned =
      linalg::GenericOp::create(
          b, loc, halves.getType(),
          ValueRange{halves, swapped, tables.cosine, tables.sine}, empty, maps,
          iterators,
          [](OpBuilder &body, Location loc, ValueRange args) {
            Value own = arith::MulFOp::create(body, loc, args[0], args[2]);
            Value other = arith::MulFOp::create(body, loc, args[1], args[3]);
            Value sum = arith::AddFOp::create(body, loc, own, other);
            linalg::YieldOp::create(body, loc, sum);
          })
          .getResult(0);
  return layers.collapse(turned, 2, 3, layer);
}
