//===- EfficientVim.cpp - EfficientViM of timm ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// State space layers in their dual form: weighted means of all places become a
// few states, which are mixed and read out for each place. The states of each
// stage classify, too.
// Source: Lee et al. 2025 (EfficientViM), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kEfficientVims[] = {
    {"efficientvim_m1"}, {"efficientvim_m1_dist"},
    {"efficientvim_m2"}, {"efficientvim_m2_dist"},
    {"efficientvim_m3"}, {"efficientvim_m3_dist"},
    {"efficientvim_m4"}, {"efficientvim_m4_dist"},
};

static constexpr double kNormEps = 1e-5;

namespace {

class EfficientVimBuilder {
public:
  explicit EfficientVimBuilder(TimmLayers &layers)
      : layers(layers), b(layers.b) {}
  Value build(Value image);

private:
  Value convNorm(Value map, const std::string &layer,
                 TimmActivation activation = TimmActivation::None,
                 int64_t stride = 1) {
    return layers.convNorm(map, layer + ".conv", layer + ".norm", activation,
                           {stride});
  }
  /// A convolution of one row, of a kernel of 1, on tokens.
  Value project(Value tokens, const std::string &layer);
  /// The map that the states give for each place; notes them, [B, states, C].
  Value mixStates(Value map, const std::string &layer);
  /// map + gate * (branch - map), the gate being row `index` of `gates`.
  Value blend(Value map, Value branch, Value gates, int64_t index,
              const std::string &layer);
  Value buildBlock(Value map, const std::string &block);
  Value downsample(Value map, const std::string &layer);
  /// The sum of a classifier for each of the features, with the weights'
  /// softmax.
  Value classify(ValueRange features, const std::string &heads,
                 const std::string &weights);

  TimmLayers &layers;
  onnx::TensorBuilder &b;
  /// Of the last block.
  Value states;
};

} // namespace

Value EfficientVimBuilder::project(Value tokens, const std::string &layer) {
  std::string name = layer + ".conv.weight";
  auto shape = layers.getWeightShape(name, 3);
  if (!tokens || !shape)
    return {};
  int64_t outputs = (*shape)[0], inputs = TimmLayers::getSize(tokens, 2);
  Value matrix = b.reshape(
      layers.parameter(name, {outputs, inputs, 1}, WeightRole::Matrix),
      {outputs, inputs});
  return layers.matmul(tokens, b.transpose(matrix, {1, 0}), layer);
}

Value EfficientVimBuilder::mixStates(Value map, const std::string &layer) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  auto shape = layers.getWeightShape(layer + ".A", 1);
  if (!map || !shape)
    return {};
  int64_t numStates = (*shape)[0];
  Value tokens = layers.toTokens(map, layer);
  Value parts =
      layers.toMap(project(tokens, layer + ".BCdt_proj"), height, width, layer);
  parts = layers.conv(parts, layer + ".dw.conv");
  if (parts && TimmLayers::getSize(parts, 1) != 3 * numStates)
    return layers.fail() << "'" << layer << ".dw' gives "
                         << TimmLayers::getSize(parts, 1) << " channels; "
                         << numStates << " states need 3 for each";
  // [B, states, places], of which each row is one of the three for a state.
  parts = layers.reshape(parts, {3 * numStates, height * width}, layer);
  auto part = [&](int64_t index) {
    return layers.slice(parts, 1, index * numStates, numStates, layer);
  };
  Value offsets =
      b.reshape(layers.parameter(layer + ".A", {numStates}), {numStates, 1});
  Value decay =
      layers.softmax(layers.addBroadcast(part(2), offsets, layer), layer);
  Value state =
      layers.matmul(layers.multiply(decay, part(0), layer), tokens, layer);
  Value rows = project(state, layer + ".hz_proj");
  std::optional<int64_t> inner =
      layers.getPartWidth(rows, 2, layer + ".hz_proj");
  if (!inner)
    return {};
  Value hidden = layers.slice(rows, 2, 0, *inner, layer);
  Value gate = layers.activate(layers.slice(rows, 2, *inner, *inner, layer),
                               TimmActivation::Silu, layer + ".act");
  Value direct = layers.parameter(layer + ".D", {1});
  hidden = layers.add(layers.multiply(hidden, gate, layer),
                      layers.multiply(hidden, direct, layer), layer);
  states = project(hidden, layer + ".out_proj");
  Value result =
      layers.matmul(layers.transpose(part(1), {0, 2, 1}, layer), states, layer);
  return layers.toMap(result, height, width, layer);
}

Value EfficientVimBuilder::blend(Value map, Value branch, Value gates,
                                 int64_t index, const std::string &layer) {
  if (!map || !branch)
    return {};
  int64_t channels = TimmLayers::getSize(map, 1);
  Value gate = b.reshape(b.sliceDim(gates, 0, index, 1), {channels, 1, 1});
  Value difference = layers.subtract(branch, map, layer);
  return layers.add(map, layers.multiply(difference, gate, layer), layer);
}

Value EfficientVimBuilder::buildBlock(Value map, const std::string &block) {
  if (!map)
    return {};
  Value gates = layers.sigmoid(
      layers.parameter(block + "alpha", {4, TimmLayers::getSize(map, 1)}),
      block + "alpha");
  auto add = [&](Value branch, int64_t index, const char *layer) {
    map = blend(map, branch, gates, index, block + layer);
  };
  add(convNorm(map, block + "dwconv1"), 0, "dwconv1");
  add(mixStates(layers.mapNorm(map, block + "norm", kNormEps), block + "mixer"),
      1, "mixer");
  add(convNorm(map, block + "dwconv2"), 2, "dwconv2");
  Value hidden = convNorm(map, block + "ffn.fc1", TimmActivation::Relu);
  add(convNorm(hidden, block + "ffn.fc2"), 3, "ffn");
  return map;
}

Value EfficientVimBuilder::downsample(Value map, const std::string &layer) {
  map = layers.add(map, convNorm(map, layer + "dwconv1"), layer);
  map = convNorm(map, layer + "conv.0", TimmActivation::Relu);
  map = convNorm(map, layer + "conv.1", TimmActivation::Relu, /*stride=*/2);
  map = layers.squeezeExcite(map, layer + "conv.2", TimmActivation::Relu);
  map = convNorm(map, layer + "conv.3");
  return layers.add(map, convNorm(map, layer + "dwconv2"), layer);
}

Value EfficientVimBuilder::classify(ValueRange features,
                                    const std::string &heads,
                                    const std::string &weights) {
  if (llvm::is_contained(features, Value()))
    return {};
  auto count = int64_t(features.size());
  Value shares = b.softmax(layers.parameter(weights, {count}), 0);
  Value sum;
  for (int64_t i = 0; i < count; ++i) {
    Value logits = layers.multiply(
        layers.linear(features[i], heads + "." + std::to_string(i)),
        b.sliceDim(shares, 0, i, 1), heads);
    sum = i == 0 ? logits : layers.add(sum, logits, heads);
  }
  return sum;
}

Value EfficientVimBuilder::build(Value image) {
  Value map = image;
  for (int64_t i = 0; i < 4; ++i)
    map = convNorm(map, "patch_embed.conv." + std::to_string(i),
                   i < 3 ? TimmActivation::Relu : TimmActivation::None,
                   /*stride=*/2);
  SmallVector<Value> features;
  int64_t numStages = layers.count("stages.", ".blocks.0.alpha");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    int64_t depth = layers.count(stage + "blocks.", ".alpha");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBlock(map, stage + "blocks." + std::to_string(j) + ".");
    if (!map)
      return {};
    std::string norm = "norm." + std::to_string(i);
    features.push_back(
        layers.meanTokens(layers.layerNorm(states, norm, kNormEps), norm));
    if (i + 1 < numStages)
      map = downsample(map, stage + "downsample.");
  }
  std::string norm = "norm." + std::to_string(numStages);
  features.push_back(layers.mean(layers.mapNorm(map, norm, kNormEps), norm));
  if (!layers.contains("heads.0.weight"))
    return layers.concat(features, 1, "heads");
  Value logits = classify(features, "heads", "weights");
  if (!layers.contains("heads_dist.0.weight"))
    return logits;
  return layers.average(
      logits, classify(features, "heads_dist", "weights_dist"), "heads");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  return EfficientVimBuilder(layers).build(image);
}

static constexpr StringLiteral kDecided[] = {"ssd_expand", "state_dim"};

const TimmFamily import_::kEfficientVimFamily = {
    getTimmNames<kEfficientVims>,
    "patch_embed.conv.0.conv.weight",
    "heads.0.weight",
    kMeanPooling,
    /*arguments=*/{},
    kDecided,
    build};
