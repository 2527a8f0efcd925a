//===- VitRelPos.cpp - Transformers with relative positions of timm -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain transformers whose only positions are biases of the differences of two
// patches: of a network that all blocks may share, or of a table.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct VitRelPosEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
  /// Norms are those of the branches' results.
  bool postNorm = false;
};

/// What all blocks have in common.
struct RelPosBlocks {
  int64_t numHeads;
  bool postNorm;
  int64_t height, width;
  bool hasClassToken;
  /// Null where each block has its own.
  Value sharedBias;
};
} // namespace

static constexpr VitRelPosEntry kVitRelPos[] = {
    {"test_vit_relpos", 3},
    {"vit_relpos_base_patch16_224", 12},
    {"vit_relpos_base_patch16_cls_224", 12},
    {"vit_relpos_base_patch16_clsgap_224", 12},
    {"vit_relpos_base_patch16_plus_240", 14},
    {"vit_relpos_base_patch16_rpn_224", 12, /*postNorm=*/true},
    {"vit_relpos_base_patch32_plus_rpn_256", 14, /*postNorm=*/true},
    {"vit_relpos_medium_patch16_224", 8},
    {"vit_relpos_medium_patch16_cls_224", 8},
    {"vit_relpos_medium_patch16_rpn_224", 8, /*postNorm=*/true},
    {"vit_relpos_small_patch16_224", 6},
    {"vit_relpos_small_patch16_rpn_224", 6, /*postNorm=*/true},
    {"vit_srelpos_medium_patch16_224", 8},
    {"vit_srelpos_small_patch16_224", 6},
};

static constexpr double kNormEps = 1e-6;

/// The bias of LAYER.mlp or LAYER.relative_position_bias_table; the network has
/// none for pairs with the class token.
static Value buildBias(TimmLayers &layers, const std::string &layer,
                       const RelPosBlocks &blocks) {
  const std::string table = layer + ".relative_position_bias_table";
  if (layers.contains(table))
    return layers.tableBias(table, blocks.height, blocks.width,
                            blocks.hasClassToken);
  Value bias =
      layers.logDistanceBias(layer + ".mlp", blocks.height, blocks.width);
  if (!bias || !blocks.hasClassToken)
    return bias;
  return layers.b.pad(bias, {0, 0, 1, 1}, {0, 0, 0, 0},
                      layers.b.getF32FloatAttr(0));
}

static Value attention(TimmLayers &layers, Value tokens,
                       const std::string &layer, const RelPosBlocks &blocks) {
  auto [query, key, value] = layers.splitQkv(
      layers.linear(tokens, layer + ".qkv"), blocks.numHeads, layer + ".qkv");
  if (layers.contains(layer + ".q_norm.weight")) {
    query = layers.layerNorm(query, layer + ".q_norm", kNormEps);
    key = layers.layerNorm(key, layer + ".k_norm", kNormEps);
  }
  Value bias = blocks.sharedBias;
  if (!bias)
    bias = buildBias(layers, layer + ".rel_pos", blocks);
  if (!bias)
    return {};
  Value attended = layers.attend(query, key, value, layer, bias);
  return layers.linear(attended, layer + ".proj");
}

static Value buildBlock(TimmLayers &layers, Value tokens,
                        const std::string &block, const RelPosBlocks &blocks) {
  auto add = [&](const std::string &name, const std::string &number,
                 function_ref<Value(Value, const std::string &)> build) {
    auto norm = [&](Value input) {
      return layers.layerNorm(input, block + "norm" + number, kNormEps);
    };
    Value branch = build(blocks.postNorm ? tokens : norm(tokens), block + name);
    branch = blocks.postNorm
                 ? norm(branch)
                 : layers.scale(branch, block + "ls" + number + ".gamma");
    tokens = layers.add(tokens, branch, block + name);
  };
  add("attn", "1", [&](Value input, const std::string &layer) {
    return attention(layers, input, layer, blocks);
  });
  add("mlp", "2", [&](Value input, const std::string &layer) {
    return layers.mlp(input, layer);
  });
  return tokens;
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  const VitRelPosEntry &entry = getTimmEntry(kVitRelPos, name);
  RelPosBlocks blocks;
  blocks.numHeads =
      layers.arguments.getSize("num_heads", entry.numHeads, kMaxWidth);
  blocks.postNorm = entry.postNorm;
  std::string kind = layers.arguments.getString("rel_pos_type", "mlp");
  if (kind != "mlp" && kind != "bias")
    return layers.fail() << "rel_pos_type = '" << kind
                         << "'; vitc imports mlp and bias";
  Value map = layers.embedPatches(image, "patch_embed.proj");
  blocks.height = TimmLayers::getHeight(map);
  blocks.width = TimmLayers::getWidth(map);
  blocks.hasClassToken = layers.contains("cls_token");
  if (pooling == "token" && !blocks.hasClassToken)
    return layers.fail() << "global_pool = 'token', and the weights lack "
                            "'cls_token'";
  Value tokens = layers.toTokens(map, "patch_embed");
  if (blocks.hasClassToken)
    tokens = layers.prepend(tokens, "cls_token");
  if (layers.contains("shared_rel_pos.mlp.fc1.weight") ||
      layers.contains("shared_rel_pos.relative_position_bias_table"))
    blocks.sharedBias = buildBias(layers, "shared_rel_pos", blocks);
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens =
        buildBlock(layers, tokens, "blocks." + std::to_string(i) + ".", blocks);
  // A norm of all tokens, or one of what they are pooled to.
  bool normsPooled = layers.contains("fc_norm.weight");
  if (!normsPooled)
    tokens = layers.layerNorm(tokens, "norm", kNormEps);
  Value pooled =
      layers.poolTokens(tokens, pooling, blocks.hasClassToken, "head");
  if (normsPooled)
    pooled = layers.layerNorm(pooled, "fc_norm", kNormEps);
  return layers.classify(pooled, "head");
}

static constexpr StringLiteral kPoolings[] = {"avg", "token"};
static constexpr StringLiteral kArguments[] = {"img_size", "num_heads",
                                               "rel_pos_type"};
static constexpr StringLiteral kDecided[] = {"rel_pos_dim", "shared_rel_pos"};

const TimmFamily import_::kVitRelPosFamily = {getTimmNames<kVitRelPos>,
                                              "patch_embed.proj.weight",
                                              "head.weight",
                                              kPoolings,
                                              kArguments,
                                              kDecided,
                                              build};
