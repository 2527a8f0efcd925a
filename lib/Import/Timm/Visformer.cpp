//===- Visformer.cpp - Vision-friendly transformers of timm ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks on maps whose linear layers are convolutions of 1x1: grouped ones of
// 3x3 in the first stage, attention in the others.
// Source: Chen et al. 2021 (Visformer), section 3.3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct VisformerEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
};
} // namespace

static constexpr VisformerEntry kVisformers[] = {{"visformer_small", 6},
                                                 {"visformer_tiny", 3}};

static Value attention(TimmLayers &layers, Value map, const std::string &layer,
                       int64_t numHeads) {
  Value tokens =
      layers.selfAttention(layers.toTokens(map, layer), layer, numHeads);
  return layers.toMap(tokens, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), layer);
}

/// conv1, conv2 where the stage has one, and conv3, a GELU between them.
static Value convolve(TimmLayers &layers, Value map, const std::string &layer) {
  auto activate = [&](Value input, const char *name) {
    return layers.activate(input, TimmActivation::Gelu, layer + name);
  };
  map = activate(layers.conv(map, layer + "conv1"), "act1");
  if (layers.contains(layer + "conv2.weight"))
    map = activate(layers.conv(map, layer + "conv2"), "act2");
  return layers.conv(map, layer + "conv3");
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        int64_t numHeads) {
  int64_t depth = layers.count(stage, ".norm2.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + std::to_string(i) + ".";
    if (layers.contains(block + "attn.qkv.weight")) {
      Value normed = layers.batchNorm(map, block + "norm1");
      map = layers.add(map, attention(layers, normed, block + "attn", numHeads),
                       block + "attn");
    }
    Value normed = layers.batchNorm(map, block + "norm2");
    map = layers.add(map, convolve(layers, normed, block + "mlp."),
                     block + "mlp");
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kVisformers, name).numHeads, kMaxWidth);
  Value map = layers.conv(image, "stem.0", {/*stride=*/2}, /*bias=*/false);
  map = layers.activate(layers.batchNorm(map, "stem.1"), TimmActivation::Relu,
                        "stem.2");
  for (int64_t i = 1; i <= 3; ++i) {
    std::string number = std::to_string(i), embed = "patch_embed" + number;
    map = layers.embedPatches(map, embed + ".proj");
    map = layers.batchNorm(map, embed + ".norm");
    if (layers.contains("pos_embed" + number))
      map = layers.addWeight(map, "pos_embed" + number);
    map = buildStage(layers, map, "stage" + number + ".", numHeads);
  }
  map = layers.batchNorm(map, "norm");
  return layers.classify(layers.mean(map, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"attn_stage", "group",
                                             "init_channels", "spatial_conv"};

const TimmFamily import_::kVisformerFamily = {getTimmNames<kVisformers>,
                                              "stem.0.weight",
                                              "head.weight",
                                              kMeanPooling,
                                              kArguments,
                                              kDecided,
                                              build};
