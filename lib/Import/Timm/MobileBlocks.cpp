//===- MobileBlocks.cpp - Inverted bottlenecks of timm --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MobileBlocks.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct MobilePart {
  llvm::StringLiteral name;
  bool strides, activates;
};
} // namespace

/// In the order in which any of them is in a block.
static constexpr MobilePart kParts[] = {
    {"inverted_conv", /*strides=*/false, /*activates=*/true},
    {"depth_conv", /*strides=*/true, /*activates=*/true},
    {"spatial_conv", /*strides=*/true, /*activates=*/true},
    {"conv1", /*strides=*/true, /*activates=*/true},
    {"point_conv", /*strides=*/false, /*activates=*/false},
    {"conv2", /*strides=*/false, /*activates=*/false}};

Value import_::buildMobileConv(TimmLayers &layers, Value map,
                               const std::string &layer,
                               const MobileStyle &style,
                               TimmActivation activation, int64_t stride) {
  bool hasNorm = layers.contains(layer + ".norm.weight");
  std::optional<bool> bias;
  if (style.normOrBias)
    bias = !hasNorm;
  std::string filter = layer + ".conv";
  if (layers.contains(filter + ".1.weight")) {
    filter += ".1";
    map = layers.padBefore(map, /*rows=*/1, /*columns=*/1, layer);
  }
  auto shape = layers.getWeightShape(filter + ".weight", 4);
  if (!map || !shape)
    return {};
  TimmSteps steps = {stride};
  if ((*shape)[2] == 2)
    steps.pad = 0;
  map = layers.conv(map, filter, steps, bias);
  if (hasNorm)
    map = layers.batchNorm(map, layer + ".norm", style.normEps);
  return layers.activate(map, activation, layer + ".act");
}

static bool hasPart(const TimmLayers &layers, const std::string &layer) {
  return layers.contains(layer + ".conv.weight") ||
         layers.contains(layer + ".conv.1.weight");
}

bool import_::isMobileBlock(const TimmLayers &layers,
                            const std::string &block) {
  return llvm::any_of(kParts, [&](const MobilePart &part) {
    return hasPart(layers, block + "." + part.name.str());
  });
}

Value import_::buildMobileBlock(TimmLayers &layers, Value map,
                                const std::string &block,
                                const MobileStyle &style, int64_t stride) {
  if (!isMobileBlock(layers, block))
    return layers.fail() << "the weights lack '" << block
                         << "', a block of convolutions";
  for (const MobilePart &part : kParts) {
    std::string layer = block + "." + part.name.str();
    if (hasPart(layers, layer))
      map = buildMobileConv(layers, map, layer, style,
                            part.activates ? style.activation
                                           : TimmActivation::None,
                            part.strides ? stride : 1);
  }
  return map;
}

Value import_::addMobileBlock(TimmLayers &layers, Value map,
                              const std::string &block,
                              const MobileStyle &style) {
  return layers.add(map, buildMobileBlock(layers, map, block, style), block);
}
