//===- TextLayers.cpp - Layers of text encoders and decoders --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextLayers.h"

#include "LayerActivations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::string TextLayers::becauseHidden() const {
  return llvm::formatv("{0} = {1}", spec.keys.hiddenSize, spec.hiddenSize);
}

std::string TextLayers::becauseAttention() const {
  if (spec.headSize == 0)
    return becauseHidden();
  return llvm::formatv("{0}, {1} = {2}, of {3} each", becauseHidden(),
                       spec.keys.numHeads, spec.numHeads, spec.headSize);
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

/// Element `channel` of the row of `table` that `number` says. Numbers beyond
/// the table read its first or last row.
static Value buildLookUp(OpBuilder &b, Location loc, Value table, Value number,
                         Value channel) {
  int64_t rows = cast<RankedTensorType>(table.getType()).getDimSize(0);
  Value row = arith::IndexCastOp::create(b, loc, b.getIndexType(), number);
  row = arith::MaxSIOp::create(b, loc, row,
                               arith::ConstantIndexOp::create(b, loc, 0));
  row = arith::MinSIOp::create(
      b, loc, row, arith::ConstantIndexOp::create(b, loc, rows - 1));
  return tensor::ExtractOp::create(b, loc, table, ValueRange{row, channel});
}

vit::WeightExprAttr TextLayers::table(const std::string &name, int64_t rows,
                                      StringRef key) {
  std::string because =
      llvm::formatv("{0}, {1} = {2}", becauseHidden(), key, rows);
  return layers.weight(ofModel(name + ".weight"), {rows, spec.hiddenSize},
                       because, WeightRole::Token);
}

/// Source: Vaswani et al. 2017, section 3.5, with sines before cosines.
static DenseElementsAttr buildSines(const TextSpec &spec, Builder &b) {
  int64_t half = spec.hiddenSize / 2;
  SmallVector<float> values;
  for (int64_t row = 0; row < spec.length; ++row) {
    double place = double(row + spec.firstPosition);
    auto getAngle = [&](int64_t k) {
      return place / std::pow(10000.0, double(k) / double(spec.sineSteps));
    };
    for (int64_t k = 0; k < half; ++k)
      values.push_back(float(std::sin(getAngle(k))));
    for (int64_t k = 0; k < half; ++k)
      values.push_back(float(std::cos(getAngle(k))));
  }
  auto type =
      RankedTensorType::get({spec.length, spec.hiddenSize}, b.getF32Type());
  return DenseElementsAttr::get(type, ArrayRef(values));
}

Value TextLayers::positionTable() {
  const std::string name = ofModel(spec.names.positions + ".weight");
  if (spec.positions == TextPositions::Sines)
    return layers.constant(vit::WeightExprAttr::data(buildSines(spec, b)),
                           name);
  return layers.constant(
      vit::WeightExprAttr::slice(table(spec.names.positions, spec.numPositions,
                                       "max_position_embeddings"),
                                 spec.firstPosition, spec.length),
      name);
}

namespace {
/// The body of an embedding, which adds up rows.
class EmbeddingBody {
public:
  EmbeddingBody(OpBuilder &b, Location loc)
      : b(b), loc(loc), channel(linalg::IndexOp::create(b, loc, 2)) {}

  Value lookUp(Value table, Value number) {
    return buildLookUp(b, loc, table, number, channel);
  }
  Value number(double value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(value)));
  }
  void add(Value value) {
    sum = sum ? arith::AddFOp::create(b, loc, sum, value).getResult() : value;
  }

  OpBuilder &b;
  Location loc;
  Value channel, sum;
};
} // namespace

Value TextLayers::embed(Value ids, Value types, Value position) {
  auto constant = [&](const std::string &name, int64_t rows, StringRef key) {
    return layers.constant(table(name, rows, key), ofModel(name + ".weight"));
  };
  Value tokenTable = constant(spec.names.tokens, spec.vocabSize, "vocab_size");
  bool hasPositions = spec.positions != TextPositions::Distances;
  Value positions = hasPositions ? positionTable() : Value();
  Value typeTable;
  if (spec.numTypes > 0)
    typeTable = constant(spec.names.types, spec.numTypes, "type_vocab_size");

  Location loc = layers.getLoc(ofModel(spec.names.tokens));
  AffineMap all = b.getMultiDimIdentityMap(3);
  SmallVector<Value> inputs = {ids};
  SmallVector<AffineMap> maps = {all.getMajorSubMap(2)};
  auto addInput = [&](Value value, AffineMap map) {
    inputs.push_back(value);
    maps.push_back(map);
    return inputs.size() - 1;
  };
  size_t positionInput = 0, typeInput = 0;
  if (hasPositions)
    positionInput = position ? addInput(position, all.getSubMap({1}))
                             : addInput(positions, all.getMinorSubMap(2));
  if (typeTable && types)
    typeInput = addInput(types, all.getMajorSubMap(2));
  maps.push_back(all);
  SmallVector<OpFoldResult> sizes = layers.getSizes(ids, loc);
  sizes.push_back(b.getIndexAttr(spec.hiddenSize));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(
      b, loc, empty.getType(), inputs, empty, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        EmbeddingBody body(builder, loc);
        Value token = body.lookUp(tokenTable, args[0]);
        if (spec.embeddingScale != 1.0)
          token = arith::MulFOp::create(builder, loc, token,
                                        body.number(spec.embeddingScale));
        body.add(token);
        if (hasPositions)
          body.add(position ? body.lookUp(positions, args[positionInput])
                            : args[positionInput]);
        if (typeTable)
          body.add(body.lookUp(typeTable, types ? args[typeInput]
                                                : arith::ConstantIntOp::create(
                                                      builder, loc, 0, 64)
                                                      .getResult()));
        linalg::YieldOp::create(builder, loc, body.sum);
      });
  return sum.getResult(0);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Value TextLayers::norm(Value hidden, const std::string &layer) {
  if (!spec.rmsNorm)
    return layers.layerNorm(hidden, layer, spec.layerNormEps, becauseHidden());
  Value scale = layers.parameter(layer + ".weight", {spec.hiddenSize},
                                 becauseHidden(), WeightRole::NormScale);
  return vit::RmsNormOp::create(b, layers.getLoc(layer), hidden.getType(),
                                hidden, scale,
                                b.getF64FloatAttr(spec.layerNormEps));
}

Value TextLayers::finalNorm(Value hidden) {
  return spec.names.finalNorm.empty()
             ? hidden
             : norm(hidden, ofModel(spec.names.finalNorm));
}

Value TextLayers::linear(Value input, const std::string &layer, int64_t outputs,
                         const Twine &because) {
  if (!spec.transposed)
    return layers.linear(input, layer, outputs, because, spec.linearBias);
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  Value matrix =
      layers.constant(vit::WeightExprAttr::transpose(
                          layers.weight(layer + ".weight", {channels, outputs},
                                        because, WeightRole::TransposedMatrix),
                          {1, 0}),
                      layer + ".weight");
  Value shift;
  if (spec.linearBias)
    shift =
        layers.parameter(layer + ".bias", {outputs}, because, WeightRole::Bias);
  return vit::LinearOp::create(b, layers.getLoc(layer), input, matrix, shift,
                               /*residual=*/Value(), vit::Activation::None,
                               vit::NormAttr());
}

Value TextLayers::activate(Value input, const std::string &layer) {
  switch (spec.activation) {
  case TextActivation::Gelu:
    return layers.gelu(input, spec.gelu, layer);
  case TextActivation::Relu:
    return buildRelu(layers, input, layer);
  case TextActivation::Silu:
    return buildSilu(layers, input, layer);
  }
  llvm_unreachable("all activations are covered");
}

Value TextLayers::mlp(Value input, const std::string &block) {
  const TextNames &names = spec.names;
  std::string because =
      llvm::formatv("{0}, {1} = {2}", becauseHidden(),
                    spec.keys.intermediateSize, spec.intermediateSize);
  std::string activation = block + names.mlpActivation;
  auto widen = [&](const std::string &name) {
    return linear(input, block + name, spec.intermediateSize, because);
  };
  Value hidden;
  if (names.mlpGate.empty()) {
    hidden = activate(widen(names.mlpInput), activation);
  } else {
    // Shazeer 2020, eq. (6).
    Value gate = activate(widen(names.mlpGate), activation);
    hidden = arith::MulFOp::create(b, layers.getLoc(activation), gate,
                                   widen(names.mlpInput));
  }
  return linear(hidden, block + names.mlpOutput, spec.hiddenSize, because);
}

Value TextLayers::residual(Value input, Branch branch,
                           const std::string &normName,
                           const std::string &last) {
  std::string sum = last + ".residual";
  if (spec.normFirst)
    return layers.add(branch(norm(input, normName)), input, sum);
  return norm(layers.add(branch(input), input, sum), normName);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

AttentionRows TextLayers::selfRows(Value input, const std::string &block) {
  const TextNames &names = spec.names;
  int64_t width = spec.getAttentionWidth();
  if (names.qkv.empty()) {
    auto rows = [&](const std::string &name) {
      return linear(input, block + name, width, becauseAttention());
    };
    Value query = rows(names.query), key = rows(names.key);
    return {query, key, rows(names.value)};
  }
  std::string layer = block + names.qkv;
  Value all = linear(input, layer, 3 * width, becauseAttention());
  auto part = [&](int64_t index) {
    return layers.slice(all, 2, index * width, width, layer);
  };
  Value query = part(0), key = part(1);
  return {query, key, part(2)};
}

Value TextLayers::crossQuery(Value input, const std::string &block) {
  return linear(input, block + spec.names.cross.query, spec.getAttentionWidth(),
                becauseAttention());
}

AttentionRows TextLayers::memoryRows(Value memory, const std::string &block) {
  const CrossAttentionNames &names = spec.names.cross;
  int64_t width = spec.getAttentionWidth();
  std::string because = llvm::formatv("{0}, the encoder's width = {1}",
                                      becauseAttention(), spec.memoryWidth);
  if (names.keyValue.empty()) {
    Value key = linear(memory, block + names.key, width, because);
    return {Value(), key, linear(memory, block + names.value, width, because)};
  }
  std::string layer = block + names.keyValue;
  Value both = linear(memory, layer, 2 * width, because);
  Value key = layers.slice(both, 2, 0, width, layer);
  return {Value(), key, layers.slice(both, 2, width, width, layer)};
}

Value TextLayers::attend(const AttentionRows &rows, AttentionForm form,
                         int64_t index, const std::string &layer,
                         const std::string &output) {
  auto split = [&](Value value) -> Value {
    return vit::SplitHeadsOp::create(b, layers.getLoc(layer), value,
                                     spec.numHeads);
  };
  Value query = split(rows.query), key = split(rows.key);
  form.scale =
      spec.attentionScale.value_or(1.0 / std::sqrt(double(spec.getHeadSize())));
  if (spec.scaleByBlock)
    *form.scale /= double(index + 1);
  Value merged =
      attendHeads(layers, query, key, split(rows.value), layer, form);
  return linear(merged, output, spec.hiddenSize, becauseAttention());
}
