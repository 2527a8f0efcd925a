//===- SwinBlock.cpp - The blocks of one stage of a Swin ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwinBlock.h"

#include "CosineAttention.h"
#include "HeadProjections.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

Value import_::padMap(LayerBuilder &layers, Value map,
                      std::array<int64_t, 2> size, const Twine &layer) {
  auto type = cast<RankedTensorType>(map.getType());
  ArrayRef<int64_t> shape = type.getShape();
  if (shape[1] == size[0] && shape[2] == size[1])
    return map;
  OpBuilder &b = layers.b;
  Location loc = layers.getLoc(layer);
  SmallVector<OpFoldResult> low(4, b.getIndexAttr(0)), high(low);
  high[1] = b.getIndexAttr(size[0] - shape[1]);
  high[2] = b.getIndexAttr(size[1] - shape[2]);
  Value zero =
      arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
  return tensor::PadOp::create(
      b, loc, type.clone({shape[0], size[0], size[1], shape[3]}), map, low,
      high, zero);
}

/// The sides that limit the window of stage `stage`, whose map has `size`.
static std::array<int64_t, 2> getLimits(const SwinSpec &spec, size_t stage,
                                        std::array<int64_t, 2> size) {
  int64_t side = 0;
  switch (spec.clamp) {
  case SwinClamp::EachSide:
    return size;
  case SwinClamp::ShorterSide:
    side = std::min(size[0], size[1]);
    break;
  case SwinClamp::Height:
    // Of the configuration's map, without padding.
    side = std::max<int64_t>(spec.trainedGrid[0] >> stage, 1);
    break;
  }
  return {side, side};
}

SwinBlockBuilder::SwinBlockBuilder(const SwinSpec &spec, LayerBuilder &layers,
                                   size_t stage, std::array<int64_t, 2> size)
    : spec(spec), layers(layers), b(layers.b), stage(spec.stages[stage]),
      dim(spec.getDim(stage)), hidden(spec.getHidden(stage)), size(size) {
  int64_t limit = spec.getWindow(stage);
  std::array<int64_t, 2> limits = getLimits(spec, stage, size);
  for (int side : {0, 1}) {
    window[side] = std::min(limit, limits[side]);
    // One window that covers the map is not shifted.
    shift[side] = limits[side] <= limit ? 0 : limit / 2;
    padded[side] = llvm::alignTo(size[side], window[side]);
  }
}

std::string SwinBlockBuilder::because() const {
  return llvm::formatv("{0} = {1} in its stage, {2} = {3}, windows of {4}x{5}",
                       spec.keys.embedDim, dim, spec.keys.numHeads,
                       stage.numHeads, window[0], window[1]);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Value SwinBlockBuilder::relativeBias(const std::string &block) {
  Value table;
  std::string name = block + spec.names.biasTable;
  if (spec.v2) {
    name = block + spec.names.biasMlp;
    table =
        buildContinuousBiasTable(layers, name, window, stage.pretrainedWindow,
                                 stage.numHeads, because());
  } else {
    int64_t rows = (2 * window[0] - 1) * (2 * window[1] - 1);
    table = layers.parameter(name, {rows, stage.numHeads}, because(),
                             WeightRole::Token);
  }
  return vit::RelativePositionBiasOp::create(b, layers.getLoc(name), table,
                                             b.getDenseI64ArrayAttr(window),
                                             /*classToken=*/UnitAttr());
}

Value SwinBlockBuilder::shiftMask(const std::string &block) {
  int64_t numTokens = window[0] * window[1];
  int64_t numWindows = padded[0] / window[0] * (padded[1] / window[1]);
  auto type = RankedTensorType::get({numWindows, 1, numTokens, numTokens},
                                    b.getF32Type());
  return vit::ShiftMaskOp::create(
      b, layers.getLoc(block + spec.names.attention), type,
      b.getDenseI64ArrayAttr(padded), b.getDenseI64ArrayAttr(window),
      b.getDenseI64ArrayAttr(shift), b.getF64FloatAttr(spec.maskValue));
}

Value SwinBlockBuilder::attention(Value windows, const std::string &block,
                                  bool masked) {
  const SwinNames &names = spec.names;
  SmallVector<Value, 3> heads =
      buildHeads(layers, windows,
                 getProjections(spec, block, dim, stage.numHeads), because());
  double scale = 1.0 / std::sqrt(double(dim / stage.numHeads));
  if (spec.v2) {
    Value logitScale = buildLogitScale(layers, block + names.logitScale,
                                       stage.numHeads, because());
    heads[0] =
        buildUnitVectors(layers, heads[0], logitScale, block + names.query);
    heads[1] = buildUnitVectors(layers, heads[1], /*scale=*/Value(),
                                block + names.key);
    scale = 1.0;
  }
  Value bias = relativeBias(block);
  Value mask = masked ? shiftMask(block) : Value();
  Location loc = layers.getLoc(block + names.attention);
  Value attended =
      vit::AttentionOp::create(b, loc, heads[0], heads[1], heads[2], bias, mask,
                               b.getF64FloatAttr(scale));
  Value merged = vit::MergeHeadsOp::create(b, loc, attended);
  return layers.linear(merged, block + names.attentionOutput, dim, because());
}

Value SwinBlockBuilder::windowAttention(Value tokens, const std::string &block,
                                        bool shifted) {
  std::string layer = block + spec.names.attention;
  Location loc = layers.getLoc(layer);
  shifted &= shift[0] > 0 || shift[1] > 0;
  auto shiftBy = [&](Value map, std::array<int64_t, 2> by) -> Value {
    return vit::CyclicShiftOp::create(b, loc, map.getType(), map,
                                      b.getDenseI64ArrayAttr(by));
  };
  std::array<int64_t, 2> back = {-shift[0], -shift[1]};

  Value map = layers.expand(tokens, 1, size, layer);
  if (shifted && spec.padShifted)
    map = shiftBy(map, shift);
  map = padMap(layers, map, padded, layer);
  if (shifted && !spec.padShifted)
    map = shiftBy(map, shift);
  Value windows = vit::WindowPartitionOp::create(
      b, loc, map, b.getDenseI64ArrayAttr(window));
  windows = attention(windows, block, shifted);
  map = vit::WindowReverseOp::create(b, loc, windows,
                                     b.getDenseI64ArrayAttr(window),
                                     b.getDenseI64ArrayAttr(padded));
  if (shifted && !spec.padShifted)
    map = shiftBy(map, back);
  for (int64_t side : {0, 1})
    if (padded[side] != size[side])
      map = layers.slice(map, side + 1, 0, size[side], layer);
  if (shifted && spec.padShifted)
    map = shiftBy(map, back);
  return layers.collapse(map, 1, 2, layer);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

Value SwinBlockBuilder::mlp(Value tokens, const std::string &block) {
  const SwinNames &names = spec.names;
  std::string because =
      llvm::formatv("{0} = {1} in its stage, {2} = {3}", spec.keys.embedDim,
                    dim, spec.keys.mlpRatio, spec.mlpRatio);
  Value inner = layers.linear(tokens, block + names.mlpInput, hidden, because);
  inner = layers.gelu(inner, spec.gelu, block + names.mlpActivation);
  return layers.linear(inner, block + names.mlpOutput, dim, because);
}

Value SwinBlockBuilder::build(Value tokens, const std::string &block,
                              bool shifted) {
  const SwinNames &names = spec.names;
  auto norm = [&](Value value, const std::string &name) {
    return layers.layerNorm(value, block + name, spec.layerNormEps, because());
  };
  // Swin norms what goes into a branch, Swin v2 what comes out of it.
  Value branch = spec.v2 ? tokens : norm(tokens, names.norm1);
  branch = windowAttention(branch, block, shifted);
  if (spec.v2)
    branch = norm(branch, names.norm1);
  tokens = layers.add(branch, tokens, block + names.attention + ".residual");
  branch = spec.v2 ? tokens : norm(tokens, names.norm2);
  branch = mlp(branch, block);
  if (spec.v2)
    branch = norm(branch, names.norm2);
  return layers.add(branch, tokens, block + names.mlpOutput + ".residual");
}
