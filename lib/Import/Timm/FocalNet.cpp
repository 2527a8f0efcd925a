//===- FocalNet.cpp - FocalNets of timm -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In attention's place each query is multiplied with its surroundings, which
// depthwise convolutions of growing reach gather and gates weigh.
// Source: Yang et al. 2022 (Focal Modulation Networks), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct FocalNet {
  llvm::StringLiteral name;
  /// The filters between stages overlap.
  bool overlaps = false;
};
} // namespace

static constexpr FocalNet kFocalNets[] = {
    {"focalnet_base_lrf"},
    {"focalnet_base_srf"},
    {"focalnet_huge_fl3", /*overlaps=*/true},
    {"focalnet_huge_fl4", /*overlaps=*/true},
    {"focalnet_large_fl3", /*overlaps=*/true},
    {"focalnet_large_fl4", /*overlaps=*/true},
    {"focalnet_small_lrf"},
    {"focalnet_small_srf"},
    {"focalnet_tiny_lrf"},
    {"focalnet_tiny_srf"},
    {"focalnet_xlarge_fl3", /*overlaps=*/true},
    {"focalnet_xlarge_fl4", /*overlaps=*/true},
};

static constexpr double kNormEps = 1e-5;

/// A norm that the file may lack.
static Value norm(TimmLayers &layers, Value map, const std::string &layer) {
  return layers.contains(layer + ".weight")
             ? layers.mapNorm(map, layer, kNormEps)
             : map;
}

static Value modulation(TimmLayers &layers, Value map,
                        const std::string &layer) {
  int64_t channels = TimmLayers::getSize(map, 1);
  int64_t numLevels = layers.count(layer + ".focal_layers.", ".0.weight");
  Value parts = layers.conv(map, layer + ".f");
  if (parts && TimmLayers::getSize(parts, 1) != 2 * channels + numLevels + 1)
    return layers.fail() << "'" << layer << ".f' gives "
                         << TimmLayers::getSize(parts, 1)
                         << " channels; a query and a context of " << channels
                         << " and gates of " << numLevels
                         << " levels and the mean need "
                         << 2 * channels + numLevels + 1;
  Value query = layers.slice(parts, 1, 0, channels, layer);
  Value context = layers.slice(parts, 1, channels, channels, layer);
  auto gate = [&](Value context, int64_t level) {
    return layers.multiply(
        layers.slice(parts, 1, 2 * channels + level, 1, layer), context,
        layer + ".gates");
  };
  Value all;
  for (int64_t i = 0; i < numLevels; ++i) {
    std::string focal = layer + ".focal_layers." + std::to_string(i);
    context = layers.activate(layers.conv(context, focal + ".0"),
                              TimmActivation::Gelu, focal + ".1");
    Value gated = gate(context, i);
    all = i == 0 ? gated : layers.add(all, gated, layer);
  }
  Value mean = layers.activate(layers.mean(context, layer),
                               TimmActivation::Gelu, layer + ".act");
  mean = gate(layers.reshape(mean, {channels, 1, 1}, layer), numLevels);
  all = numLevels > 0 ? layers.add(all, mean, layer) : mean;
  Value result = layers.multiply(query, layers.conv(all, layer + ".h"), layer);
  return layers.conv(norm(layers, result, layer + ".norm"), layer + ".proj");
}

static Value buildBlock(TimmLayers &layers, Value map,
                        const std::string &block) {
  Value branch = modulation(layers, norm(layers, map, block + "norm1"),
                            block + "modulation");
  branch = layers.scale(norm(layers, branch, block + "norm1_post"),
                        block + "ls1.gamma");
  map = layers.add(map, branch, block + "modulation");
  branch = layers.conv(norm(layers, map, block + "norm2"), block + "mlp.fc1");
  branch = layers.activate(branch, TimmActivation::Gelu, block + "mlp.act");
  branch = layers.conv(branch, block + "mlp.fc2");
  branch = layers.scale(norm(layers, branch, block + "norm2_post"),
                        block + "ls2.gamma");
  return layers.add(map, branch, block + "mlp");
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  bool overlaps = getTimmEntry(kFocalNets, name).overlaps;
  auto downsample = [&](Value map, const std::string &layer, int64_t stride) {
    map = layers.conv(map, layer + ".proj",
                      {stride, /*pad=*/overlaps ? stride / 2 : 0});
    return layers.mapNorm(map, layer + ".norm", kNormEps);
  };
  Value map = downsample(image, "stem", 4);
  int64_t numStages = layers.count("layers.", ".blocks.0.modulation.f.weight");
  for (int64_t i = 0; i < numStages; ++i) {
    std::string stage = "layers." + std::to_string(i) + ".";
    if (i > 0)
      map = downsample(map, stage + "downsample", 2);
    int64_t depth = layers.count(stage + "blocks.", ".modulation.f.weight");
    for (int64_t j = 0; j < depth; ++j)
      map =
          buildBlock(layers, map, stage + "blocks." + std::to_string(j) + ".");
  }
  map = layers.mapNorm(map, "norm", kNormEps);
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kDecided[] = {
    "focal_levels", "focal_windows", "layerscale_value", "use_post_norm",
    "use_post_norm_in_modulation"};

const TimmFamily import_::kFocalNetFamily = {getTimmNames<kFocalNets>,
                                             "stem.proj.weight",
                                             "head.fc.weight",
                                             kMeanPooling,
                                             /*arguments=*/{},
                                             kDecided,
                                             build};
