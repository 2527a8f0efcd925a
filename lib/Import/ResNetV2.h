//===- ResNetV2.h - The convolutional stem of hybrids ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_RESNETV2_H
#define VITC_LIB_IMPORT_RESNETV2_H

#include "LayerBuilder.h"
#include "VitSpec.h"

namespace vitc::import_ {

/// How the source names the layers; by default as timm does. A block's own are
/// the same everywhere: conv1, norm1, ..., downsample.conv, downsample.norm.
struct ResNetV2Names {
  std::string stemConv = "stem.conv";
  std::string stemNorm = "stem.norm";
  std::string stemPool = "stem.pool";
  std::string stages = "stages.";
  std::string blocks = ".blocks."; // behind the number of the stage
};

/// The ResNet v2 of BiT that hybrid vision transformers start with: weight
/// standardisation, group norm, bottleneck blocks, "same" padding; by default
/// with the widths of the paper and without pre-activation.
/// Source: Kolesnikov et al. 2020 (BiT); Dosovitskiy et al. 2021 (ViT),
/// section 3.1, "hybrid architecture".
struct ResNetV2Spec {
  std::string prefix; // e.g. "patch_embed.backbone."
  ResNetV2Names names;
  int64_t stemChannels = 64;
  /// Blocks and channels of each stage; none: the stem alone.
  llvm::SmallVector<int64_t, 4> depths;
  llvm::SmallVector<int64_t, 4> channels = {256, 512, 1024, 2048};
  int64_t numGroups = 32;
  /// Norm and ReLU before each convolution of a block, and none in the stem; He
  /// et al. 2016 ("Identity Mappings").
  bool preactivation = false;

  static constexpr size_t kMaxStages = 4;

  /// Those between the two outer convolutions of a block: a quarter, rounded to
  /// a multiple of 8 as BiT does.
  static int64_t getInnerChannels(int64_t channels);
};

/// Image [B, C, H, W] to feature map [B, C', H', W'].
mlir::Value buildResNetV2(const ResNetV2Spec &spec, LayerBuilder &layers,
                          mlir::Value image);

/// The ResNet as the stem of a transformer.
VitStem getStem(const ResNetV2Spec &spec);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_RESNETV2_H
