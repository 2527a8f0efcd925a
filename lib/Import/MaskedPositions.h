//===- MaskedPositions.h - Positions within a padded picture ---*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_MASKEDPOSITIONS_H
#define VITC_LIB_IMPORT_MASKEDPOSITIONS_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// The mask of pixels [B, H, W], of integers, at a map of another size, [B, h,
/// w] of 0 and 1: that of the nearest pixel above and to the left.
mlir::Value buildMapMask(LayerBuilder &layers, mlir::Value pixelMask,
                         int64_t height, int64_t width,
                         const llvm::Twine &layer);

/// Sines and cosines of where each element of `mask` [B, h, w] lies among those
/// of 1: [B, h * w, width], first by height, then by width.
/// Source: Carion et al. 2020 (DETR), appendix A.4; Vaswani et al. 2017,
/// section 3.5.
mlir::Value buildSinePositions(LayerBuilder &layers, mlir::Value mask,
                               int64_t width, const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_MASKEDPOSITIONS_H
