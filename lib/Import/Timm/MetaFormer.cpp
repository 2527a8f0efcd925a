//===- MetaFormer.cpp - MetaFormers of timm -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks that mix tokens by attention, by separable convolutions or by pools:
// CAFormer, ConvFormer and PoolFormer.
// Source: Yu et al. 2022 (MetaFormer Baselines for Vision), section 2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ConvLayers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct MetaFormer {
  llvm::StringLiteral name;
  /// Its blocks norm all channels and places at once.
  bool normsMaps = false;
  /// Norms and MLPs of blocks have biases, MLPs GELU.
  bool first = false;
};
} // namespace

/// The classifier is an MLP.
static constexpr MetaFormer kMetaFormers[] = {
    {"caformer_b36"},   {"caformer_m36"},   {"caformer_s18"},
    {"caformer_s36"},   {"convformer_b36"}, {"convformer_m36"},
    {"convformer_s18"}, {"convformer_s36"},
};

/// The classifier is a linear layer.
static constexpr MetaFormer kPoolFormers[] = {
    {"poolformer_m36", /*normsMaps=*/true, /*first=*/true},
    {"poolformer_m48", /*normsMaps=*/true, /*first=*/true},
    {"poolformer_s12", /*normsMaps=*/true, /*first=*/true},
    {"poolformer_s24", /*normsMaps=*/true, /*first=*/true},
    {"poolformer_s36", /*normsMaps=*/true, /*first=*/true},
    {"poolformerv2_m36", /*normsMaps=*/true},
    {"poolformerv2_m48", /*normsMaps=*/true},
    {"poolformerv2_s12", /*normsMaps=*/true},
    {"poolformerv2_s24", /*normsMaps=*/true},
    {"poolformerv2_s36", /*normsMaps=*/true},
};

static constexpr double kNormEps = 1e-6;
/// PyTorch's of a group norm, which the first PoolFormers have.
static constexpr double kFirstNormEps = 1e-5;
static constexpr int64_t kHeadDim = 32;

namespace {

class MetaFormerBuilder {
public:
  MetaFormerBuilder(TimmLayers &layers, const MetaFormer &entry)
      : layers(layers), entry(entry) {}
  Value build(Value image);

private:
  // Blocks with attention take tokens and give them, all others maps.
  Value activate(Value input, const std::string &layer);
  Value norm(Value input, const std::string &layer);
  Value project(Value input, const std::string &layer);
  Value mixTokens(Value input, const std::string &layer);
  Value buildBlock(Value input, const std::string &block);
  Value buildStage(Value map, const std::string &stage);
  Value buildHead(Value map);

  TimmLayers &layers;
  const MetaFormer &entry;
};

} // namespace

/// scale * relu(input)^2 + bias of the file's two numbers.
static Value starRelu(TimmLayers &layers, Value input,
                      const std::string &layer) {
  if (!input)
    return {};
  onnx::TensorBuilder &b = layers.b;
  Value scale = layers.parameter(layer + ".scale", {1});
  Value bias = layers.parameter(layer + ".bias", {1});
  return b.generic(
      {input, scale, bias}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value zero = onnx::TensorBuilder::scalar(body, body.getF32Type(), 0);
        Value relu = arith::MaximumFOp::create(body, args[0], zero);
        Value square = arith::MulFOp::create(body, relu, relu);
        Value scaled = arith::MulFOp::create(body, square, args[1]);
        return arith::AddFOp::create(body, scaled, args[2]);
      });
}

Value MetaFormerBuilder::activate(Value input, const std::string &layer) {
  return entry.first ? layers.activate(input, TimmActivation::Gelu, layer)
                     : starRelu(layers, input, layer);
}

Value MetaFormerBuilder::norm(Value input, const std::string &layer) {
  if (!input)
    return {};
  if (entry.normsMaps)
    return layers.groupNorm(
        input, layer, entry.first ? kFirstNormEps : kNormEps, entry.first);
  if (getShape(input).size() == 3)
    return layers.layerNorm(input, layer, kNormEps, /*bias=*/false);
  return layers.mapNorm(input, layer, kNormEps, /*bias=*/false);
}

Value MetaFormerBuilder::project(Value input, const std::string &layer) {
  if (!input)
    return {};
  return getShape(input).size() == 3 ? layers.linear(input, layer)
                                     : layers.conv(input, layer);
}

Value MetaFormerBuilder::mixTokens(Value input, const std::string &layer) {
  if (layers.contains(layer + ".qkv.weight")) {
    Value rows = layers.linear(input, layer + ".qkv");
    int64_t heads =
        std::max<int64_t>(TimmLayers::getSize(rows, 2) / (3 * kHeadDim), 1);
    auto [query, key, value] = layers.splitQkv(rows, heads, layer + ".qkv");
    return layers.linear(layers.attend(query, key, value, layer),
                         layer + ".proj");
  }
  if (layers.contains(layer + ".pwconv1.weight")) {
    Value map = layers.conv(input, layer + ".pwconv1");
    map = starRelu(layers, map, layer + ".act1");
    map = layers.conv(map, layer + ".dwconv");
    return layers.conv(map, layer + ".pwconv2");
  }
  return layers.subtract(
      layers.averagePool(input, layer, /*kernel=*/3, {/*stride=*/1}), input,
      layer);
}

Value MetaFormerBuilder::buildBlock(Value input, const std::string &block) {
  Value branch = mixTokens(norm(input, block + "norm1"), block + "token_mixer");
  input = layers.add(layers.scale(input, block + "res_scale1.scale"),
                     layers.scale(branch, block + "layer_scale1.scale"),
                     block + "token_mixer");
  branch = project(norm(input, block + "norm2"), block + "mlp.fc1");
  branch = project(activate(branch, block + "mlp.act"), block + "mlp.fc2");
  return layers.add(layers.scale(input, block + "res_scale2.scale"),
                    layers.scale(branch, block + "layer_scale2.scale"),
                    block + "mlp");
}

Value MetaFormerBuilder::buildStage(Value map, const std::string &stage) {
  std::string downsample = stage + "downsample.";
  if (layers.contains(downsample + "conv.weight")) {
    if (!entry.first)
      map = layers.mapNorm(map, downsample + "norm", kNormEps, /*bias=*/false);
    map = layers.conv(map, downsample + "conv", {/*stride=*/2});
  }
  std::string blocks = stage + "blocks.";
  bool attends = layers.contains(blocks + "0.token_mixer.qkv.weight");
  Value result = attends ? layers.toTokens(map, stage) : map;
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    result = buildBlock(result, blocks + std::to_string(i) + ".");
  if (!attends)
    return result;
  return layers.toMap(result, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), stage);
}

Value MetaFormerBuilder::buildHead(Value map) {
  Value features =
      layers.layerNorm(layers.mean(map, "head"), "head.norm", kNormEps);
  if (!entry.normsMaps && layers.contains("head.fc.weight"))
    return layers.fail()
           << "the weights have 'head.fc.weight', a classifier of "
              "one layer; "
           << entry.name << " needs 'head.fc.fc1' and 'head.fc.fc2'";
  if (!layers.contains("head.fc.fc1.weight"))
    return layers.classify(features, "head.fc");
  Value hidden = layers.activate(layers.linear(features, "head.fc.fc1"),
                                 TimmActivation::Relu, "head.fc.act");
  hidden = layers.multiply(hidden, hidden, "head.fc.act");
  return layers.linear(layers.layerNorm(hidden, "head.fc.norm", kNormEps),
                       "head.fc.fc2");
}

Value MetaFormerBuilder::build(Value image) {
  Value map = layers.conv(image, "stem.conv", {/*stride=*/4, /*pad=*/2});
  if (!entry.first)
    map = layers.mapNorm(map, "stem.norm", kNormEps, /*bias=*/false);
  int64_t numStages = layers.count("stages.", ".blocks.0.norm1.weight");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(map, "stages." + std::to_string(i) + ".");
  return buildHead(map);
}

template <const auto &table>
static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  return MetaFormerBuilder(layers, getTimmEntry(table, name)).build(image);
}

static constexpr StringLiteral kDecided[] = {
    "dims", "layer_scale_init_values", "res_scale_init_values", "mlp_bias"};

const TimmFamily import_::kMetaFormerFamily = {
    getTimmNames<kMetaFormers>, "stem.conv.weight",
    "head.fc.fc2.weight",       kMeanPooling,
    /*arguments=*/{},           kDecided,
    build<kMetaFormers>};

const TimmFamily import_::kPoolFormerFamily = {
    getTimmNames<kPoolFormers>, "stem.conv.weight",
    "head.fc.weight",           kMeanPooling,
    /*arguments=*/{},           kDecided,
    build<kPoolFormers>};
