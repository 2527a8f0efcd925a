//===- MobileNetV5.cpp - MobileNetV5 of timm ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverted bottlenecks and attention whose heads share one key and one value;
// the maps of the last two stages are joined at the larger one's size. Norms
// are of the channels at each place. Source: Qin et al. 2024 (MobileNetV4),
// sections 3 and 4; the join is Gemma 3n's.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kClassifiers[] = {{"mobilenetv5_300m"},
                                            {"mobilenetv5_base"}};
static constexpr TimmName kEncoders[] = {{"mobilenetv5_300m_enc"}};

static constexpr double kNormEps = 1e-6;
/// Along both sides of the joined map.
static constexpr int64_t kFusedSize = 16;

namespace {

class MobileNetBuilder {
public:
  /// `same`: windows are padded as TensorFlow does.
  MobileNetBuilder(TimmLayers &layers, bool same)
      : layers(layers), same(same) {}

  /// The joined map, or the last stage's where the file joins none.
  Value build(Value image);

private:
  bool has(const std::string &layer) const {
    return layers.contains(layer + ".weight");
  }
  Value norm(Value map, const std::string &layer);
  Value convNorm(Value map, const std::string &conv, const std::string &norm,
                 bool activates, int64_t stride = 1);
  /// LAYER.conv and LAYER.bn; the map itself where the file has neither.
  Value optionalConv(Value map, const std::string &layer, bool activates,
                     int64_t stride);
  Value edgeResidual(Value map, const std::string &block, int64_t stride);
  Value invertedResidual(Value map, const std::string &block, int64_t stride);
  /// Keys or values [B, 1, N, D], of a map of half the size where the file has
  /// a convolution for it.
  Value shared(Value map, const std::string &layer);
  Value attention(Value map, const std::string &block);
  /// A block of any kind; none where the file has no more.
  std::optional<Value> buildBlock(Value map, const std::string &block,
                                  int64_t stride);
  /// The mean of each part of a map that it has this many of.
  Value poolTo(Value map, std::array<int64_t, 2> size);
  Value fuse(Value larger, Value smaller);

  TimmLayers &layers;
  bool same;
};

} // namespace

Value MobileNetBuilder::norm(Value map, const std::string &layer) {
  Value rows = layers.transpose(map, {0, 2, 3, 1}, layer);
  return layers.transpose(layers.rmsNorm(rows, layer, kNormEps), {0, 3, 1, 2},
                          layer);
}

Value MobileNetBuilder::convNorm(Value map, const std::string &conv,
                                 const std::string &norm, bool activates,
                                 int64_t stride) {
  map = layers.conv(map, conv, {stride, /*pad=*/std::nullopt, same});
  return layers.activate(this->norm(map, norm),
                         activates ? TimmActivation::GeluTanh
                                   : TimmActivation::None,
                         norm + ".act");
}

Value MobileNetBuilder::optionalConv(Value map, const std::string &layer,
                                     bool activates, int64_t stride) {
  if (!has(layer + ".conv"))
    return map;
  return convNorm(map, layer + ".conv", layer + ".bn", activates, stride);
}

Value MobileNetBuilder::edgeResidual(Value map, const std::string &block,
                                     int64_t stride) {
  map = convNorm(map, block + "conv_exp", block + "bn1", /*activates=*/true,
                 stride);
  return convNorm(map, block + "conv_pwl", block + "bn2", /*activates=*/false);
}

Value MobileNetBuilder::invertedResidual(Value map, const std::string &block,
                                         int64_t stride) {
  // The middle one of those that are there strides, else the first.
  std::string start = block + "dw_start", middle = block + "dw_mid";
  int64_t startStride = has(middle + ".conv") ? 1 : stride;
  int64_t endStride =
      has(middle + ".conv") || has(start + ".conv") ? 1 : stride;
  map = optionalConv(map, start, /*activates=*/false, startStride);
  map = convNorm(map, block + "pw_exp.conv", block + "pw_exp.bn",
                 /*activates=*/true);
  map = optionalConv(map, middle, /*activates=*/true, stride);
  map = convNorm(map, block + "pw_proj.conv", block + "pw_proj.bn",
                 /*activates=*/false);
  map = optionalConv(map, block + "dw_end", /*activates=*/false, endStride);
  return layers.scale(map, block + "layer_scale.gamma");
}

Value MobileNetBuilder::shared(Value map, const std::string &layer) {
  if (has(layer + ".down_conv"))
    map = convNorm(map, layer + ".down_conv", layer + ".norm",
                   /*activates=*/false, /*stride=*/2);
  Value rows = layers.linear(layers.toTokens(map, layer), layer + ".proj");
  return layers.splitHeads(rows, /*numHeads=*/1, layer);
}

Value MobileNetBuilder::attention(Value map, const std::string &block) {
  const std::string layer = block + "attn";
  Value normed = norm(map, block + "norm");
  Value rows = layers.linear(layers.toTokens(normed, layer + ".query"),
                             layer + ".query.proj");
  Value key = shared(normed, layer + ".key");
  Value value = shared(normed, layer + ".value");
  if (!rows || !key || !value)
    return {};
  int64_t width = TimmLayers::getSize(rows, 2),
          keyDim = TimmLayers::getSize(key, 3);
  if (width % keyDim != 0)
    return layers.fail() << "'" << layer << ".query.proj' has a width of "
                         << width << "; heads whose keys have " << keyDim
                         << " need a multiple of that";
  if (TimmLayers::getSize(key, 2) != TimmLayers::getSize(value, 2))
    return layers.fail() << "'" << layer << "' has "
                         << TimmLayers::getSize(key, 2) << " keys and "
                         << TimmLayers::getSize(value, 2)
                         << " values; it needs as many of both";
  Value query = layers.splitHeads(rows, width / keyDim, layer + ".query");
  Value merged = layers.linear(layers.attend(query, key, value, layer),
                               layer + ".output.proj");
  merged = layers.toMap(merged, TimmLayers::getHeight(map),
                        TimmLayers::getWidth(map), layer);
  return layers.scale(merged, block + "layer_scale.gamma");
}

std::optional<Value> MobileNetBuilder::buildBlock(Value map,
                                                  const std::string &block,
                                                  int64_t stride) {
  Value result;
  if (has(block + "conv_exp"))
    result = edgeResidual(map, block, stride);
  else if (has(block + "pw_exp.conv"))
    result = invertedResidual(map, block, stride);
  else if (has(block + "attn.query.proj"))
    result = attention(map, block);
  else
    return std::nullopt;
  return stride == 1 ? layers.add(map, result, block) : result;
}

Value MobileNetBuilder::poolTo(Value map, std::array<int64_t, 2> size) {
  const std::string layer = "msfa.pool";
  std::array<int64_t, 2> window = {TimmLayers::getHeight(map) / size[0],
                                   TimmLayers::getWidth(map) / size[1]};
  int64_t channels = TimmLayers::getSize(map, 1);
  Value parts = layers.partition(map, window, /*grid=*/false, layer);
  Value rows = layers.reshape(layers.meanTokens(parts, layer),
                              {size[0] * size[1], channels}, layer);
  return layers.toMap(rows, size[0], size[1], layer);
}

Value MobileNetBuilder::fuse(Value larger, Value smaller) {
  const std::string layer = "msfa";
  if (!larger || !smaller)
    return {};
  auto [height, width] = layers.arguments.getSizePair("msfa_output_resolution",
                                                      kFusedSize, kMaxPixels);
  std::array<int64_t, 2> size = {TimmLayers::getHeight(larger),
                                 TimmLayers::getWidth(larger)};
  if (size[0] % 2 != 0 || size[1] % 2 != 0)
    return layers.fail() << "the picture's size leaves '" << layer
                         << "' a map of " << size[0] << "x" << size[1]
                         << "; joining it with one of half the size needs "
                            "multiples of 2";
  smaller = layers.repeat(smaller, layer, /*factor=*/2);
  Value map = layers.concat({larger, smaller}, /*dim=*/1, layer);
  map = invertedResidual(map, layer + ".ffn.", /*stride=*/1);
  if (size[0] % height != 0 || size[1] % width != 0)
    map = layers.resize(map, layer + ".resize", height, width);
  else if (size[0] != height || size[1] != width)
    map = poolTo(map, {height, width});
  return norm(map, layer + ".norm");
}

Value MobileNetBuilder::build(Value image) {
  Value map = convNorm(image, "conv_stem.conv", "conv_stem.bn",
                       /*activates=*/true, /*stride=*/2);
  Value previous;
  for (int64_t stage = 0;; ++stage) {
    std::string prefix = "blocks." + std::to_string(stage) + ".";
    std::optional<Value> next = buildBlock(map, prefix + "0.", /*stride=*/2);
    if (!next)
      break;
    previous = map;
    for (int64_t i = 1; next; ++i) {
      map = *next;
      next = buildBlock(map, prefix + std::to_string(i) + ".", /*stride=*/1);
    }
  }
  if (!has("msfa.norm"))
    return map;
  if (!previous && map)
    return layers.fail() << "the weights lack 'blocks.0.0', the first block";
  return fuse(previous, map);
}

static Value buildEncoder(TimmLayers &layers, StringRef /*name*/,
                          StringRef /*pooling*/, Value image) {
  return MobileNetBuilder(layers, /*same=*/true).build(image);
}

static Value buildClassifier(TimmLayers &layers, StringRef /*name*/,
                             StringRef /*pooling*/, Value image) {
  Value map = MobileNetBuilder(layers, /*same=*/false).build(image);
  Value features = layers.mean(map, "global_pool");
  if (layers.contains("conv_head.weight")) {
    features = layers.linear(features, "conv_head");
    features = layers.rmsNorm(features, "norm_head", kNormEps);
    features =
        layers.activate(features, TimmActivation::GeluTanh, "norm_head.act");
  }
  return layers.classify(features, "classifier");
}

static constexpr StringLiteral kArguments[] = {"msfa_output_resolution"};
static constexpr StringLiteral kDecided[] = {"channel_multiplier", "group_size",
                                             "num_features", "stem_size",
                                             "use_msfa"};

const TimmFamily import_::kMobileNetV5Family = {getTimmNames<kClassifiers>,
                                                "conv_stem.conv.weight",
                                                "classifier.weight",
                                                kMeanPooling,
                                                kArguments,
                                                kDecided,
                                                buildClassifier};

const TimmFamily import_::kMobileNetV5EncoderFamily = {getTimmNames<kEncoders>,
                                                       "conv_stem.conv.weight",
                                                       "classifier.weight",
                                                       kMeanPooling,
                                                       kArguments,
                                                       kDecided,
                                                       buildEncoder};
