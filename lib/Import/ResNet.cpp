//===- ResNet.cpp - The backbone of detectors -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResNet.h"

#include "ConvLayers.h"
#include "LayerActivations.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr double kNormEps = 1e-5;
/// How many times fewer channels the middle of a bottleneck has.
static constexpr int64_t kReduction = 4;

int64_t ResNetSpec::getMapSize(int64_t pixels) const {
  // The stem halves twice; all round up.
  size_t halvings = 2 + depths.size() - (halveFirst ? 0 : 1);
  for (size_t i = 0; i < halvings; ++i)
    pixels = (pixels + 1) / 2;
  return pixels;
}

namespace {

/// The names of a convolution and of its norm.
struct ConvNames {
  std::string conv, norm;
};

class ResNetBuilder {
public:
  ResNetBuilder(const ResNetSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), isTimm(spec.names == ResNetNames::Timm) {}
  Value build(Value image);

private:
  ConvNames getStem() const;
  std::string getBlock(size_t stage, int64_t index) const;
  /// Those of convolution `index` of a block.
  ConvNames getConv(const std::string &block, int64_t index) const;
  ConvNames getShortcut(const std::string &block) const;

  Value convolve(Value map, const ConvNames &names, int64_t channels,
                 int64_t kernel, int64_t stride);
  Value relu(Value map, const ConvNames &names) {
    return buildRelu(layers, map, names.norm + ".act");
  }
  Value buildBlock(Value map, const std::string &block, int64_t channels,
                   int64_t stride);

  const ResNetSpec &spec;
  LayerBuilder &layers;
  bool isTimm;
};

} // namespace

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

ConvNames ResNetBuilder::getStem() const {
  if (isTimm)
    return {spec.prefix + "conv1", spec.prefix + "bn1"};
  std::string stem = spec.prefix + "embedder.embedder.";
  return {stem + "convolution", stem + "normalization"};
}

std::string ResNetBuilder::getBlock(size_t stage, int64_t index) const {
  if (isTimm)
    return (spec.prefix + "layer" + Twine(stage + 1) + "." + Twine(index) + ".")
        .str();
  return (spec.prefix + "encoder.stages." + Twine(stage) + ".layers." +
          Twine(index) + ".")
      .str();
}

ConvNames ResNetBuilder::getConv(const std::string &block,
                                 int64_t index) const {
  if (isTimm)
    return {(block + "conv" + Twine(index + 1)).str(),
            (block + "bn" + Twine(index + 1)).str()};
  std::string layer = (block + "layer." + Twine(index) + ".").str();
  return {layer + "convolution", layer + "normalization"};
}

ConvNames ResNetBuilder::getShortcut(const std::string &block) const {
  if (isTimm)
    return {block + "downsample.0", block + "downsample.1"};
  return {block + "shortcut.convolution", block + "shortcut.normalization"};
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Value ResNetBuilder::convolve(Value map, const ConvNames &names,
                              int64_t channels, int64_t kernel,
                              int64_t stride) {
  const char *because = "the ResNet of this configuration";
  map = buildConv(layers, map, names.conv,
                  {channels, kernel, stride, /*pad=*/kernel / 2, /*groups=*/1,
                   /*bias=*/false},
                  because);
  return buildBatchNorm(layers, map, names.norm, kNormEps, because);
}

Value ResNetBuilder::buildBlock(Value map, const std::string &block,
                                int64_t channels, int64_t stride) {
  Value shortcut = map;
  if (stride != 1 || getShape(map)[1] != channels)
    shortcut =
        convolve(map, getShortcut(block), channels, /*kernel=*/1, stride);
  int64_t count = spec.bottleneck ? 3 : 2;
  int64_t strided = spec.bottleneck && !spec.strideFirst ? 1 : 0;
  for (int64_t i = 0; i < count; ++i) {
    bool last = i + 1 == count;
    bool pointwise = spec.bottleneck && i != 1;
    ConvNames names = getConv(block, i);
    map = convolve(map, names,
                   spec.bottleneck && !last ? channels / kReduction : channels,
                   pointwise ? 1 : 3, i == strided ? stride : 1);
    if (!last)
      map = relu(map, names);
  }
  map = layers.add(map, shortcut, block + "add");
  return buildRelu(layers, map, block + "activation");
}

Value ResNetBuilder::build(Value image) {
  ConvNames stem = getStem();
  Value map =
      relu(convolve(image, stem, spec.stemChannels, /*kernel=*/7, /*stride=*/2),
           stem);
  map = buildMaxPool(layers, map, /*kernel=*/3, /*stride=*/2, {1, 1, 1, 1},
                     -std::numeric_limits<double>::infinity(),
                     spec.prefix + "pooler");
  for (auto [stage, depth] : llvm::enumerate(spec.depths))
    for (int64_t index = 0; index < depth; ++index) {
      bool halves = index == 0 && (stage > 0 || spec.halveFirst);
      map = buildBlock(map, getBlock(stage, index), spec.channels[stage],
                       halves ? 2 : 1);
    }
  return map;
}

Value import_::buildResNet(const ResNetSpec &spec, LayerBuilder &layers,
                           Value image) {
  return ResNetBuilder(spec, layers).build(image);
}
