//===- Levit.cpp - LeViT of timm -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens in three sizes, each linear layer with a batch norm; attention with a
// bias for each distance, which between the sizes has fewer queries than keys.
// Source: Graham et al. 2021 (LeViT), section 4.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct LevitEntry {
  llvm::StringLiteral name;
  TimmActivation activation = TimmActivation::HardSwish;
};
} // namespace

// Those with `conv` have convolutions of 1x1 for linear layers.
static constexpr LevitEntry kLevits[] = {
    {"levit_128"},
    {"levit_128s"},
    {"levit_192"},
    {"levit_256"},
    {"levit_256d", TimmActivation::Silu},
    {"levit_384"},
    {"levit_384_s8", TimmActivation::Silu},
    {"levit_512", TimmActivation::Silu},
    {"levit_512_s8", TimmActivation::Silu},
    {"levit_512d", TimmActivation::Silu},
    {"levit_conv_128"},
    {"levit_conv_128s"},
    {"levit_conv_192"},
    {"levit_conv_256"},
    {"levit_conv_256d", TimmActivation::Silu},
    {"levit_conv_384"},
    {"levit_conv_384_s8", TimmActivation::Silu},
    {"levit_conv_512", TimmActivation::Silu},
    {"levit_conv_512_s8", TimmActivation::Silu},
    {"levit_conv_512d", TimmActivation::Silu},
};

namespace {

class LevitBuilder {
public:
  LevitBuilder(TimmLayers &layers, TimmActivation activation)
      : layers(layers), activation(activation) {}

  Value build(Value image);

private:
  Value stem(Value image);
  Value linearNorm(Value tokens, const std::string &layer) {
    return layers.batchNorm(layers.linear(tokens, layer + ".linear"),
                            layer + ".bn");
  }
  /// Heads attend, and their values are projected.
  Value project(Value query, Value key, Value value, Value bias,
                const std::string &layer);
  Value attention(Value tokens, const std::string &layer);
  /// Every other token of every other row attends to all.
  Value downsample(Value tokens, const std::string &layer);
  Value addMlp(Value tokens, const std::string &layer);
  Value classify(Value features, const std::string &head);

  TimmLayers &layers;
  TimmActivation activation;
  int64_t height = 0, width = 0;
};

} // namespace

Value LevitBuilder::stem(Value image) {
  // Three convolutions, or four, each of which halves the map.
  int64_t count = layers.contains("stem.conv4.linear.weight") ? 4 : 3;
  Value map = image;
  for (int64_t i = 1; i <= count; ++i) {
    map = layers.convNorm(map, "stem.conv" + std::to_string(i),
                          i < count ? activation : TimmActivation::None,
                          /*stride=*/2, "linear");
  }
  height = TimmLayers::getHeight(map);
  width = TimmLayers::getWidth(map);
  return layers.toTokens(map, "stem");
}

Value LevitBuilder::project(Value query, Value key, Value value, Value bias,
                            const std::string &layer) {
  if (!bias)
    return {};
  Value merged = layers.attend(query, key, value, layer, bias);
  merged = layers.activate(merged, activation, layer + "proj.act");
  return linearNorm(merged, layer + "proj.ln");
}

Value LevitBuilder::attention(Value tokens, const std::string &layer) {
  Value bias = layers.distanceBias(layer + "attention_biases", height, width);
  auto projection = layers.getProjectionShape(layer + "proj.ln.linear.weight");
  if (!bias || !projection)
    return {};
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  Value rows = linearNorm(tokens, layer + "qkv");
  int64_t valueDim = projection->second / numHeads;
  int64_t keyDim = (TimmLayers::getSize(rows, 2) / numHeads - valueDim) / 2;
  auto parts =
      layers.splitByHead(rows, numHeads, {keyDim, keyDim, valueDim}, layer);
  return project(parts[0], parts[1], parts[2], bias, layer);
}

Value LevitBuilder::downsample(Value tokens, const std::string &layer) {
  Value bias = layers.distanceBias(layer + "attention_biases", height, width,
                                   /*stride=*/2);
  auto projection = layers.getProjectionShape(layer + "q.ln.linear.weight");
  if (!bias || !projection)
    return {};
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  Value rows = linearNorm(tokens, layer + "kv");
  int64_t keyDim = projection->first / numHeads;
  int64_t valueDim = TimmLayers::getSize(rows, 2) / numHeads - keyDim;
  auto parts = layers.splitByHead(rows, numHeads, {keyDim, valueDim}, layer);

  int64_t channels = TimmLayers::getSize(tokens, 2);
  Value map = layers.reshape(tokens, {height, width, channels}, layer);
  map = layers.stride(layers.stride(map, 1, 2, layer), 2, 2, layer);
  height = (height + 1) / 2;
  width = (width + 1) / 2;
  Value fewer = layers.reshape(map, {height * width, channels}, layer);
  Value query =
      layers.splitHeads(linearNorm(fewer, layer + "q.ln"), numHeads, layer);
  return project(query, parts[0], parts[1], bias, layer);
}

Value LevitBuilder::addMlp(Value tokens, const std::string &layer) {
  Value hidden = layers.activate(linearNorm(tokens, layer + ".ln1"), activation,
                                 layer + ".act");
  return layers.add(tokens, linearNorm(hidden, layer + ".ln2"), layer);
}

Value LevitBuilder::classify(Value features, const std::string &head) {
  return layers.linear(layers.batchNorm(features, head + ".bn"),
                       head + ".linear");
}

Value LevitBuilder::build(Value image) {
  Value tokens = stem(image);
  // A stage without blocks would end the count; none has that.
  int64_t numStages = layers.count("stages.", ".blocks.0.mlp.ln1.bn.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    std::string between = stage + "downsample.";
    if (i > 0) {
      tokens = downsample(tokens, between + "attn_downsample.");
      tokens = addMlp(tokens, between + "mlp");
    }
    int64_t depth = layers.count(stage + "blocks.", ".mlp.ln1.bn.weight");
    for (int64_t j = 0; j < depth; ++j) {
      std::string block = stage + "blocks." + std::to_string(j) + ".";
      Value branch = attention(tokens, block + "attn.");
      tokens = layers.add(tokens, branch, block + "attn");
      tokens = addMlp(tokens, block + "mlp");
    }
  }
  Value features = layers.meanTokens(tokens, "head");
  if (!layers.contains("head.linear.weight"))
    return features;
  Value logits = classify(features, "head");
  if (!layers.contains("head_dist.linear.weight"))
    return logits;
  return layers.average(logits, classify(features, "head_dist"), "head_dist");
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  return LevitBuilder(layers, getTimmEntry(kLevits, name).activation)
      .build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {"attn_ratio", "key_dim",
                                             "num_heads"};

const TimmFamily import_::kLevitFamily = {getTimmNames<kLevits>,
                                          "stem.conv1.linear.weight",
                                          "head.linear.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          build};
