//===- TimmAttention.cpp - Attention of timm's layers ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ConvLayers.h"
#include "InputFile.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <cstdlib>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Of a grid with a bias for each pair of its places.
static constexpr int64_t kMaxBiasSide = 64;

Value TimmLayers::splitHeads(Value rows, int64_t numHeads, const Twine &layer) {
  if (!rows)
    return {};
  if (getSize(rows, 2) % numHeads != 0)
    return fail() << "'" << layer.str() << "' has a width of "
                  << getSize(rows, 2) << ", no multiple of its " << numHeads
                  << " heads";
  startLayer(layer);
  return vit::SplitHeadsOp::create(b, rows, numHeads);
}

std::array<Value, 3> TimmLayers::splitQkv(Value rows, int64_t numHeads,
                                          const Twine &layer) {
  if (!rows)
    return {};
  std::string name = layer.str();
  std::optional<int64_t> width = getPartWidth(rows, 3, name);
  if (!width)
    return {};
  std::array<Value, 3> heads;
  for (int64_t part : {0, 1, 2})
    heads[part] =
        splitHeads(slice(rows, 2, part * *width, *width, name), numHeads, name);
  return heads;
}

std::optional<int64_t> TimmLayers::getPartWidth(Value rows, int64_t numParts,
                                                const Twine &layer) {
  if (!rows)
    return std::nullopt;
  int64_t width = getSize(rows, 2);
  if (width % numParts == 0)
    return width / numParts;
  fail() << "'" << layer.str() << "' has a width of " << width << "; it needs "
         << numParts << " parts of one width";
  return std::nullopt;
}

SmallVector<Value, 3> TimmLayers::splitByHead(Value rows, int64_t numHeads,
                                              ArrayRef<int64_t> sizes,
                                              const Twine &layer) {
  SmallVector<Value, 3> parts(sizes.size());
  if (!rows)
    return parts;
  std::string name = layer.str();
  int64_t perHead = llvm::sum_of(sizes);
  if (llvm::any_of(sizes, [](int64_t size) { return size < 1; }) ||
      getSize(rows, 2) != numHeads * perHead) {
    fail() << "'" << name << "' has a width of " << getSize(rows, 2) << "; its "
           << numHeads << " heads need parts of " << formatShape(sizes);
    return parts;
  }
  Value heads = reshape(rows, {getSize(rows, 1), numHeads, perHead}, name);
  heads = transpose(heads, {0, 2, 1, 3}, name);
  int64_t begin = 0;
  for (auto [part, size] : llvm::zip(parts, sizes)) {
    part = slice(heads, 3, begin, size, name);
    begin += size;
  }
  return parts;
}

bool TimmLayers::checkAttention(Value query, Value key, Value value,
                                const Twine &layer, Value bias) {
  std::string name = layer.str();
  int64_t numHeads = getSize(query, 1);
  if (b.getShape(query)[0] != b.getShape(key)[0] ||
      b.getShape(key)[0] != b.getShape(value)[0] ||
      numHeads % getSize(key, 1) != 0 || getSize(key, 1) != getSize(value, 1) ||
      getSize(key, 2) != getSize(value, 2) ||
      getSize(query, 3) != getSize(key, 3)) {
    fail() << "'" << name << "' has queries " << formatShape(::getShape(query))
           << ", keys " << formatShape(::getShape(key)) << " and values "
           << formatShape(::getShape(value))
           << "; they need the same heads, keys the queries' width and as many "
              "values";
    return false;
  }
  if (!bias)
    return true;
  if ((getSize(bias, 1) == 1 || getSize(bias, 1) == numHeads) &&
      getSize(bias, 2) == getSize(query, 2) &&
      getSize(bias, 3) == getSize(key, 2))
    return true;
  fail() << "'" << name << "' has " << numHeads << " heads of "
         << getSize(query, 2) << " queries and " << getSize(key, 2)
         << " keys and a bias " << formatShape(::getShape(bias).drop_front());
  return false;
}

Value TimmLayers::attendHeads(Value query, Value key, Value value,
                              const Twine &layer, Value bias) {
  if (!query || !key || !value)
    return {};
  std::string name = layer.str();
  if (!checkAttention(query, key, value, name, bias))
    return {};
  startLayer(name);
  double headDim = double(getSize(query, 3));
  return vit::AttentionOp::create(b, query, key, value, bias, /*mask=*/Value(),
                                  b.getF64FloatAttr(1.0 / std::sqrt(headDim)));
}

Value TimmLayers::attend(Value query, Value key, Value value,
                         const Twine &layer, Value bias) {
  std::string name = layer.str();
  return mergeHeads(attendHeads(query, key, value, name, bias), name);
}

Value TimmLayers::attendChannels(Value query, Value key, Value value,
                                 double scale, const Twine &layer) {
  std::string name = layer.str();
  SmallVector<Value, 3> rows;
  for (Value heads : {query, key, value})
    rows.push_back(transpose(heads, {0, 1, 3, 2}, name));
  if (llvm::is_contained(rows, Value()) ||
      !checkAttention(rows[0], rows[1], rows[2], name))
    return {};
  Value attended =
      vit::AttentionOp::create(b, rows[0], rows[1], rows[2], /*bias=*/Value(),
                               /*mask=*/Value(), b.getF64FloatAttr(scale));
  return vit::MergeHeadsOp::create(b, transpose(attended, {0, 1, 3, 2}, name));
}

Value TimmLayers::crossAttention(Value queries, Value others,
                                 const Twine &layer, int64_t numHeads) {
  std::string name = layer.str();
  Value query = splitHeads(linear(queries, name + ".q"), numHeads, name);
  Value rows = linear(others, name + ".kv");
  int64_t width = getSize(queries, 2);
  if (rows && getSize(rows, 2) != 2 * width)
    return fail() << "'" << name << ".kv' has a width of " << getSize(rows, 2)
                  << "; keys and values need " << width << " each";
  auto part = [&](int64_t begin) {
    return splitHeads(slice(rows, 2, begin, width, name), numHeads, name);
  };
  return linear(attend(query, part(0), part(width), name), name + ".proj");
}

Value TimmLayers::weightedMean(Value scores, Value values, const Twine &layer) {
  if (!scores || !values)
    return {};
  if (getSize(scores, 1) != getSize(values, 1) ||
      getSize(scores, 3) != getSize(values, 2))
    return fail() << "'" << layer.str() << "' has scores "
                  << formatShape(::getShape(scores).drop_front())
                  << " for each picture; its values are "
                  << formatShape(::getShape(values).drop_front());
  startLayer(layer);
  return vit::SoftmaxMatmulOp::create(b, scores, values);
}

Value TimmLayers::selfAttention(Value tokens, const Twine &layer,
                                int64_t numHeads, Value bias) {
  std::string name = layer.str();
  auto [query, key, value] =
      splitQkv(linear(tokens, name + ".qkv"), numHeads, name + ".qkv");
  return linear(attend(query, key, value, name, bias), name + ".proj");
}

bool TimmLayers::checkTableSize(const Twine &layer, int64_t rows,
                                int64_t columns) {
  if (rows <= kMaxArea && columns <= kMaxArea && rows * columns <= kMaxArea)
    return true;
  fail() << "'" << layer.str() << "' needs a table of " << rows << "x"
         << columns << "; vitc compiles at most " << kMaxArea << " elements";
  return false;
}

bool TimmLayers::checkBiasSize(const Twine &layer, int64_t height,
                               int64_t width) {
  if (std::max(height, width) <= kMaxBiasSide)
    return true;
  fail() << "'" << layer.str() << "' is of " << height << "x" << width
         << " places; vitc compiles at most " << kMaxBiasSide << "x"
         << kMaxBiasSide;
  return false;
}

Value TimmLayers::distanceBias(const Twine &weight, int64_t height,
                               int64_t width, int64_t stride) {
  std::string name = weight.str();
  std::optional<SmallVector<int64_t>> shape = getWeightShape(name, 2);
  if (!shape)
    return {};
  int64_t numHeads = (*shape)[0];
  if ((*shape)[1] != height * width)
    return fail() << "tensor '" << name << "' has shape " << formatShape(*shape)
                  << "; " << because << " needs [" << numHeads << ", "
                  << height * width << "]";
  if (!checkBiasSize(name, height, width))
    return {};
  SmallVector<int64_t> indices;
  for (int64_t query = 0; query < height * width; ++query) {
    int64_t y = query / width, x = query % width;
    if (y % stride != 0 || x % stride != 0)
      continue;
    for (int64_t key = 0; key < height * width; ++key)
      indices.push_back(std::abs(y - key / width) * width +
                        std::abs(x - key % width));
  }
  startLayer(name);
  int64_t keys = height * width, queries = int64_t(indices.size()) / keys;
  Value table = parameter(name, {numHeads, keys});
  return b.reshape(b.take(table, 1, indices), {1, numHeads, queries, keys});
}

static Value buildRelativeBias(onnx::TensorBuilder &b, Value table,
                               int64_t height, int64_t width,
                               bool classToken = false) {
  return vit::RelativePositionBiasOp::create(
      b, table, b.getDenseI64ArrayAttr({height, width}),
      classToken ? b.getUnitAttr() : UnitAttr());
}

Value TimmLayers::tableBias(const Twine &weight, int64_t height, int64_t width,
                            bool classToken) {
  std::string name = weight.str();
  int64_t rows = 2 * height - 1, columns = 2 * width - 1;
  if (!checkBiasSize(name, height, width))
    return {};
  startLayer(name);
  if (checkpoint.getShape(name).size() != 3) {
    auto shape = getWeightShape(name, 2);
    if (!shape)
      return {};
    int64_t numRows = rows * columns + (classToken ? 3 : 0);
    return buildRelativeBias(b, parameter(name, {numRows, (*shape)[1]}), height,
                             width, classToken);
  }
  auto shape = getWeightShape(name, 3);
  if (!shape)
    return {};
  SmallVector<int64_t> fromLast =
      llvm::to_vector(llvm::reverse(llvm::seq(rows * columns)));
  Value table = b.reshape(parameter(name, {(*shape)[0], rows, columns}),
                          {(*shape)[0], rows * columns});
  table = b.take(b.transpose(table, {1, 0}), 0, fromLast);
  return buildRelativeBias(b, table, height, width);
}

/// sign(x) log(1 + |x|) of the differences along both sides.
static DenseElementsAttr getLogDifferences(Builder &b, int64_t height,
                                           int64_t width) {
  SmallVector<float> values;
  auto add = [&](int64_t difference) {
    double length = std::log1p(std::abs(double(difference)));
    values.push_back(float(std::copysign(length, double(difference))));
  };
  for (int64_t y = 1 - height; y < height; ++y)
    for (int64_t x = 1 - width; x < width; ++x) {
      add(y);
      add(x);
    }
  return DenseElementsAttr::get(
      RankedTensorType::get({int64_t(values.size()) / 2, 2}, b.getF32Type()),
      ArrayRef(values));
}

Value TimmLayers::logDistanceBias(const Twine &layer, int64_t height,
                                  int64_t width) {
  std::string name = layer.str();
  if (!checkBiasSize(name, height, width))
    return {};
  startLayer(name);
  Value differences =
      arith::ConstantOp::create(b, getLogDifferences(b, height, width));
  Value table = mlp(differences, name, TimmActivation::Relu);
  if (!table)
    return {};
  startLayer(name);
  return buildRelativeBias(b, table, height, width);
}
