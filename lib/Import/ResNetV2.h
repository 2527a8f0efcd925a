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

namespace vitc::import_ {

/// The ResNet v2 of BiT that hybrid vision transformers start with: weight
/// standardisation, group norm of 32 groups, "same" padding, no
/// pre-activation; names as timm's.
/// Source: Kolesnikov et al. 2020 (BiT); Dosovitskiy et al. 2021 (ViT),
/// section 3.1, "hybrid architecture".
struct ResNetV2Spec {
  std::string prefix; // e.g. "patch_embed.backbone."
  /// Blocks of each stage; none: the stem alone.
  llvm::SmallVector<int64_t, 4> depths;

  static constexpr size_t kMaxStages = 4;
  static constexpr int64_t kStemChannels = 64;
  static constexpr int64_t kNumGroups = 32;
  /// Each stage's channels, twice the one's before.
  static constexpr int64_t kStageChannels = 256;

  int64_t getChannels() const {
    return depths.empty() ? kStemChannels
                          : kStageChannels << (depths.size() - 1);
  }
  /// The size of the feature map of `pixels`.
  int64_t getMapSize(int64_t pixels) const;
};

/// Image [B, C, H, W] to feature map [B, C', H', W'].
mlir::Value buildResNetV2(const ResNetV2Spec &spec, LayerBuilder &layers,
                          mlir::Value image);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_RESNETV2_H
