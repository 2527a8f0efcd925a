//===- EfficientFormer.cpp - EfficientFormer of timm ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pools for mixers in all stages; at the end of the last one attention with a
// bias for each distance. Source: Li et al. 2022 (EfficientFormer), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kEfficientFormers[] = {
    {"efficientformer_l1"}, {"efficientformer_l3"}, {"efficientformer_l7"}};

static constexpr double kNormEps = 1e-5;
static constexpr int64_t kPoolSize = 3;

/// Each place's window's mean without itself, and a MLP of convolutions.
static Value poolBlock(TimmLayers &layers, Value map,
                       const std::string &block) {
  std::string mixer = block + "token_mixer", mlp = block + "mlp.";
  Value pooled = layers.averagePool(map, mixer, kPoolSize, {});
  Value branch = layers.subtract(pooled, map, mixer);
  map = layers.add(map, layers.scale(branch, block + "ls1.gamma"), mixer);
  branch =
      layers.convNorm(map, mlp + "fc1", mlp + "norm1", TimmActivation::Gelu);
  branch = layers.convNorm(branch, mlp + "fc2", mlp + "norm2");
  return layers.add(map, layers.scale(branch, block + "ls2.gamma"),
                    block + "mlp");
}

/// Attention between the places of a map.
static Value attention(TimmLayers &layers, Value tokens, Value bias,
                       const std::string &layer) {
  auto projection = layers.getProjectionShape(layer + ".proj.weight");
  if (!tokens || !bias || !projection)
    return {};
  int64_t numHeads = TimmLayers::getSize(bias, 1);
  Value rows = layers.linear(tokens, layer + ".qkv");
  int64_t valueDim = projection->second / numHeads;
  int64_t keyDim = (TimmLayers::getSize(rows, 2) / numHeads - valueDim) / 2;
  auto parts = layers.splitByHead(rows, numHeads, {keyDim, keyDim, valueDim},
                                  layer + ".qkv");
  Value merged = layers.attend(parts[0], parts[1], parts[2], layer, bias);
  return layers.linear(merged, layer + ".proj");
}

/// The blocks from `first` on, of tokens.
static Value attentionBlocks(TimmLayers &layers, Value map,
                             const std::string &blocks, int64_t first) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value tokens = layers.toTokens(map, blocks);
  for (int64_t i = first;; ++i) {
    std::string block = blocks + std::to_string(i) + ".";
    if (!layers.contains(block + "norm1.weight"))
      return layers.toMap(tokens, height, width, blocks);
    std::string mixer = block + "token_mixer";
    Value bias =
        layers.distanceBias(mixer + ".attention_biases", height, width);
    Value branch = layers.layerNorm(tokens, block + "norm1", kNormEps);
    branch = attention(layers, branch, bias, mixer);
    tokens =
        layers.add(tokens, layers.scale(branch, block + "ls1.gamma"), mixer);
    branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
    branch = layers.mlp(branch, block + "mlp");
    tokens = layers.add(tokens, layers.scale(branch, block + "ls2.gamma"),
                        block + "mlp");
  }
}

static Value buildStage(TimmLayers &layers, Value map,
                        const std::string &stage) {
  std::string downsample = stage + "downsample.", blocks = stage + "blocks.";
  if (layers.contains(downsample + "conv.weight"))
    map = layers.convNorm(map, downsample + "conv", downsample + "norm",
                          TimmActivation::None, {/*stride=*/2});
  int64_t numPools = layers.count(blocks, ".mlp.norm1.weight");
  for (int64_t i = 0; i < numPools; ++i)
    map = poolBlock(layers, map, blocks + std::to_string(i) + ".");
  // What makes tokens of the map has a number, too.
  return attentionBlocks(layers, map, blocks, numPools + 1);
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  Value map = image;
  for (const char *number : {"1", "2"})
    map = layers.convNorm(map, Twine("stem.conv") + number,
                          Twine("stem.norm") + number, TimmActivation::Relu,
                          {/*stride=*/2});
  for (int64_t i = 0;; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (!layers.contains(stage + "blocks.0.mlp.norm1.weight") &&
        !layers.contains(stage + "blocks.1.norm1.weight"))
      break;
    map = buildStage(layers, map, stage);
  }
  Value tokens =
      layers.layerNorm(layers.toTokens(map, "norm"), "norm", kNormEps);
  return layers.classifyDistilled(layers.meanTokens(tokens, "head"), "head",
                                  "head_dist");
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {"downsamples", "embed_dims",
                                             "layer_scale_init_value",
                                             "mlp_ratios", "num_vit"};

const TimmFamily import_::kEfficientFormerFamily = {
    getTimmNames<kEfficientFormers>,
    "stem.conv1.weight",
    "head.weight",
    kMeanPooling,
    kArguments,
    kDecided,
    build};
