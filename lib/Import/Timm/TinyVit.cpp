//===- TinyVit.cpp - TinyViT of timm -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stage of inverted bottlenecks, then stages of attention in windows with a
// bias for each distance, and a depthwise convolution before the MLP.
// Source: Wu et al. 2022 (TinyViT), section 3.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kTinyVits[] = {
    {"tiny_vit_5m_224"},  {"tiny_vit_11m_224"}, {"tiny_vit_21m_224"},
    {"tiny_vit_21m_384"}, {"tiny_vit_21m_512"},
};

static constexpr double kNormEps = 1e-5;

/// LAYER conv1, conv2 and conv3, a GELU behind the first two.
static Value convolve(TimmLayers &layers, Value map, const std::string &layer,
                      int64_t stride) {
  map = layers.convNorm(map, layer + "conv1", TimmActivation::Gelu);
  map = layers.convNorm(map, layer + "conv2", TimmActivation::Gelu, stride);
  return layers.convNorm(map, layer + "conv3");
}

/// Attention in windows, whose side the number of distances tells.
static Value attention(TimmLayers &layers, Value map,
                       const std::string &layer) {
  const std::string biases = layer + "attention_biases";
  std::optional<int64_t> windowSide = layers.getDistanceSide(biases);
  if (!map || !windowSide)
    return {};
  int64_t side = *windowSide;
  Value bias = layers.distanceBias(biases, side, side);
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  int64_t headDim = TimmLayers::getSize(map, 1) / numHeads;
  return layers.inWindows(map, side, layer, [&](Value tokens) {
    tokens = layers.layerNorm(tokens, layer + "norm", kNormEps);
    auto parts =
        layers.splitByHead(layers.linear(tokens, layer + "qkv"), numHeads,
                           {headDim, headDim, headDim}, layer);
    tokens = layers.attend(parts[0], parts[1], parts[2], layer, bias);
    return layers.linear(tokens, layer + "proj");
  });
}

static Value buildBlock(TimmLayers &layers, Value map,
                        const std::string &block) {
  Value branch = attention(layers, map, block + "attn.");
  map = layers.add(map, branch, block + "attn");
  map = layers.convNorm(map, block + "local_conv");
  Value tokens = layers.toTokens(map, block + "mlp");
  branch = layers.layerNorm(tokens, block + "mlp.norm", kNormEps);
  branch = layers.mlp(branch, block + "mlp");
  tokens = layers.add(tokens, branch, block + "mlp");
  return layers.toMap(tokens, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), block + "mlp");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = layers.convNorm(image, "patch_embed.conv1", TimmActivation::Gelu,
                              /*stride=*/2);
  map = layers.convNorm(map, "patch_embed.conv2", TimmActivation::None,
                        /*stride=*/2);
  int64_t depth = layers.count("stages.0.blocks.", ".conv1.conv.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = "stages.0.blocks." + std::to_string(i) + ".";
    map = layers.add(map, convolve(layers, map, block, /*stride=*/1), block);
    map = layers.activate(map, TimmActivation::Gelu, block + "act3");
  }
  auto stageOf = [](int64_t stage) {
    return "stages." + std::to_string(stage) + ".";
  };
  for (int64_t i = 1;
       layers.contains(stageOf(i) + "downsample.conv1.conv.weight"); ++i) {
    std::string stage = stageOf(i), blocks = stage + "blocks.";
    map = convolve(layers, map, stage + "downsample.", /*stride=*/2);
    int64_t depth = layers.count(blocks, ".attn.norm.weight");
    for (int64_t j = 0; j < depth; ++j)
      map = buildBlock(layers, map, blocks + std::to_string(j) + ".");
  }
  return layers.normMlpHead(map, "head", kNormEps);
}

static constexpr StringLiteral kDecided[] = {
    "depths",      "embed_dims",          "local_conv_size",
    "mlp_ratio",   "mbconv_expand_ratio", "num_heads",
    "window_sizes"};

const TimmFamily import_::kTinyVitFamily = {getTimmNames<kTinyVits>,
                                            "patch_embed.conv1.conv.weight",
                                            "head.fc.weight",
                                            kMeanPooling,
                                            /*arguments=*/{},
                                            kDecided,
                                            build};
