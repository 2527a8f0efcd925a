//===- DistanceBias.cpp - Attention's bias by distance in a text ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DistanceBias.h"

#include "BatchGeneric.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

int64_t import_::getDistanceBucket(int64_t distance, bool bothSides,
                                   int64_t numBuckets, int64_t maxDistance) {
  int64_t first = 0;
  if (bothSides) {
    numBuckets /= 2;
    first = distance > 0 ? numBuckets : 0;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  int64_t exact = numBuckets / 2;
  if (distance < exact)
    return first + distance;
  // In f32, as the source computes it: some distances lie on a border.
  float part = std::log(float(distance) / float(exact)) /
               float(std::log(double(maxDistance) / double(exact)));
  int64_t bucket = exact + int64_t(part * float(numBuckets - exact));
  return first + std::min(bucket, numBuckets - 1);
}

/// The rows of the table that are for distances `first` and on: [count, H].
static Value buildRows(LayerBuilder &layers, const TextSpec &spec,
                       bool bothSides, int64_t first, int64_t count,
                       int64_t step) {
  OpBuilder &b = layers.b;
  const std::string name = spec.prefix + spec.names.distances;
  std::string because =
      llvm::formatv("{0} = {1}, relative_attention_num_buckets = {2}",
                    spec.keys.numHeads, spec.numHeads, spec.numBuckets);
  Value table =
      layers.parameter(name + ".weight", {spec.numBuckets, spec.numHeads},
                       because, WeightRole::Token);
  SmallVector<int64_t> buckets;
  for (int64_t i = 0; i < count; ++i)
    buckets.push_back(getDistanceBucket(first + i * step, bothSides,
                                        spec.numBuckets, spec.maxDistance));
  Location loc = layers.getLoc(name);
  Value numbers = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(RankedTensorType::get(count, b.getI64Type()),
                             ArrayRef(buckets)));
  Value empty = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{count, spec.numHeads}, b.getF32Type());
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  AffineMap all = b.getMultiDimIdentityMap(2);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), numbers, empty,
             ArrayRef<AffineMap>{all.getMajorSubMap(1), all}, iterators,
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value row = arith::IndexCastOp::create(
                   body, loc, body.getIndexType(), args[0]);
               Value head = linalg::IndexOp::create(body, loc, 1);
               linalg::YieldOp::create(
                   body, loc,
                   tensor::ExtractOp::create(body, loc, table,
                                             ValueRange{row, head})
                       .getResult());
             })
      .getResult(0);
}

Value import_::buildDistanceBias(LayerBuilder &layers, const TextSpec &spec) {
  // As of a window of one row; its table begins with the key that is farthest
  // behind the query.
  int64_t length = spec.length;
  Value table = buildRows(layers, spec, /*bothSides=*/true, length - 1,
                          2 * length - 1, /*step=*/-1);
  return vit::RelativePositionBiasOp::create(
      layers.b, layers.getLoc(spec.prefix + spec.names.distances), table,
      layers.b.getDenseI64ArrayAttr({1, length}), UnitAttr());
}

Value import_::buildDistanceBias(LayerBuilder &layers, const TextSpec &spec,
                                 Value position) {
  OpBuilder &b = layers.b;
  // Row d is for the key d tokens before the query.
  Value table = buildRows(layers, spec, /*bothSides=*/false, 0, spec.length,
                          /*step=*/-1);
  Location loc = layers.getLoc(spec.prefix + spec.names.distances);
  Value empty = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{1, spec.numHeads, 1, spec.length},
      b.getF32Type());
  AffineMap all = b.getMultiDimIdentityMap(4);
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), position, empty,
             ArrayRef<AffineMap>{all.getMajorSubMap(1), all}, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange args) {
               ImplicitLocOpBuilder body(loc, builder);
               Value query = arith::IndexCastOp::create(
                   body, body.getIndexType(), args[0]);
               Value distance = arith::SubIOp::create(
                   body, query, linalg::IndexOp::create(body, 3));
               // Keys behind the query are not seen.
               distance = arith::MaxSIOp::create(
                   body, distance, arith::ConstantIndexOp::create(body, 0));
               distance = arith::MinSIOp::create(
                   body, distance,
                   arith::ConstantIndexOp::create(body, spec.length - 1));
               Value head = linalg::IndexOp::create(body, 1);
               linalg::YieldOp::create(
                   body, tensor::ExtractOp::create(body, table,
                                                   ValueRange{distance, head})
                             .getResult());
             })
      .getResult(0);
}
