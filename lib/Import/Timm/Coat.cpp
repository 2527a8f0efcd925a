//===- Coat.cpp - Co-scale conv-attentional transformers of timm ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention factorised into products with a matrix of channels, and depthwise
// convolutions of the values for the positions. Behind the four stages of CoaT,
// not of CoaT-Lite, blocks of the last three exchange what they attend to.
// Source: Xu et al. 2021 (CoaT), sections 3 and 4.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ConvLayers.h"
#include "InputFile.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
/// Tokens of a map, the class token first.
struct Scale {
  Value tokens;
  int64_t height = 0, width = 0;
};
} // namespace

static constexpr TimmName kCoats[] = {
    {"coat_lite_medium"}, {"coat_lite_medium_384"},
    {"coat_lite_mini"},   {"coat_lite_small"},
    {"coat_lite_tiny"},   {"coat_mini"},
    {"coat_small"},       {"coat_tiny"},
};

static constexpr double kNormEps = 1e-6, kPatchNormEps = 1e-5;
static constexpr int64_t kNumStages = 4;

namespace {

class CoatBuilder {
public:
  CoatBuilder(TimmLayers &layers, int64_t numHeads)
      : layers(layers), numHeads(numHeads),
        numParallel(layers.count("parallel_blocks.", ".norm12.weight")) {}

  Value build(Value image, StringRef pooling);

private:
  std::string getSharedName(StringRef kind, int64_t stage, StringRef weight);
  Value patches(const Scale &scale, const std::string &layer) {
    return layers.slice(scale.tokens, 1, 1, scale.height * scale.width, layer);
  }
  Value classToken(const Scale &scale, const std::string &layer) {
    return layers.slice(scale.tokens, 1, 0, 1, layer);
  }
  Value toMap(const Scale &scale, const std::string &layer) {
    return layers.toMap(patches(scale, layer), scale.height, scale.width,
                        layer);
  }
  Scale fromMap(Value token, Value map, const std::string &layer);
  Value norm(Value tokens, const std::string &layer) {
    return layers.layerNorm(tokens, layer, kNormEps);
  }

  Scale embed(Value map, int64_t stage);
  Scale encodePositions(const Scale &scale, int64_t stage);
  Value convolveValues(const Scale &values, int64_t stage);
  Scale attend(const Scale &scale, const std::string &layer, int64_t stage);
  Scale resize(const Scale &scale, const Scale &like, const std::string &layer);
  void exchange(std::array<Scale, kNumStages> &scales,
                const std::string &block);

  TimmLayers &layers;
  int64_t numHeads, numParallel;
};

} // namespace

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// A stage's layer that each of its blocks has, too, under a name of its own.
std::string CoatBuilder::getSharedName(StringRef kind, int64_t stage,
                                       StringRef weight) {
  std::string number = std::to_string(stage + 1);
  std::vector<std::string> names = {kind.str() + number + "."};
  std::string serial = "serial_blocks" + number + ".";
  int64_t depth = layers.count(serial, ".norm1.weight");
  bool attends = kind == "crpe";
  for (int64_t i = 0; i < depth; ++i)
    names.push_back(serial + std::to_string(i) +
                    (attends ? ".factoratt_crpe.crpe." : ".cpe."));
  for (int64_t i = 0; attends && i < numParallel; ++i)
    names.push_back("parallel_blocks." + std::to_string(i) + ".factoratt_crpe" +
                    number + ".crpe.");
  return layers.chooseName(names, weight);
}

Scale CoatBuilder::fromMap(Value token, Value map, const std::string &layer) {
  return {layers.concat({token, layers.toTokens(map, layer)}, 1, layer),
          TimmLayers::getHeight(map), TimmLayers::getWidth(map)};
}

/// Eq. (9): a depthwise convolution of the patches, added to them.
Scale CoatBuilder::encodePositions(const Scale &scale, int64_t stage) {
  std::string layer = getSharedName("cpe", stage, "proj.weight") + "proj";
  Value map = toMap(scale, layer);
  return fromMap(classToken(scale, layer),
                 layers.add(layers.conv(map, layer), map, layer), layer);
}

/// Depthwise convolutions of the values, a kernel for each group of heads.
Value CoatBuilder::convolveValues(const Scale &values, int64_t stage) {
  std::string layer =
      getSharedName("crpe", stage, "conv_list.0.weight") + "conv_list";
  Value map = toMap(values, layer);
  if (!map)
    return {};
  SmallVector<Value> groups;
  int64_t begin = 0, numGroups = layers.count(layer + ".", ".weight");
  for (int64_t i = 0; i < numGroups; ++i) {
    std::string conv = layer + "." + std::to_string(i);
    auto shape = layers.getWeightShape(conv + ".weight", 4);
    if (!shape)
      return {};
    int64_t channels = (*shape)[0];
    if (begin + channels > TimmLayers::getSize(map, 1))
      break;
    groups.push_back(
        layers.conv(layers.slice(map, 1, begin, channels, conv), conv));
    begin += channels;
  }
  if (begin != TimmLayers::getSize(map, 1))
    return layers.fail() << "'" << layer << "' has "
                         << "filters of other widths; its values need "
                         << TimmLayers::getSize(map, 1) << " channels";
  return layers.toTokens(layers.concat(groups, 1, layer), layer);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// scale * queries · (softmax of keys along the tokens)^T · values, and for
/// patches the query times the convolved values. Eqs. (4) and (8).
Scale CoatBuilder::attend(const Scale &scale, const std::string &layer,
                          int64_t stage) {
  Value rows = layers.linear(scale.tokens, layer + ".qkv");
  int64_t width = TimmLayers::getSize(scale.tokens, 2);
  if (rows && TimmLayers::getSize(rows, 2) != 3 * width) {
    layers.fail() << "'" << layer << ".qkv' has a width of "
                  << TimmLayers::getSize(rows, 2)
                  << "; query, key and value need " << width << " each";
    return {};
  }
  auto [query, key, value] = layers.splitQkv(rows, numHeads, layer + ".qkv");
  if (!query)
    return {};
  Value context = layers.weightedMean(
      layers.transpose(key, {0, 1, 3, 2}, layer), value, layer);
  Value attended =
      layers.mergeHeads(layers.matmul(query, context, layer), layer);
  auto part = [&](int64_t index) {
    return Scale{layers.slice(rows, 2, index * width, width, layer),
                 scale.height, scale.width};
  };
  Value local = layers.multiply(patches(part(0), layer),
                                convolveValues(part(2), stage), layer);
  if (!attended || !local)
    return {};
  local =
      layers.b.pad(local, {0, 1, 0}, {0, 0, 0}, layers.b.getF32FloatAttr(0));
  if (attended.getType() != local.getType()) {
    layers.fail() << "'" << layer << "' gives "
                  << formatShape(getShape(attended).drop_front())
                  << " by attention and "
                  << formatShape(getShape(local).drop_front())
                  << " by convolution; they need one shape";
    return {};
  }
  double factor = 1.0 / std::sqrt(double(width / numHeads));
  Value sum = layers.b.generic(
      {attended, local}, layers.b.getF32Type(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value scale =
            onnx::TensorBuilder::scalar(body, body.getF32Type(), factor);
        Value scaled = arith::MulFOp::create(body, args[0], scale);
        return arith::AddFOp::create(body, scaled, args[1]);
      });
  return {layers.linear(sum, layer + ".proj"), scale.height, scale.width};
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

Scale CoatBuilder::embed(Value map, int64_t stage) {
  std::string number = std::to_string(stage + 1);
  std::string layer = "patch_embed" + number;
  map = layers.embedPatches(map, layer + ".proj");
  map = layers.mapNorm(map, layer + ".norm", kPatchNormEps);
  Scale scale = {
      layers.prepend(layers.toTokens(map, layer), "cls_token" + number),
      TimmLayers::getHeight(map), TimmLayers::getWidth(map)};
  std::string blocks = "serial_blocks" + number + ".";
  int64_t depth = layers.count(blocks, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = blocks + std::to_string(i) + ".";
    scale = encodePositions(scale, stage);
    Scale normed = scale;
    normed.tokens = norm(scale.tokens, block + "norm1");
    Scale branch = attend(normed, block + "factoratt_crpe", stage);
    scale.tokens = layers.add(scale.tokens, branch.tokens, block);
    normed.tokens = norm(scale.tokens, block + "norm2");
    scale.tokens = layers.add(scale.tokens,
                              layers.mlp(normed.tokens, block + "mlp"), block);
  }
  return scale;
}

/// The patches as a map of the other scale's size; the class token stays.
Scale CoatBuilder::resize(const Scale &scale, const Scale &like,
                          const std::string &layer) {
  Value map =
      layers.resize(toMap(scale, layer), layer, like.height, like.width);
  return fromMap(classToken(scale, layer), map, layer);
}

/// A parallel block: each scale also gains what the others attend to.
void CoatBuilder::exchange(std::array<Scale, kNumStages> &scales,
                           const std::string &block) {
  std::array<Scale, kNumStages> attended;
  for (int64_t i = 1; i < kNumStages; ++i) {
    std::string number = std::to_string(i + 1);
    Scale normed = encodePositions(scales[i], i);
    scales[i] = normed;
    normed.tokens = norm(normed.tokens, block + "norm1" + number);
    attended[i] = attend(normed, block + "factoratt_crpe" + number, i);
  }
  for (int64_t i = 1; i < kNumStages; ++i) {
    Value sum = attended[i].tokens;
    for (int64_t j = 1; j < kNumStages; ++j)
      if (j != i)
        sum = layers.add(sum, resize(attended[j], attended[i], block).tokens,
                         block);
    scales[i].tokens = layers.add(scales[i].tokens, sum, block);
  }
  // One MLP serves all scales.
  std::string mlp = layers.chooseName(
      {block + "mlp2.", block + "mlp3.", block + "mlp4."}, "fc1.weight");
  mlp.pop_back();
  for (int64_t i = 1; i < kNumStages; ++i) {
    Value &tokens = scales[i].tokens;
    Value normed = norm(tokens, block + "norm2" + std::to_string(i + 1));
    tokens = layers.add(tokens, layers.mlp(normed, mlp), block);
  }
}

Value CoatBuilder::build(Value image, StringRef pooling) {
  std::array<Scale, kNumStages> scales;
  Value map = image;
  for (int64_t i = 0; i < kNumStages; ++i) {
    scales[i] = embed(map, i);
    if (!scales[i].tokens)
      return {};
    map = toMap(scales[i], "patch_embed" + std::to_string(i + 2));
  }
  auto features = [&](int64_t stage) {
    Value tokens =
        norm(scales[stage].tokens, "norm" + std::to_string(stage + 1));
    return layers.poolTokens(tokens, pooling, 1, "head");
  };
  if (numParallel == 0)
    return layers.classify(features(kNumStages - 1), "head");

  const Scale &last = scales.back();
  for (int64_t i = 1; i + 1 < kNumStages; ++i)
    if (scales[i].height != last.height << (kNumStages - 1 - i) ||
        scales[i].width != last.width << (kNumStages - 1 - i))
      return layers.fail() << "the picture's size leaves maps of "
                           << scales[i].height << "x" << scales[i].width
                           << " and " << last.height << "x" << last.width
                           << "; parallel blocks need sides of which one is a "
                              "power of 2 times the other";
  for (int64_t i = 0; i < numParallel; ++i)
    exchange(scales, "parallel_blocks." + std::to_string(i) + ".");
  SmallVector<Value> rows;
  for (int64_t i = 1; i < kNumStages; ++i) {
    Value row = features(i);
    rows.push_back(
        layers.reshape(row, {1, TimmLayers::getSize(row, 1)}, "aggregate"));
  }
  Value stacked = layers.concat(rows, 1, "aggregate");
  if (!stacked)
    return {};
  onnx::TensorBuilder &b = layers.b;
  Value weights = b.reshape(layers.parameter("aggregate.weight", {1, 3, 1}),
                            {1, kNumStages - 1});
  Value bias = layers.parameter("aggregate.bias", {1}, WeightRole::Bias);
  Value sum =
      layers.addBroadcast(b.matmul(weights, stacked), bias, "aggregate");
  return layers.classify(
      layers.reshape(sum, {TimmLayers::getSize(stacked, 2)}, "aggregate"),
      "head");
}

static Value build(TimmLayers &layers, StringRef /*name*/, StringRef pooling,
                   Value image) {
  constexpr int64_t kNumHeads = 8; // of all architectures
  int64_t numHeads =
      layers.arguments.getSize("num_heads", kNumHeads, kMaxWidth);
  return CoatBuilder(layers, numHeads).build(image, pooling);
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"crpe_window", "embed_dims",
                                             "mlp_ratios", "parallel_depth",
                                             "serial_depths"};

const TimmFamily import_::kCoatFamily = {getTimmNames<kCoats>,
                                         "patch_embed1.proj.weight",
                                         "head.weight",
                                         kTokenOrMeanPooling,
                                         kArguments,
                                         kDecided,
                                         build};
