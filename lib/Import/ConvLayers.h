//===- ConvLayers.h - Layers on feature maps -------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Feature maps are [B, C, H, W].
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_CONVLAYERS_H
#define VITC_LIB_IMPORT_CONVLAYERS_H

#include "LayerBuilder.h"

namespace vitc::import_ {

inline llvm::ArrayRef<int64_t> getShape(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// A square kernel, the same stride and padding on all sides.
struct ConvSpec {
  int64_t outputs, kernel;
  int64_t stride = 1;
  int64_t pad = 0;
  int64_t groups = 1;
  bool bias = true;
};

/// LAYER.weight [O, C / groups, K, K] and LAYER.bias.
mlir::Value buildConv(LayerBuilder &layers, mlir::Value map,
                      const llvm::Twine &layer, const ConvSpec &spec,
                      const llvm::Twine &because);

/// Batch normalisation with the statistics of training, LAYER.running_mean and
/// LAYER.running_var, of a map's channels or of another tensor's last axis.
mlir::Value buildBatchNorm(LayerBuilder &layers, mlir::Value input,
                           const llvm::Twine &layer, double epsilon,
                           const llvm::Twine &because);

/// What is added around a map, [top, left, bottom, right].
using MapPad = std::array<int64_t, 4>;

/// The largest element of each square window, which sees `padding` outside of
/// the map.
mlir::Value buildMaxPool(LayerBuilder &layers, mlir::Value map, int64_t kernel,
                         int64_t stride, const MapPad &pad, double padding,
                         const llvm::Twine &layer);

/// The sum of each square window's elements; those outside of the map are 0.
mlir::Value buildSumPool(LayerBuilder &layers, mlir::Value map, int64_t kernel,
                         int64_t stride, const MapPad &pad,
                         const llvm::Twine &layer);

/// [B, C, H, W] as tokens [B, H * W, C], and back.
mlir::Value buildTokens(LayerBuilder &layers, mlir::Value map,
                        const llvm::Twine &layer);
mlir::Value buildMap(LayerBuilder &layers, mlir::Value tokens, int64_t height,
                     int64_t width, const llvm::Twine &layer);

/// [B, C * r * r, H, W] -> [B, C, H * r, W * r].
/// Source: Shi et al. 2016, eq. (4).
mlir::Value buildPixelShuffle(LayerBuilder &layers, mlir::Value map,
                              int64_t factor, const llvm::Twine &layer);

/// Each element `factor` times along both sides.
mlir::Value buildRepeatedPixels(LayerBuilder &layers, mlir::Value map,
                                int64_t factor, const llvm::Twine &layer);

/// Bilinear, with half-pixel centres and without antialiasing, as PyTorch's
/// interpolate does.
mlir::Value buildResizedMap(LayerBuilder &layers, mlir::Value map,
                            int64_t height, int64_t width,
                            const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_CONVLAYERS_H
