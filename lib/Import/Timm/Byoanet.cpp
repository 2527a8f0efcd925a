//===- Byoanet.cpp - ResNets with attention of timm -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// BoTNet, HaloNet, LambdaNet and mixtures of them: bottlenecks whose middle is
// a convolution or attention.
//
//===----------------------------------------------------------------------===//

#include "ByoAttention.h"
#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct Byoanet {
  llvm::StringLiteral name;
  TimmActivation activation = TimmActivation::Silu;
  /// Behind the stem's convolutions; else the last of them has a stride.
  bool maxPool = true;
  /// Of halo attention.
  int64_t blockSize = 8;
};
} // namespace

static constexpr Byoanet kByoanets[] = {
    {"botnet26t_256", TimmActivation::Relu},
    {"botnet50ts_256"},
    {"eca_botnext26ts_256"},
    {"eca_halonext26ts"},
    {"halo2botnet50ts_256", TimmActivation::Silu, /*maxPool=*/false},
    {"halonet26t", TimmActivation::Relu},
    {"halonet50ts"},
    {"halonet_h1", TimmActivation::Relu},
    {"lambda_resnet26rpt_256", TimmActivation::Relu},
    {"lambda_resnet26t", TimmActivation::Relu},
    {"lambda_resnet50ts"},
    {"lamhalobotnet50ts_256", TimmActivation::Silu, /*maxPool=*/false},
    {"sebotnet33ts_256", TimmActivation::Silu, /*maxPool=*/false},
    {"sehalonet33ts", TimmActivation::Silu, /*maxPool=*/false},
};

/// Of RegNetZ: a stem of one convolution, blocks that end without activation.
static constexpr Byoanet kByoRegnets[] = {
    {"haloregnetz_b", TimmActivation::Silu, /*maxPool=*/false,
     /*blockSize=*/7},
};

namespace {

class ByoanetBuilder {
public:
  ByoanetBuilder(TimmLayers &layers, const Byoanet &entry, bool isRegnet)
      : layers(layers), entry(entry), isRegnet(isRegnet) {}
  Value build(Value image);

private:
  Value convNorm(Value map, const std::string &layer, bool activates = true,
                 int64_t stride = 1) {
    return layers.convNorm(map, layer,
                           activates ? entry.activation : TimmActivation::None,
                           stride);
  }
  Value buildStem(Value image);
  /// Each channel times a gate, by LAYER.conv of the channels' means or by
  /// squeeze and excitation; the map itself where the file has neither.
  Value gateChannels(Value map, const std::string &layer);
  /// The result of a block's layers plus the block's map.
  Value addShortcut(Value result, Value map, const std::string &block,
                    int64_t stride);
  Value buildBlock(Value map, const std::string &block, int64_t stride);

  TimmLayers &layers;
  const Byoanet &entry;
  bool isRegnet;
};

} // namespace

Value ByoanetBuilder::buildStem(Value image) {
  if (isRegnet)
    return convNorm(image, "stem", /*activates=*/true, /*stride=*/2);
  int64_t depth = 1;
  while (
      layers.contains("stem.conv" + std::to_string(depth + 1) + ".conv.weight"))
    ++depth;
  Value map = image;
  for (int64_t i = 1; i <= depth; ++i) {
    bool halves = i == 1 || (i == depth && !entry.maxPool);
    map = convNorm(map, "stem.conv" + std::to_string(i), /*activates=*/true,
                   halves ? 2 : 1);
  }
  return entry.maxPool
             ? layers.maxPool(map, "stem.pool", /*kernel=*/3, {/*stride=*/2})
             : map;
}

Value ByoanetBuilder::gateChannels(Value map, const std::string &layer) {
  if (layers.contains(layer + ".fc1.weight"))
    return layers.squeezeExcite(map, layer, TimmActivation::Relu);
  std::string name = layer + ".conv.weight";
  if (!map || !layers.contains(name))
    return map;
  auto shape = layers.getWeightShape(name, 3);
  if (!shape)
    return {};
  onnx::TensorBuilder &b = layers.b;
  int64_t channels = TimmLayers::getSize(map, 1), width = (*shape)[2];
  if (width % 2 == 0)
    return layers.fail() << "tensor '" << name << "' has shape [1, 1, " << width
                         << "]; a window of channels needs an odd number";
  Value means =
      layers.reshape(layers.mean(map, layer), {1, 1, channels}, layer);
  Value filter =
      b.reshape(layers.parameter(name, {1, 1, width}), {1, 1, 1, width});
  Value gates = vit::Conv2dOp::create(
      b, means, filter, /*bias=*/Value(), /*residual=*/Value(),
      ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{0, width / 2, 0, width / 2},
      /*dilation=*/ArrayRef<int64_t>{1, 1}, /*groups=*/1);
  gates = layers.sigmoid(layers.reshape(gates, {channels, 1, 1}, layer),
                         layer + ".gate");
  return layers.multiply(map, gates, layer);
}

Value ByoanetBuilder::addShortcut(Value result, Value map,
                                  const std::string &block, int64_t stride) {
  if (!result || !map)
    return {};
  std::string layer = block + "shortcut";
  if (layers.contains(layer + ".conv.weight"))
    map = convNorm(map, layer, /*activates=*/false, stride);
  else if (isRegnet && map.getType() != result.getType())
    return result;
  return layers.add(result, map, block);
}

Value ByoanetBuilder::buildBlock(Value map, const std::string &block,
                                 int64_t stride) {
  Value result = convNorm(map, block + "conv1_1x1");
  if (layers.contains(block + "conv2_kxk.conv.weight")) {
    result = convNorm(result, block + "conv2_kxk", /*activates=*/true, stride);
    result = gateChannels(result, block + "attn");
  } else {
    result = buildByoAttention(layers, result, block + "self_attn", stride,
                               entry.blockSize);
    result = layers.activate(layers.batchNorm(result, block + "post_attn"),
                             entry.activation, block + "post_attn.act");
  }
  result = convNorm(result, block + "conv3_1x1", /*activates=*/false);
  result = addShortcut(result, map, block, stride);
  return isRegnet ? result
                  : layers.activate(result, entry.activation, block + "act");
}

Value ByoanetBuilder::build(Value image) {
  Value map = buildStem(image);
  int64_t numStages = layers.count("stages.", ".0.conv1_1x1.conv.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    int64_t depth = layers.count(stage, ".conv1_1x1.conv.weight");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBlock(map, stage + std::to_string(j) + ".",
                       j == 0 && (i > 0 || isRegnet) ? 2 : 1);
  }
  if (layers.contains("final_conv.conv.weight"))
    map = convNorm(map, "final_conv");
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static Value buildByoanet(TimmLayers &layers, StringRef name,
                          StringRef /*pooling*/, Value image) {
  return ByoanetBuilder(layers, getTimmEntry(kByoanets, name),
                        /*isRegnet=*/false)
      .build(image);
}

static Value buildByoRegnet(TimmLayers &layers, StringRef name,
                            StringRef /*pooling*/, Value image) {
  return ByoanetBuilder(layers, getTimmEntry(kByoRegnets, name),
                        /*isRegnet=*/true)
      .build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {"width_factor"};

const TimmFamily import_::kByoanetFamily = {getTimmNames<kByoanets>,
                                            "stem.conv1.conv.weight",
                                            "head.fc.weight",
                                            kMeanPooling,
                                            kArguments,
                                            kDecided,
                                            buildByoanet};

const TimmFamily import_::kByoRegnetFamily = {getTimmNames<kByoRegnets>,
                                              "stem.conv.weight",
                                              "head.fc.weight",
                                              kMeanPooling,
                                              kArguments,
                                              kDecided,
                                              buildByoRegnet};
