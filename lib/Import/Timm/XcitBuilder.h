//===- XcitBuilder.h - Layers of a cross-covariance transformer -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XCiT: attention between channels rather than between tokens, convolutions
// between neighbouring patches, and two last blocks in which the class token
// reads the patches. Weights have timm's names.
// Source: El-Nouby et al. 2021 (XCiT), section 3.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_XCITBUILDER_H
#define VITC_LIB_IMPORT_TIMM_XCITBUILDER_H

#include "LayerBuilder.h"

namespace vitc::import_ {

struct XcitSpec {
  std::string architecture;
  int64_t imageHeight = 224, imageWidth = 224, channels = 3;
  /// Channels behind each convolution of the stem, each of which halves the
  /// map; the last are the model's.
  llvm::SmallVector<int64_t, 4> stemChannels;
  int64_t numLayers = 12, numClassLayers = 2, numHeads = 4;
  int64_t hiddenSize = 128, intermediateSize = 512;
  bool qkvBias = true;
  bool positions = true;
  /// In class blocks the second norm is of all tokens, not of the class token
  /// alone.
  bool normsTokens = true;
  double layerNormEps = 1e-6;
  vit::GeluForm gelu = vit::GeluForm::Exact;
  bool meanPooling = false;
  int64_t numClasses = 0; // none: the pooled features are the result

  int64_t patchSize() const { return int64_t(1) << stemChannels.size(); }
  int64_t gridHeight() const { return imageHeight / patchSize(); }
  int64_t gridWidth() const { return imageWidth / patchSize(); }
};

/// Sines and cosines of each place of a grid along its height, then its width,
/// [height * width, kFourierWidth].
inline constexpr int64_t kFourierWidth = 64;
llvm::SmallVector<float> getFourierPositions(int64_t height, int64_t width);

/// Logits or pooled features of `image` [B, C, H, W].
mlir::Value buildXcit(const XcitSpec &spec, LayerBuilder &layers,
                      mlir::Value image);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_XCITBUILDER_H
