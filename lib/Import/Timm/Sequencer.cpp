//===- Sequencer.cpp - Sequencers of timm ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In attention's place LSTMs go along the columns and the rows of a map, both
// ways. The inputs of all steps are multiplied with the weights at once; the
// rest of a step is an iteration of a loop.
// Source: Tatsunami and Taki 2022 (Sequencer), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"
#include "Onnx/LoopBuilder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kSequencers[] = {
    {"sequencer2d_l"}, {"sequencer2d_m"}, {"sequencer2d_s"}};

static constexpr double kNormEps = 1e-6;

namespace {

class SequencerBuilder {
public:
  explicit SequencerBuilder(TimmLayers &layers) : layers(layers), b(layers.b) {}
  Value build(Value image);

private:
  /// The hidden states [B, S, T, H] of one LSTM for S sequences of each picture
  /// [B, S, T, C]; `suffix` is what its weights' names end in.
  Value buildDirection(Value sequences, const std::string &layer,
                       const std::string &suffix, bool reversed);
  /// The same of LSTMs one behind the other, the states of both ways side by
  /// side.
  Value buildLstm(Value sequences, const std::string &layer);
  /// Tokens [B, H * W, C] along the columns and the rows.
  Value alongColumns(Value tokens, const std::string &layer);
  Value alongRows(Value tokens, const std::string &layer);
  Value buildBlock(Value tokens, const std::string &block);

  TimmLayers &layers;
  onnx::TensorBuilder &b;
  int64_t height = 0, width = 0; // of the map whose tokens these are
};

} // namespace

static Value buildLinear(onnx::TensorBuilder &b, Value input, Value weight,
                         Value bias, Value residual) {
  return vit::LinearOp::create(b, input, weight, bias, residual,
                               vit::Activation::None, vit::NormAttr());
}

Value SequencerBuilder::buildDirection(Value sequences,
                                       const std::string &layer,
                                       const std::string &suffix,
                                       bool reversed) {
  std::string recurrentName = layer + ".weight_hh_" + suffix;
  auto shape = layers.getWeightShape(recurrentName, 2);
  if (!sequences || !shape)
    return {};
  int64_t hidden = (*shape)[1], rows = 4 * hidden;
  Value recurrent =
      layers.parameter(recurrentName, {rows, hidden}, WeightRole::Matrix);
  Value weight = layers.parameter(layer + ".weight_ih_" + suffix,
                                  {rows, TimmLayers::getSize(sequences, 3)},
                                  WeightRole::Matrix);
  auto getBias = [&](const char *name) {
    return layers.parameter(layer + name + suffix, {rows}, WeightRole::Bias);
  };
  Value bias = layers.add(getBias(".bias_ih_"), getBias(".bias_hh_"), layer);
  b.setLoc(layers.layers.getLoc(layer));
  Value projected = buildLinear(b, sequences, weight, bias, /*residual=*/{});

  // All sequences of a picture go through a step together.
  onnx::Size batch = b.getShape(sequences)[0], all = batch;
  int64_t count = TimmLayers::getSize(sequences, 1),
          steps = TimmLayers::getSize(sequences, 2);
  all.constant *= count;
  all.batchFactor *= count;
  onnx::Shape state = {batch, count, hidden};
  Value zeros = b.fill(state, b.getF32FloatAttr(0));
  Value empty = b.empty({batch, count, steps, hidden}, b.getF32Type());
  onnx::LoopBuilder loop(b, steps, {zeros, zeros, empty});
  Value step = reversed ? loop.getReversedIndex() : loop.getIndex();
  ValueRange carried = loop.getCarried();
  Value own =
      b.reshape(onnx::takeAt(b, projected, 2, step), {batch, count, rows});
  Value gates = buildLinear(b, carried[0], recurrent, /*bias=*/{}, own);
  // PyTorch's: input, forget, candidate, output.
  auto cell = vit::LstmCellOp::create(b, b.reshape(gates, {all, rows}),
                                      b.reshape(carried[1], {all, hidden}),
                                      ArrayRef<int64_t>{0, 1, 2, 3});
  Value row = b.reshape(cell.getHidden(), {batch, count, 1, hidden});
  return loop.finish({b.reshape(cell.getHidden(), state),
                      b.reshape(cell.getNextCell(), state),
                      onnx::putAt(b, carried[2], row, 2, step)})[2];
}

Value SequencerBuilder::buildLstm(Value sequences, const std::string &layer) {
  bool bothWays = layers.contains(layer + ".weight_ih_l0_reverse");
  int64_t depth =
      std::max<int64_t>(layers.count(layer + ".weight_ih_l", ""), 1);
  for (int64_t i = 0; i < depth; ++i) {
    std::string suffix = "l" + std::to_string(i);
    Value states = buildDirection(sequences, layer, suffix, /*reversed=*/false);
    if (bothWays)
      states = layers.concat(
          {states, buildDirection(sequences, layer, suffix + "_reverse",
                                  /*reversed=*/true)},
          3, layer);
    sequences = states;
  }
  return sequences;
}

Value SequencerBuilder::alongColumns(Value tokens, const std::string &layer) {
  Value map = layers.reshape(
      tokens, {height, width, TimmLayers::getSize(tokens, 2)}, layer);
  Value states = buildLstm(layers.transpose(map, {0, 2, 1, 3}, layer), layer);
  return layers.reshape(layers.transpose(states, {0, 2, 1, 3}, layer),
                        {height * width, TimmLayers::getSize(states, 3)},
                        layer);
}

Value SequencerBuilder::alongRows(Value tokens, const std::string &layer) {
  Value map = layers.reshape(
      tokens, {height, width, TimmLayers::getSize(tokens, 2)}, layer);
  Value states = buildLstm(map, layer);
  return layers.reshape(
      states, {height * width, TimmLayers::getSize(states, 3)}, layer);
}

Value SequencerBuilder::buildBlock(Value tokens, const std::string &block) {
  std::string layer = block + "rnn_tokens";
  Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
  bool hasRows = layers.contains(layer + ".rnn_h.weight_ih_l0");
  bool hasColumns = !hasRows || layers.contains(layer + ".rnn_v.weight_ih_l0");
  Value mixed = hasColumns ? alongColumns(normed, layer + ".rnn_v")
                           : alongRows(normed, layer + ".rnn_h");
  int64_t inputs = TimmLayers::getSize(tokens, 2);
  bool hasLinear = layers.contains(layer + ".fc.weight");
  if (hasLinear)
    if (auto shape = layers.getProjectionShape(layer + ".fc.weight"))
      inputs = shape->second;
  // Both are added, or side by side where that is what the next layer takes.
  if (hasRows && hasColumns) {
    Value rows = alongRows(normed, layer + ".rnn_h");
    mixed = TimmLayers::getSize(mixed, 2) == inputs
                ? layers.add(mixed, rows, layer)
                : layers.concat({mixed, rows}, 2, layer);
  }
  if (hasLinear)
    mixed = layers.linear(mixed, layer + ".fc");
  tokens = layers.add(tokens, mixed, layer);
  Value branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  return layers.add(tokens, layers.mlp(branch, block + "mlp_channels"),
                    block + "mlp_channels");
}

Value SequencerBuilder::build(Value image) {
  Value map = layers.embedPatches(image, "stem.proj");
  if (layers.contains("stem.norm.weight"))
    map = layers.mapNorm(map, "stem.norm", kNormEps);
  Value tokens;
  int64_t numStages = layers.count("stages.", ".blocks.0.norm1.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (i > 0)
      map = layers.embedPatches(map, stage + "downsample.down");
    height = TimmLayers::getHeight(map);
    width = TimmLayers::getWidth(map);
    tokens = layers.toTokens(map, stage + "blocks");
    int64_t depth = layers.count(stage + "blocks.", ".norm1.weight");
    for (int64_t j = 0; j < depth; ++j)
      tokens = buildBlock(tokens, stage + "blocks." + std::to_string(j) + ".");
    map = layers.toMap(tokens, height, width, stage + "blocks");
  }
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.meanTokens(tokens, "head"), "head.fc");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  return SequencerBuilder(layers).build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {
    "bidirectional",  "embed_dims",  "hidden_sizes", "layers", "mlp_ratios",
    "num_rnn_layers", "patch_sizes", "stem_norm",    "union",  "with_fc"};

const TimmFamily import_::kSequencerFamily = {getTimmNames<kSequencers>,
                                              "stem.proj.weight",
                                              "head.fc.weight",
                                              kMeanPooling,
                                              kArguments,
                                              kDecided,
                                              build};
