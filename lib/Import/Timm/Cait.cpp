//===- Cait.cpp - Class-attention transformers of timm --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patches whose heads talk to each other on both sides of the softmax; behind
// them blocks in which the class token alone attends to all.
// Source: Touvron et al. 2021 (CaiT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct CaitEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
};
} // namespace

static constexpr CaitEntry kCaits[] = {
    {"cait_m36_384", 16},  {"cait_m48_448", 16},  {"cait_s24_224", 8},
    {"cait_s24_384", 8},   {"cait_s36_384", 8},   {"cait_xs24_384", 6},
    {"cait_xxs24_224", 4}, {"cait_xxs24_384", 4}, {"cait_xxs36_224", 4},
    {"cait_xxs36_384", 4},
};

static constexpr double kNormEps = 1e-6;

/// Heads are mixed before and behind the softmax.
static Value talkingHeads(TimmLayers &layers, Value tokens,
                          const std::string &layer, int64_t numHeads) {
  auto [query, key, value] = layers.splitQkv(
      layers.linear(tokens, layer + ".qkv"), numHeads, layer + ".qkv");
  Value scores =
      layers.mixHeads(layers.scores(query, key, layer), layer + ".proj_l");
  Value weights =
      layers.mixHeads(layers.softmax(scores, layer), layer + ".proj_w");
  Value attended =
      layers.mergeHeads(layers.matmul(weights, value, layer), layer);
  return layers.linear(attended, layer + ".proj");
}

/// tokens + gamma_1 * attended, and the same with the MLP and gamma_2.
static Value addBranches(TimmLayers &layers, Value tokens, Value attended,
                         const std::string &block) {
  Value branch = layers.scale(attended, block + "gamma_1");
  tokens = layers.add(tokens, branch, block + "attn");
  branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  branch = layers.scale(layers.mlp(branch, block + "mlp"), block + "gamma_2");
  return layers.add(tokens, branch, block + "mlp");
}

/// The class token, which a block reads behind the patches' last one.
static Value buildClassToken(TimmLayers &layers, Value patches,
                             int64_t numHeads) {
  const std::string kind = "blocks_token_only.";
  int64_t depth = layers.count(kind, ".norm1.weight");
  Value token =
      layers.slice(layers.prepend(patches, "cls_token"), 1, 0, 1, "cls_token");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = kind + std::to_string(i) + ".", layer = block + "attn";
    Value all = layers.layerNorm(layers.concat({token, patches}, 1, block),
                                 block + "norm1", kNormEps);
    Value first = layers.slice(all, 1, 0, 1, layer);
    token = addBranches(layers, token,
                        layers.attendTo(first, all, layer, numHeads), block);
  }
  return token;
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kCaits, name).numHeads, kMaxWidth);
  Value tokens = layers.toTokens(layers.embedPatches(image, "patch_embed.proj"),
                                 "patch_embed");
  tokens = layers.addWeight(tokens, "pos_embed");
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = "blocks." + std::to_string(i) + ".";
    Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
    tokens = addBranches(layers, tokens,
                         talkingHeads(layers, normed, block + "attn", numHeads),
                         block);
  }
  tokens = layers.concat({buildClassToken(layers, tokens, numHeads), tokens}, 1,
                         "norm");
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.poolTokens(tokens, pooling, 1, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"depth_token_only",
                                             "mlp_ratio_token_only"};

const TimmFamily import_::kCaitFamily = {getTimmNames<kCaits>,
                                         "patch_embed.proj.weight",
                                         "head.weight",
                                         kTokenOrMeanPooling,
                                         kArguments,
                                         kDecided,
                                         build};
