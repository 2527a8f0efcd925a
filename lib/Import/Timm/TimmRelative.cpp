//===- TimmRelative.cpp - Positions that multiply timm's queries ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A score gains query . R_h[dy] + query . R_w[dx], a row of each table for each
// distance. Both products become channels of the query, in front of which the
// key has a 1 for its row and its column, so that attention has no bias of
// N x N to read.
// Source: Li et al. 2022 (MViTv2), section 4.1, eq. (4).
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "InputFile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The row of the table for each query and key of one side.
static SmallVector<int64_t> getDistanceRows(int64_t numQueries, int64_t numKeys,
                                            TimmRelative form) {
  SmallVector<int64_t> rows;
  double queryStep = std::max(double(numKeys) / double(numQueries), 1.0);
  double keyStep = std::max(double(numQueries) / double(numKeys), 1.0);
  for (int64_t query = 0; query < numQueries; ++query)
    for (int64_t key = 0; key < numKeys; ++key)
      rows.push_back(form == TimmRelative::FromQuery
                         ? key - query + numKeys - 1
                         : int64_t(double(query) * queryStep +
                                   double(numKeys - 1 - key) * keyStep));
  return rows;
}

/// [1, 1, prefix + height * width, height + width]: a 1 where a place is of
/// this row, and one where it is of this column.
static DenseElementsAttr getPlaces(Builder &b, int64_t numPrefix,
                                   std::array<int64_t, 2> size) {
  auto [height, width] = size;
  SmallVector<float> places(numPrefix * (height + width), 0.0f);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t i = 0; i < height + width; ++i)
        places.push_back(i == y || i == height + x ? 1.0f : 0.0f);
  auto type = RankedTensorType::get(
      {1, 1, numPrefix + height * width, height + width}, b.getF32Type());
  return DenseElementsAttr::get(type, ArrayRef(places));
}

Value TimmLayers::relativeProduct(Value query, const Twine &weight,
                                  std::array<int64_t, 2> size, size_t side,
                                  int64_t numKeys, TimmRelative form) {
  std::string name = weight.str();
  int64_t headDim = getSize(query, 3), numHeads = getSize(query, 1);
  auto [height, width] = size;
  int64_t longest =
      form == TimmRelative::FromQuery ? numKeys : std::max(size[side], numKeys);
  int64_t numRows = 2 * longest - 1;
  auto shape = getWeightShape(name, 2);
  if (!query || !shape || !checkTableSize(name, size[side], numKeys))
    return {};
  if ((*shape)[0] != numRows || (*shape)[1] != headDim)
    return fail() << "tensor '" << name << "' has shape " << formatShape(*shape)
                  << "; " << because << " needs [" << numRows << ", " << headDim
                  << "]";
  startLayer(name);
  Value table = b.take(parameter(name, {numRows, headDim}), 0,
                       getDistanceRows(size[side], numKeys, form));
  // Attention scales it with the other channels.
  table = b.generic(table, b.getF32Type(),
                    [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                      Value unscaled = onnx::TensorBuilder::scalar(
                          body, body.getF32Type(), std::sqrt(double(headDim)));
                      return arith::MulFOp::create(body, args[0], unscaled);
                    });
  table =
      b.transpose(b.reshape(table, {size[side], numKeys, headDim}), {0, 2, 1});
  query = reshape(query, {numHeads, height, width, headDim}, name);
  SmallVector<int64_t> order = {0, 1, 2, 3, 4};
  if (side == 1)
    std::swap(order[2], order[3]);
  Value product = b.matmul(transpose(query, order, name), table);
  product = transpose(product, order, name);
  return reshape(product, {numHeads, height * width, numKeys}, name);
}

Value TimmLayers::attendRelative(Value query, Value key, Value value,
                                 const Twine &layer,
                                 std::array<int64_t, 2> querySize,
                                 std::array<int64_t, 2> keySize,
                                 int64_t numPrefix, TimmRelative form) {
  if (!query || !key || !value)
    return {};
  std::string name = layer.str();
  int64_t numQueries = querySize[0] * querySize[1],
          numKeys = keySize[0] * keySize[1];
  if (!checkAttention(query, key, value, name) ||
      !checkTableSize(name, numPrefix + numKeys, keySize[0] + keySize[1]))
    return {};
  if (getSize(query, 2) != numPrefix + numQueries ||
      getSize(key, 2) != numPrefix + numKeys)
    return fail() << "'" << name << "' has " << getSize(query, 2)
                  << " queries and " << getSize(key, 2) << " keys; grids of "
                  << querySize[0] << "x" << querySize[1] << " and "
                  << keySize[0] << "x" << keySize[1] << " need "
                  << numPrefix + numQueries << " and " << numPrefix + numKeys;
  double headDim = double(getSize(query, 3));
  Value places = slice(query, 2, numPrefix, numQueries, name);
  bool fromQuery = form == TimmRelative::FromQuery;
  std::string tables[] = {
      name + (fromQuery ? ".pos_embed.height_rel" : ".rel_pos_h"),
      name + (fromQuery ? ".pos_embed.width_rel" : ".rel_pos_w")};
  SmallVector<Value, 2> sides;
  for (size_t side : {0, 1})
    sides.push_back(relativeProduct(places, tables[side], querySize, side,
                                    keySize[side], form));
  Value products = concat(sides, 3, name);
  if (!products)
    return {};
  startLayer(name);
  if (numPrefix > 0)
    products = b.pad(products, {0, 0, numPrefix, 0}, {0, 0, 0, 0},
                     b.getF32FloatAttr(0));
  onnx::Shape shape = b.getShape(key);
  shape[3] = keySize[0] + keySize[1];
  Value ones = b.broadcastTo(
      arith::ConstantOp::create(b, getPlaces(b, numPrefix, keySize)), shape);
  Value attended = vit::AttentionOp::create(
      b, concat({query, products}, 3, name), concat({key, ones}, 3, name),
      value, /*bias=*/Value(), /*mask=*/Value(),
      b.getF64FloatAttr(1.0 / std::sqrt(headDim)));
  return vit::MergeHeadsOp::create(b, attended);
}
