//===- Iformer.cpp - iFormer of timm --------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Depthwise convolutions with MLPs; in the later stages attention with one
// head, whose values are gated. Source: Zheng 2025 (iFormer), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kIformers[] = {{"iformer_h"},
                                         {"iformer_l"},
                                         {"iformer_l2"},
                                         {"iformer_l2_distilled"},
                                         {"iformer_l_distilled"},
                                         {"iformer_m"},
                                         {"iformer_m_distilled"},
                                         {"iformer_s"},
                                         {"iformer_t"}};

static Value convNorm(TimmLayers &layers, Value map, const std::string &layer,
                      TimmActivation activation = TimmActivation::None,
                      int64_t stride = 1) {
  return layers.convNorm(map, layer, activation, stride, "c");
}

/// LAYER.v_gate has values and their gates, both behind a sigmoid.
static Value attention(TimmLayers &layers, Value map,
                       const std::string &layer) {
  auto split = [&](Value part) {
    return layers.splitHeads(layers.toTokens(part, layer), /*numHeads=*/1,
                             layer);
  };
  Value gated = layers.sigmoid(convNorm(layers, map, layer + ".v_gate"),
                               layer + ".gate_act");
  int64_t width = TimmLayers::getSize(gated, 1) / 2;
  if (gated && TimmLayers::getSize(gated, 1) != 2 * width)
    return layers.fail() << "'" << layer << ".v_gate' has a width of "
                         << TimmLayers::getSize(gated, 1)
                         << "; values and gates need as much each";
  Value values = layers.slice(gated, 1, 0, width, layer);
  Value gate = layers.slice(gated, 1, width, width, layer);
  Value attended = layers.attend(split(convNorm(layers, map, layer + ".q")),
                                 split(convNorm(layers, map, layer + ".k")),
                                 split(values), layer);
  attended = layers.toMap(attended, TimmLayers::getHeight(map),
                          TimmLayers::getWidth(map), layer);
  return convNorm(layers, layers.multiply(attended, gate, layer),
                  layer + ".proj");
}

/// A MLP of convolutions, before which there may be a depthwise one.
static Value convolve(TimmLayers &layers, Value map, const std::string &layer) {
  int64_t first = layers.contains(layer + ".3.c.weight") ? 1 : 0;
  if (first > 0)
    map = convNorm(layers, map, layer + ".0");
  map = convNorm(layers, map, layer + "." + std::to_string(first),
                 TimmActivation::Gelu);
  return convNorm(layers, map, layer + "." + std::to_string(first + 2));
}

static Value buildBlock(TimmLayers &layers, Value map,
                        const std::string &block) {
  std::string positions = block + "cpe.module", mixer = block + "mixer.module";
  if (layers.contains(positions + ".c.weight"))
    return layers.add(map, convNorm(layers, map, positions), positions);
  Value branch = layers.contains(mixer + ".q.c.weight")
                     ? attention(layers, map, mixer)
                     : convolve(layers, map, mixer);
  return layers.add(map, layers.scale(branch, block + "mixer.gamma"), mixer);
}

/// A batch norm and a linear layer, where the file has them.
static Value classify(TimmLayers &layers, Value features,
                      const std::string &head) {
  if (!layers.contains(head + ".l.weight"))
    return features;
  return layers.linear(layers.batchNorm(features, head + ".bn"), head + ".l");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = image;
  for (const char *layer : {"stem.conv1", "stem.conv2"})
    map = convNorm(layers, map, layer, TimmActivation::Gelu, /*stride=*/2);
  map = convNorm(layers, map, "stem.conv3");
  auto isBlock = [&](const std::string &block) {
    return layers.contains(block + "mixer.module.0.c.weight") ||
           layers.contains(block + "mixer.module.q.c.weight") ||
           layers.contains(block + "cpe.module.c.weight");
  };
  auto getBlock = [](const std::string &stage, int64_t block) {
    return stage + "blocks." + std::to_string(block) + ".";
  };
  for (int64_t i = 0;; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (!isBlock(getBlock(stage, 0)))
      break;
    if (layers.contains(stage + "downsample.c.weight"))
      map = convNorm(layers, map, stage + "downsample", TimmActivation::None,
                     /*stride=*/2);
    for (int64_t j = 0; isBlock(getBlock(stage, j)); ++j)
      map = buildBlock(layers, map, getBlock(stage, j));
  }
  Value features = layers.mean(map, "head");
  Value logits = classify(layers, features, "head.head");
  if (!layers.contains("head.head_dist.l.weight"))
    return logits;
  return layers.average(logits, classify(layers, features, "head.head_dist"),
                        "head.head_dist");
}

static constexpr StringLiteral kDecided[] = {
    "attn_groups", "attn_head_dim_reduction",
    "attn_ratio",  "conv_ratio",
    "dims",        "distillation",
    "ffn_ratio",   "layer_scale_init_value"};

const TimmFamily import_::kIformerFamily = {getTimmNames<kIformers>,
                                            "stem.conv1.c.weight",
                                            "head.head.l.weight",
                                            kMeanPooling,
                                            /*arguments=*/{},
                                            kDecided,
                                            build};
