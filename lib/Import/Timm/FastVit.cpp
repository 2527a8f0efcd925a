//===- FastVit.cpp - FastViT of timm --------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of parallel convolutions of one map, each with its batch norm, for
// stems, mixers and downsampling; in the last stages attention. The image
// towers of MobileCLIP are such models, too. Source: Vasu et al. 2023
// (FastViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct FastVit {
  llvm::StringLiteral name;
  /// Large kernels are followed by an activation.
  bool activatesLargeKernels = false;
};
} // namespace

static constexpr FastVit kFastVits[] = {
    {"fastvit_t8"},
    {"fastvit_t12"},
    {"fastvit_s12"},
    {"fastvit_sa12"},
    {"fastvit_sa24"},
    {"fastvit_sa36"},
    {"fastvit_ma36"},
    {"fastvit_mci0", /*activatesLargeKernels=*/true},
    {"fastvit_mci1", /*activatesLargeKernels=*/true},
    {"fastvit_mci2", /*activatesLargeKernels=*/true},
    {"fastvit_mci3", /*activatesLargeKernels=*/true},
    {"fastvit_mci4", /*activatesLargeKernels=*/true},
};

static constexpr int64_t kHeadDim = 32;
static constexpr double kNormEps = 1e-5;

static Value sum(TimmLayers &layers, ArrayRef<Value> branches,
                 const std::string &layer) {
  Value total = branches.front();
  for (Value branch : branches.drop_front())
    total = layers.add(total, branch, layer);
  return total;
}

/// The gate of the channels, where the file has one, and the activation.
static Value finish(TimmLayers &layers, Value map, const std::string &layer,
                    TimmActivation activation) {
  if (layers.contains(layer + ".se.fc1.weight"))
    map = layers.squeezeExcite(map, layer + ".se", TimmActivation::Relu);
  return layers.activate(map, activation, layer + ".act");
}

/// The sum of those branches that the file has: the map itself, convolutions
/// of one size, one of 1x1. Source: Vasu et al. 2023 (MobileOne), section 3.2.
static Value mobileOne(TimmLayers &layers, Value map, const std::string &layer,
                       TimmActivation activation = TimmActivation::None,
                       int64_t stride = 1) {
  SmallVector<Value, 4> branches;
  if (layers.contains(layer + ".identity.weight"))
    branches.push_back(layers.batchNorm(map, layer + ".identity"));
  if (layers.contains(layer + ".conv_scale.conv.weight"))
    branches.push_back(layers.convNorm(map, layer + ".conv_scale",
                                       TimmActivation::None, stride));
  std::string convs = layer + ".conv_kxk.";
  int64_t numConvs = layers.count(convs, ".conv.weight");
  // One without branches lacks the first of these.
  if (branches.empty())
    numConvs = std::max<int64_t>(numConvs, 1);
  for (int64_t i = 0; i < numConvs; ++i)
    branches.push_back(layers.convNorm(map, convs + std::to_string(i),
                                       TimmActivation::None, stride));
  return finish(layers, sum(layers, branches, layer), layer, activation);
}

static Value downsample(TimmLayers &layers, Value map, const std::string &layer,
                        TimmActivation activation) {
  std::string large = layer + "0";
  SmallVector<Value, 2> branches;
  for (const char *branch : {".large_conv", ".small_conv"})
    branches.push_back(layers.convNorm(map, large + branch,
                                       TimmActivation::None, /*stride=*/2));
  map = finish(layers, sum(layers, branches, large), large, activation);
  return mobileOne(layers, map, layer + "1", TimmActivation::Gelu);
}

static Value addMlp(TimmLayers &layers, Value map, const std::string &block,
                    const std::string &scale) {
  std::string mlp = block + "mlp";
  Value branch = layers.conv(layers.convNorm(map, mlp + ".conv"), mlp + ".fc1");
  branch = layers.activate(branch, TimmActivation::Gelu, mlp + ".act");
  branch = layers.conv(branch, mlp + ".fc2");
  return layers.add(map, layers.scale(branch, block + scale), mlp);
}

static Value mixerBlock(TimmLayers &layers, Value map,
                        const std::string &block) {
  std::string mixer = block + "token_mixer";
  Value branch =
      layers.subtract(mobileOne(layers, map, mixer + ".mixer"),
                      mobileOne(layers, map, mixer + ".norm"), mixer);
  branch = layers.scale(branch, mixer + ".layer_scale.gamma");
  map = layers.add(map, branch, mixer);
  return addMlp(layers, map, block, "layer_scale.gamma");
}

static Value attentionBlock(TimmLayers &layers, Value map,
                            const std::string &block) {
  std::string mixer = block + "token_mixer", norm = block + "norm";
  Value normed = layers.contains(norm + ".running_mean")
                     ? layers.batchNorm(map, norm)
                     : layers.mapNorm(map, norm, kNormEps);
  int64_t channels = TimmLayers::getSize(map, 1);
  if (map && channels % kHeadDim != 0)
    return layers.fail() << "'" << mixer << "' has a width of " << channels
                         << "; heads of " << kHeadDim
                         << " need a multiple of that";
  Value tokens = layers.selfAttention(layers.toTokens(normed, mixer), mixer,
                                      channels / kHeadDim);
  Value branch = layers.toMap(tokens, TimmLayers::getHeight(map),
                              TimmLayers::getWidth(map), mixer);
  branch = layers.scale(branch, block + "layer_scale_1.gamma");
  map = layers.add(map, branch, mixer);
  return addMlp(layers, map, block, "layer_scale_2.gamma");
}

static Value buildStage(TimmLayers &layers, Value map, const std::string &stage,
                        TimmActivation largeKernels) {
  if (layers.contains(stage + "downsample.proj.0.large_conv.conv.weight"))
    map = downsample(layers, map, stage + "downsample.proj.", largeKernels);
  std::string positions = stage + "pos_emb.pos_enc";
  if (layers.contains(positions + ".weight"))
    map = layers.add(layers.conv(map, positions), map, positions);
  int64_t depth = layers.count(stage + "blocks.", ".mlp.fc1.weight");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = stage + "blocks." + std::to_string(i) + ".";
    map = layers.contains(block + "token_mixer.qkv.weight")
              ? attentionBlock(layers, map, block)
              : mixerBlock(layers, map, block);
  }
  return map;
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  bool activates = layers.arguments.getBool(
      "lkc_use_act", getTimmEntry(kFastVits, name).activatesLargeKernels);
  TimmActivation largeKernels =
      activates ? TimmActivation::Gelu : TimmActivation::None;
  Value map = mobileOne(layers, image, "stem.0", TimmActivation::Gelu,
                        /*stride=*/2);
  map = mobileOne(layers, map, "stem.1", TimmActivation::Gelu, /*stride=*/2);
  map = mobileOne(layers, map, "stem.2", TimmActivation::Gelu);
  int64_t numStages = layers.count("stages.", ".blocks.0.mlp.fc1.weight");
  for (int64_t i = 0; i < numStages; ++i)
    map = buildStage(layers, map, "stages." + std::to_string(i) + ".",
                     largeKernels);
  map = mobileOne(layers, map, "final_conv", TimmActivation::Gelu);
  return layers.classify(layers.mean(map, "head"), "head.fc");
}

static constexpr StringLiteral kArguments[] = {"lkc_use_act"};
static constexpr StringLiteral kDecided[] = {"cls_ratio",
                                             "down_patch_size",
                                             "downsamples",
                                             "embed_dims",
                                             "layer_scale_init_value",
                                             "layers",
                                             "mlp_ratios",
                                             "pos_embs",
                                             "repmixer_kernel_size",
                                             "se_downsamples",
                                             "stem_use_scale_branch",
                                             "token_mixers"};

const TimmFamily import_::kFastVitFamily = {getTimmNames<kFastVits>,
                                            "stem.0.conv_kxk.0.conv.weight",
                                            "head.fc.weight",
                                            kMeanPooling,
                                            kArguments,
                                            kDecided,
                                            build};
