//===- ResNet.h - The backbone of detectors --------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_RESNET_H
#define VITC_LIB_IMPORT_RESNET_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// Whose names the layers have.
enum class ResNetNames {
  Transformers, // embedder, encoder.stages.0.layers.0.layer.0.convolution
  Timm          // conv1, bn1, layer1.0.conv1
};

/// The ResNet of He et al. 2016, batch norms with the statistics of training.
struct ResNetSpec {
  std::string prefix; // e.g. "model.backbone.conv_encoder.model."
  ResNetNames names = ResNetNames::Transformers;
  int64_t stemChannels = 64;
  /// Blocks and channels of each stage; each but the first halves the map.
  llvm::SmallVector<int64_t, 4> depths = {3, 4, 6, 3};
  llvm::SmallVector<int64_t, 4> channels = {256, 512, 1024, 2048};
  /// Blocks of 1x1, 3x3 and 1x1 convolutions, or else of two 3x3.
  bool bottleneck = true;
  /// A bottleneck's stride is its first convolution's, not its second's.
  bool strideFirst = false;
  /// The first stage halves the map too.
  bool halveFirst = false;

  /// The last map's height or width for a picture of `pixels`.
  int64_t getMapSize(int64_t pixels) const;
};

/// Image [B, C, H, W] to the last stage's map.
mlir::Value buildResNet(const ResNetSpec &spec, LayerBuilder &layers,
                        mlir::Value image);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_RESNET_H
