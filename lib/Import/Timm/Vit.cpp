//===- Vit.cpp - ViT, DeiT, BEiT, EVA and hybrids of timm -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"
#include "ResNetV2.h"
#include "Timm.h"
#include "VitBuilder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static VitNames getNames(const Checkpoint &checkpoint) {
  auto ifStored = [&](StringRef layer, StringRef weight) {
    return checkpoint.contains((layer + weight).str()) ? layer.str() : "";
  };
  auto ifInBlocks = [&](StringRef layer, StringRef weight = "") {
    return checkpoint.contains(("blocks.0." + layer + weight).str())
               ? layer.str()
               : "";
  };
  VitNames names;
  names.patchProjection = "patch_embed.proj";
  names.classToken = "cls_token";
  names.distillationToken = "dist_token";
  names.registerTokens = "reg_token";
  names.positions = "pos_embed";
  names.preNorm = ifStored("norm_pre", ".weight");
  names.block = "blocks.";
  names.norm = ifStored("norm", ".weight");
  names.pooledNorm = ifStored("fc_norm", ".weight");
  names.classifier = "head";
  names.distillationClassifier = "head_dist";
  names.norm1 = "norm1";
  names.attention = "attn";
  names.qkv = ifInBlocks("attn.qkv", ".weight");
  names.query = "attn.q_proj";
  names.key = "attn.k_proj";
  names.value = "attn.v_proj";
  names.queryBias = ifInBlocks("attn.q_bias");
  names.valueBias = ifInBlocks("attn.v_bias");
  names.biasTable = ifInBlocks("attn.relative_position_bias_table");
  names.sharedBiasTable =
      ifStored("rel_pos_bias.relative_position_bias_table", "");
  names.queryNorm = ifInBlocks("attn.q_norm", ".weight");
  names.keyNorm = ifInBlocks("attn.k_norm", ".weight");
  names.attentionNorm = ifInBlocks("attn.norm", ".weight");
  names.attentionOutput = "attn.proj";
  names.norm2 = "norm2";
  names.mlpGate = ifInBlocks("mlp.fc1_g", ".weight");
  names.mlpInput = names.mlpGate.empty() ? "mlp.fc1" : "mlp.fc1_x";
  names.mlpActivation = "mlp.act";
  names.mlpNorm = ifInBlocks("mlp.norm", ".weight");
  names.mlpOutput = "mlp.fc2";
  bool beit = checkpoint.contains("blocks.0.gamma_1");
  names.attentionScale = ifInBlocks(beit ? "gamma_1" : "ls1.gamma");
  names.mlpScale = ifInBlocks(beit ? "gamma_2" : "ls2.gamma");
  return names;
}

static void readBackbone(const TimmVit &architecture,
                         const Checkpoint &checkpoint, VitSpec &spec) {
  ResNetV2Spec backbone;
  backbone.prefix = "patch_embed.backbone.";
  for (int64_t depth : architecture.backboneDepths)
    if (depth > 0)
      backbone.depths.push_back(depth);
  if (backbone.depths.empty()) {
    backbone.names.stemConv = "conv";
    backbone.names.stemNorm = "norm";
    backbone.names.stemPool = "pool";
  }
  ArrayRef<int64_t> filter = checkpoint.getShape(
      backbone.prefix + backbone.names.stemConv + ".weight");
  if (filter.size() != 4)
    return;
  spec.channels = filter[1];
  spec.stem = getStem(backbone);
}

/// Sizes from the shapes of the weights.
static void readSizes(Config &config, const Checkpoint &checkpoint,
                      VitSpec &spec) {
  auto shapeOf = [&](StringRef name, size_t rank) {
    return readTimmShape(config, checkpoint, name, rank);
  };
  SmallVector<int64_t> filter = shapeOf("patch_embed.proj.weight", 4);
  spec.hiddenSize = filter[0];
  spec.patchHeight = filter[2];
  spec.patchWidth = filter[3];
  spec.patchBias = checkpoint.contains("patch_embed.proj.bias");
  if (!spec.stem)
    spec.channels = filter[1];
  // A packed gated MLP has a gate for each feature that its end takes.
  spec.intermediateSize = shapeOf("blocks.0.mlp.fc2.weight", 2)[1];
  spec.gatedMlp =
      !spec.names.mlpGate.empty() ||
      shapeOf("blocks.0.mlp.fc1.weight", 2)[0] == 2 * spec.intermediateSize;
  spec.silu = spec.gatedMlp;
  spec.qkvBias = checkpoint.contains("blocks.0.attn.qkv.bias") ||
                 checkpoint.contains("blocks.0.attn.q_proj.bias");
  spec.keyBias = checkpoint.contains("blocks.0.attn.k_proj.bias");
  spec.numLayers = countTimmBlocks(checkpoint, "blocks.");

  spec.classToken = checkpoint.contains("cls_token");
  spec.distillationToken = checkpoint.contains("dist_token");
  if (checkpoint.contains("reg_token"))
    spec.numRegisterTokens = shapeOf("reg_token", 3)[1];
  spec.positions = checkpoint.contains("pos_embed");
  if (spec.positions) {
    // Either all tokens have a position or the patches alone.
    int64_t patches = spec.gridHeight() * spec.gridWidth();
    bool patchesAlone = shapeOf("pos_embed", 3)[1] == patches;
    spec.positionedTokens = patchesAlone ? 0 : spec.numTokens();
  }
  if (!checkpoint.contains("head.weight")) { // num_classes = 0
    spec.output = VitOutput::PooledFeatures;
    return;
  }
  spec.output =
      spec.distillationToken ? VitOutput::TeacherLogits : VitOutput::Logits;
  spec.numClasses = shapeOf("head.weight", 2)[0];
}

static void readAttentionPooling(const TimmVit &architecture, Config &config,
                                 const Checkpoint &checkpoint, VitSpec &spec) {
  int64_t numHeads =
      architecture.poolingHeads > 0 ? architecture.poolingHeads : spec.numHeads;
  if (spec.hiddenSize % numHeads != 0)
    config.emitError() << "embed_dim = " << spec.hiddenSize
                       << " is not a multiple of attn_pool_num_heads = "
                       << numHeads;
  int64_t width =
      readTimmShape(config, checkpoint, "attn_pool.mlp.fc1.weight", 2)[0];
  spec.pooling = VitPooling::Attention;
  spec.attentionPooling = {getTimmPoolingNames("attn_pool"),
                           spec.hiddenSize,
                           width,
                           numHeads,
                           spec.layerNormEps,
                           spec.gelu};
}

static void readPooling(const TimmVit &architecture, Config &config,
                        Config &arguments, const Checkpoint &checkpoint,
                        VitSpec &spec) {
  // fc_norm is the norm of models that average.
  bool token = spec.classToken && spec.names.pooledNorm.empty();
  StringRef byWeights = token ? "token" : "avg";
  std::string pool = readTimmPooling(config, arguments,
                                     architecture.pooling.empty()
                                         ? byWeights
                                         : StringRef(architecture.pooling));
  if (pool == "token")
    spec.pooling = VitPooling::ClassToken;
  else if (pool == "avg")
    spec.pooling = VitPooling::MeanPatches;
  else if (pool == "map" && checkpoint.contains("attn_pool.latent"))
    readAttentionPooling(architecture, config, checkpoint, spec);
  else
    config.emitError() << "global_pool = '" << pool
                       << "'; vitc imports token, avg and, with weights "
                          "attn_pool, map";
}

/// A turned head has two halves, each with angles of height and width.
static void verifyHeads(Config &config, const VitSpec &spec) {
  if (!spec.rotary)
    return;
  if (spec.hiddenSize % (4 * spec.numHeads) != 0)
    config.emitError() << "embed_dim = " << spec.hiddenSize << " in "
                       << spec.numHeads
                       << " heads; rotary positions need a multiple of 4 in "
                          "each";
  if (!spec.names.queryNorm.empty() || !spec.names.keyNorm.empty())
    config.emitError() << "the weights have norms of queries and keys, "
                          "'blocks.0.attn.q_norm'; with rotary positions vitc "
                          "imports models without them";
}

/// The arguments that are read.
static constexpr StringLiteral kArguments[] = {"act_layer", "global_pool",
                                               "img_size", "num_heads"};
/// More than any model has.
static constexpr int64_t kMaxHeads = 65536;

OwningOpRef<ModuleOp> import_::importTimmVit(const TimmVit &architecture,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options) {
  VitSpec spec;
  spec.keys = {"embed_dim",  "the MLP's width", "num_heads",  "img_size",
               "patch_size", "in_chans",        "num_classes"};
  spec.architecture = architecture.name.str();
  spec.biasResize = BiasResize::Geometric;
  spec.names = getNames(checkpoint);
  Config arguments = readTimmArguments(config, kArguments);
  spec.numHeads =
      arguments.getSize("num_heads", architecture.numHeads, kMaxHeads);
  spec.gelu = readTimmGelu(arguments, architecture.gelu);
  spec.layerNormEps = architecture.layerNormEps;
  spec.rotary = architecture.rotary;
  std::tie(spec.imageHeight, spec.imageWidth) =
      readTimmImageSize(config, arguments);
  readBackbone(architecture, checkpoint, spec);
  readSizes(config, checkpoint, spec);
  readPooling(architecture, config, arguments, checkpoint, spec);
  verifyHeads(config, spec);
  if (arguments.failed() || config.failed() ||
      failed(resolveSpec(spec, options, config.getLoc())))
    return nullptr;
  ModelInfo info;
  info.licence = readTimmLicence(config);
  if (spec.output != VitOutput::PooledFeatures)
    info.labels = readTimmLabels(config, spec.numClasses);
  info.preprocess = readTimmPreprocess(config, spec.imageHeight,
                                       spec.imageWidth, spec.channels);
  if (config.failed())
    return nullptr;
  return buildVit(spec, checkpoint, info, options, config.getLoc());
}
