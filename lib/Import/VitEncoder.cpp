//===- VitEncoder.cpp - Embedding and blocks of a transformer -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitEncoder.h"

#include "HeadProjections.h"
#include "ResizePositions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

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
    rows.push_back(vit::WeightExprAttr::reshape(
        layers.weight(name, {1, count, width}, becauseHidden(),
                      WeightRole::Token),
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

/// The positions of all tokens and patches, [T + N, E], or null. What has none
/// in the file gets zeros.
Value VitEncoder::positions() {
  if (!spec.positions)
    return {};
  int64_t width = spec.hiddenSize;
  int64_t prefix = spec.numPositionedTokens();
  int64_t stored = spec.positionHeight * spec.positionWidth;
  std::string name = backbone(spec.names.positions);
  std::string because =
      llvm::formatv("{0}, {1} = {2}x{3}, {4} = {5}x{6}", becauseHidden(),
                    spec.keys.imageSize, spec.imageHeight, spec.imageWidth,
                    spec.keys.patchSize, spec.patchHeight, spec.patchWidth);
  vit::WeightExprAttr table = vit::WeightExprAttr::reshape(
      layers.weight(name, {1, prefix + stored, width}, because,
                    WeightRole::Token),
      {prefix + stored, width});
  GridSize from(spec.positionHeight, spec.positionWidth);
  GridSize to(spec.gridHeight(), spec.gridWidth());
  int64_t unpositioned = spec.numTokens() - prefix;
  if (from == to && unpositioned == 0)
    return layers.constant(table, name);

  SmallVector<Value, 3> parts;
  if (prefix > 0)
    parts.push_back(
        layers.constant(vit::WeightExprAttr::slice(table, 0, prefix), name));
  if (unpositioned > 0) {
    auto type = RankedTensorType::get({unpositioned, width}, b.getF32Type());
    parts.push_back(
        arith::ConstantOp::create(b, layers.getLoc(name), b.getZeroAttr(type)));
  }
  Value grid =
      layers.constant(vit::WeightExprAttr::slice(table, prefix, stored), name);
  parts.push_back(resizePositions(layers, grid, from, to, name));
  return parts.size() == 1 ? parts.front() : layers.concat(parts, 0, name);
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
  SmallVector<Value, 3> heads =
      buildHeads(layers, input,
                 getProjections(spec, block, spec.hiddenSize, spec.numHeads),
                 becauseHidden());
  heads[0] = normIfNamed(heads[0], block, spec.names.queryNorm);
  heads[1] = normIfNamed(heads[1], block, spec.names.keyNorm);
  Value bias = sharedBias;
  if (!spec.names.biasTable.empty())
    bias = relativeBias(block + spec.names.biasTable);
  double headDim = double(spec.hiddenSize / spec.numHeads);
  Location loc = layers.getLoc(block + spec.names.attention);
  Value attended = vit::AttentionOp::create(
      b, loc, heads[0], heads[1], heads[2], bias, /*mask=*/Value(),
      b.getF64FloatAttr(1.0 / std::sqrt(headDim)));
  Value merged = vit::MergeHeadsOp::create(b, loc, attended);
  merged = normIfNamed(merged, block, spec.names.attentionNorm);
  return layers.linear(merged, block + spec.names.attentionOutput,
                       spec.hiddenSize, becauseHidden());
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Shazeer 2020 (SwiGLU): silu(gate) * up, the halves of one layer's outputs.
Value VitEncoder::gatedMlp(Value input, const std::string &block) {
  std::string layer = block + spec.names.mlpActivation;
  int64_t width = spec.intermediateSize;
  Value gate = layers.slice(input, 2, 0, width, layer);
  Value up = layers.slice(input, 2, width, width, layer);
  return layers.elementwise(
      {gate, up}, layer, [](OpBuilder &body, Location loc, ValueRange args) {
        Value one = arith::ConstantOp::create(
            body, loc, body.getOneAttr(args[0].getType()));
        Value negated = arith::NegFOp::create(body, loc, args[0]);
        Value exp = math::ExpOp::create(body, loc, negated);
        Value sum = arith::AddFOp::create(body, loc, one, exp);
        Value silu = arith::DivFOp::create(body, loc, args[0], sum);
        return arith::MulFOp::create(body, loc, silu, args[1]).getResult();
      });
}

Value VitEncoder::mlp(Value input, const std::string &block) {
  const VitNames &names = spec.names;
  std::string because =
      llvm::formatv("{0}, {1} = {2}", becauseHidden(),
                    spec.keys.intermediateSize, spec.intermediateSize);
  int64_t width = spec.intermediateSize * (spec.gatedMlp ? 2 : 1);
  Value hidden = layers.linear(input, block + names.mlpInput, width, because);
  hidden = spec.gatedMlp
               ? gatedMlp(hidden, block)
               : layers.gelu(hidden, spec.gelu, block + names.mlpActivation);
  hidden = normIfNamed(hidden, block, names.mlpNorm);
  return layers.linear(hidden, block + names.mlpOutput, spec.hiddenSize,
                       because);
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

Value VitEncoder::build(Value image) {
  Value map = spec.stem ? spec.stem->build(layers, image) : image;
  Value tokens = patchEmbed(map);
  if (!spec.names.preNorm.empty())
    tokens = layers.layerNorm(tokens, backbone(spec.names.preNorm),
                              spec.layerNormEps, becauseHidden());
  if (!spec.names.sharedBiasTable.empty())
    sharedBias = relativeBias(backbone(spec.names.sharedBiasTable));
  for (int64_t block = 0; block < spec.numLayers; ++block)
    tokens =
        encoderBlock(tokens, backbone(spec.names.block + Twine(block) + "."));
  return tokens;
}
