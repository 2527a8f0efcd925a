//===- MobileBlocks.h - Inverted bottlenecks of timm -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The convolutional blocks that families of EfficientViT's kind share.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_MOBILEBLOCKS_H
#define VITC_LIB_IMPORT_TIMM_MOBILEBLOCKS_H

#include "TimmLayers.h"

namespace vitc::import_ {

struct MobileStyle {
  TimmActivation activation = TimmActivation::HardSwish;
  double normEps = 1e-5;
  /// A convolution has a norm or a bias, whatever others of its name have.
  bool normOrBias = false;
};

/// LAYER.conv, LAYER.norm where the file has it, and an activation. A window of
/// 2x2 has no padding, or as LAYER.conv.1, of stride 1, begins a place before
/// the map.
mlir::Value buildMobileConv(TimmLayers &layers, mlir::Value map,
                            const std::string &layer, const MobileStyle &style,
                            TimmActivation activation, int64_t stride = 1);

/// Whether the file has any of BLOCK's convolutions.
bool isMobileBlock(const TimmLayers &layers, const std::string &block);

/// Those of BLOCK's convolutions that the file has: of 1x1 to more channels,
/// depthwise or of both at once, and of 1x1 back without an activation.
/// Source: Sandler et al. 2018 (MobileNetV2), section 3.3.
mlir::Value buildMobileBlock(TimmLayers &layers, mlir::Value map,
                             const std::string &block, const MobileStyle &style,
                             int64_t stride = 1);

/// The same added to the map.
mlir::Value addMobileBlock(TimmLayers &layers, mlir::Value map,
                           const std::string &block, const MobileStyle &style);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_MOBILEBLOCKS_H
