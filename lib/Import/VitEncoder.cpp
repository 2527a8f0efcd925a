//===- VitEncoder.cpp - Embedding and blocks of a transformer -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitEncoder.h"

#include "AttentionLayer.h"
#include "HeadProjections.h"
#include "LayerActivations.h"
#include "ResizePositions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::string VitEncoder::becauseHidden() const {
  return llvm::formatv("{0} = {1}", spec.keys.hiddenSize, spec.hiddenSize);
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

/// The tokens before the patches, [T, E], or null.
Value VitEncoder::tokens() {
  int64_t width = spec.hiddenSize;
  SmallVector<vit::WeightExprAttr, 3> rows;
  auto add = [&](StringRef name, int64_t count) {
    SmallVector<int64_t> stored = {1, count, width};
    if (spec.storesRows)
      stored = {width};
    rows.push_back(vit::WeightExprAttr::reshape(
        layers.weight(name, stored, becauseHidden(), WeightRole::Token),
        {count, width}));
  };
  if (spec.classToken)
    add(backbone(spec.names.classToken), 1);
  if (spec.distillationToken)
    add(backbone(spec.names.distillationToken), 1);
  if (spec.numRegisterTokens > 0)
    add(backbone(spec.names.registerTokens), spec.numRegisterTokens);
  if (rows.empty())
    return {};
  return layers.constant(vit::WeightExprAttr::concat(rows),
                         backbone(spec.classToken ? spec.names.classToken
                                                  : spec.names.registerTokens));
}

std::string VitEncoder::becausePositions() const {
  return llvm::formatv("{0}, {1} = {2}x{3}, {4} = {5}x{6}", becauseHidden(),
                       spec.keys.imageSize, spec.imageHeight, spec.imageWidth,
                       spec.keys.patchSize, spec.patchHeight, spec.patchWidth);
}

Value VitEncoder::arrangePositions(vit::WeightExprAttr stored,
                                   const std::string &name) {
  int64_t prefix = spec.numPositionedTokens();
  int64_t behind = spec.registersBehind ? spec.numRegisterTokens : 0;
  int64_t ahead = prefix - behind;
  GridSize from(spec.positionHeight, spec.positionWidth);
  GridSize to(spec.gridHeight(), spec.gridWidth());
  int64_t patches = from.first * from.second;
  int64_t unpositioned = spec.numTokens() - prefix;
  if (from == to && unpositioned == 0 && behind == 0)
    return layers.constant(stored, name);

  SmallVector<Value, 4> parts;
  auto add = [&](int64_t begin, int64_t count) {
    if (count > 0)
      parts.push_back(layers.constant(
          vit::WeightExprAttr::slice(stored, begin, count), name));
  };
  add(0, ahead);
  add(ahead + patches, behind);
  if (unpositioned > 0) {
    auto type =
        RankedTensorType::get({unpositioned, spec.hiddenSize}, b.getF32Type());
    parts.push_back(
        arith::ConstantOp::create(b, layers.getLoc(name), b.getZeroAttr(type)));
  }
  add(ahead, patches);
  parts.back() = resizePositions(layers, parts.back(), from, to, name,
                                 spec.positionResize);
  return parts.size() == 1 ? parts.front() : layers.concat(parts, 0, name);
}

/// [T + N, E], or null.
Value VitEncoder::positions() {
  if (!spec.positions)
    return {};
  int64_t rows =
      spec.numPositionedTokens() + spec.positionHeight * spec.positionWidth;
  std::string name = backbone(spec.names.positions);
  SmallVector<int64_t> shape = {1, rows, spec.hiddenSize};
  if (spec.storesRows)
    shape.erase(shape.begin());
  vit::WeightExprAttr stored =
      layers.weight(name, shape, becausePositions(), WeightRole::Token);
  return arrangePositions(
      vit::WeightExprAttr::reshape(stored, {rows, spec.hiddenSize}), name);
}

Value VitEncoder::addMidPositions(Value tokens, int64_t block) {
  if (spec.names.midPositions.empty() || block + 1 == spec.numLayers)
    return tokens;
  int64_t rows =
      spec.numPositionedTokens() + spec.positionHeight * spec.positionWidth;
  int64_t count = spec.numLayers - 1, width = spec.hiddenSize;
  std::string name = backbone(spec.names.midPositions);
  if (!midPositions)
    midPositions = vit::WeightExprAttr::reshape(
        layers.weight(name, {count, 1, rows, width}, becausePositions(),
                      WeightRole::Token),
        {count * rows, width});
  Value positions = arrangePositions(
      vit::WeightExprAttr::slice(midPositions, block * rows, rows), name);
  return layers.addShared(tokens, positions, name);
}

Value VitEncoder::patchEmbed(Value image) {
  int64_t width = spec.hiddenSize;
  std::string layer = backbone(spec.names.patchProjection);
  std::string because =
      llvm::formatv("{0}, {1} = {2}, {3} = {4}x{5}", becauseHidden(),
                    spec.keys.numChannels, spec.mapChannels(),
                    spec.keys.patchSize, spec.patchHeight, spec.patchWidth);
  Value filter = layers.parameter(
      layer + ".weight",
      {width, spec.mapChannels(), spec.patchHeight, spec.patchWidth}, because,
      WeightRole::Matrix);
  Value bias;
  if (spec.patchBias)
    bias = layers.parameter(layer + ".bias", {width}, becauseHidden(),
                            WeightRole::Bias);
  Value prefix = tokens();
  Value position = positions();
  return vit::PatchEmbedOp::create(b, layers.getLoc(layer), image, filter, bias,
                                   prefix, position, vit::NormAttr());
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Value VitEncoder::relativeBias(const std::string &table) {
  GridSize from(spec.positionHeight, spec.positionWidth);
  GridSize to(spec.gridHeight(), spec.gridWidth());
  int64_t tokenRows = spec.classToken ? 3 : 0;
  int64_t rows = (2 * from.first - 1) * (2 * from.second - 1);
  std::string because =
      llvm::formatv("{0} = {1}, and {2}x{3} patches", spec.keys.numHeads,
                    spec.numHeads, from.first, from.second);
  vit::WeightExprAttr stored = layers.weight(
      table, {rows + tokenRows, spec.numHeads}, because, WeightRole::Token);
  Value values;
  if (from == to) {
    values = layers.constant(stored, table);
  } else {
    values = resizeBiasTable(
        layers,
        layers.constant(vit::WeightExprAttr::slice(stored, 0, rows), table),
        from, to, spec.biasResize, table);
    // The biases of the class token stay.
    if (tokenRows > 0)
      values = layers.concat(
          {values,
           layers.constant(vit::WeightExprAttr::slice(stored, rows, tokenRows),
                           table)},
          0, table);
  }
  return vit::RelativePositionBiasOp::create(
      b, layers.getLoc(table), values,
      b.getDenseI64ArrayAttr({to.first, to.second}),
      spec.classToken ? b.getUnitAttr() : UnitAttr());
}

Value VitEncoder::normIfNamed(Value value, const std::string &block,
                              const std::string &name) {
  if (name.empty())
    return value;
  std::string because = llvm::formatv(
      "{0}, {1} = {2}, {3} = {4}", becauseHidden(), spec.keys.numHeads,
      spec.numHeads, spec.keys.intermediateSize, spec.intermediateSize);
  return layers.layerNorm(value, block + name, spec.layerNormEps, because);
}

Value VitEncoder::attention(Value input, const std::string &block) {
  HeadProjections projections =
      getProjections(spec, block, spec.hiddenSize, spec.numHeads);
  if (rotary) {
    projections.turn = [&](Value rows, const std::string &layer) {
      return rotateHeads(layers, rows, spec.numHeads, *rotary, layer);
    };
    projections.sortPairs = spec.rotary->neighbours;
  }
  SmallVector<Value, 3> heads =
      buildHeads(layers, input, projections, becauseHidden());
  heads[0] = normIfNamed(heads[0], block, spec.names.queryNorm);
  heads[1] = normIfNamed(heads[1], block, spec.names.keyNorm);
  Value bias = sharedBias;
  if (!spec.names.biasTable.empty())
    bias = relativeBias(block + spec.names.biasTable);
  Value merged = attendHeads(layers, heads[0], heads[1], heads[2],
                             block + spec.names.attention, {bias});
  merged = normIfNamed(merged, block, spec.names.attentionNorm);
  return layers.linear(merged, block + spec.names.attentionOutput,
                       spec.hiddenSize, becauseHidden(), spec.outputBias);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

Value VitEncoder::activate(Value input, const std::string &layer) {
  return spec.silu ? buildSilu(layers, input, layer)
                   : layers.gelu(input, spec.gelu, layer);
}

Value VitEncoder::hidden(Value input, const std::string &block,
                         const Twine &because) {
  const VitNames &names = spec.names;
  std::string activation = block + names.mlpActivation;
  int64_t width = spec.intermediateSize;
  auto linear = [&](const std::string &name, int64_t outputs) {
    return layers.linear(input, block + name, outputs, because, spec.mlpBias);
  };
  if (!spec.gatedMlp)
    return activate(linear(names.mlpInput, width), activation);
  // Shazeer 2020, eq. (6): activation(gate) * up.
  Value gate, up;
  if (names.mlpGate.empty()) {
    Value both = linear(names.mlpInput, 2 * width);
    gate = layers.slice(both, 2, 0, width, activation);
    up = layers.slice(both, 2, width, width, activation);
  } else {
    gate = linear(names.mlpGate, width);
    up = linear(names.mlpInput, width);
  }
  return arith::MulFOp::create(b, layers.getLoc(activation),
                               activate(gate, activation), up);
}

Value VitEncoder::mlp(Value input, const std::string &block) {
  const VitNames &names = spec.names;
  std::string because =
      llvm::formatv("{0}, {1} = {2}", becauseHidden(),
                    spec.keys.intermediateSize, spec.intermediateSize);
  Value features =
      normIfNamed(hidden(input, block, because), block, names.mlpNorm);
  return layers.linear(features, block + names.mlpOutput, spec.hiddenSize,
                       because, spec.mlpBias);
}

Value VitEncoder::encoderBlock(Value input, const std::string &block) {
  const VitNames &names = spec.names;
  auto addResidual = [&](Value branch, Value residual, const std::string &scale,
                         const Twine &layer) {
    if (!scale.empty())
      branch = layers.scaleChannels(branch, block + scale, becauseHidden());
    return layers.add(branch, residual, layer);
  };
  Value normed = layers.layerNorm(input, block + names.norm1, spec.layerNormEps,
                                  becauseHidden());
  Value tokens =
      addResidual(attention(normed, block), input, names.attentionScale,
                  block + names.attentionOutput + ".residual");
  normed = layers.layerNorm(tokens, block + names.norm2, spec.layerNormEps,
                            becauseHidden());
  return addResidual(mlp(normed, block), tokens, names.mlpScale,
                     block + names.mlpOutput + ".residual");
}

Value VitEncoder::embed(Value image) {
  Value map = spec.stem ? spec.stem->build(layers, image) : image;
  Value tokens = patchEmbed(map);
  if (spec.names.preNorm.empty())
    return tokens;
  return layers.layerNorm(tokens, backbone(spec.names.preNorm),
                          spec.layerNormEps, becauseHidden());
}

Value VitEncoder::buildBlocks(Value tokens) {
  if (!spec.names.sharedBiasTable.empty())
    sharedBias = relativeBias(backbone(spec.names.sharedBiasTable));
  if (spec.rotary)
    rotary = buildAxialRotaryTables(layers, spec.numTokens(), spec.gridHeight(),
                                    spec.gridWidth(),
                                    spec.hiddenSize / spec.numHeads,
                                    *spec.rotary, backbone("rope_embeddings"));
  for (int64_t block = 0; block < spec.numLayers; ++block)
    tokens = addMidPositions(
        encoderBlock(tokens, backbone(spec.names.block + Twine(block) + ".")),
        block);
  return tokens;
}
