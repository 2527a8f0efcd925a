//===- CosineAttention.h - Swin v2's scores and bias -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Liu et al. 2022 (Swin v2), section 3.3: scores are cosines times a learned
// scale of each head, and a small network computes the bias from distances.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_COSINEATTENTION_H
#define VITC_LIB_IMPORT_COSINEATTENTION_H

#include "LayerBuilder.h"

#include <array>

namespace vitc::import_ {

/// heads [B, H, N, D] scaled to length 1 along D, and by `scale` [H] unless it
/// is null.
mlir::Value buildUnitVectors(LayerBuilder &layers, mlir::Value heads,
                             mlir::Value scale, const llvm::Twine &layer);

/// exp(min(NAME, ln 100)) of the weight NAME [H, 1, 1], as [H].
mlir::Value buildLogitScale(LayerBuilder &layers, llvm::StringRef name,
                            int64_t numHeads, const llvm::Twine &because);

/// The table of relative position bias [(2 Mh - 1) (2 Mw - 1), H] that the
/// network LAYER.0, ReLU, LAYER.2 gives for a window. Distances are in units of
/// the window that the network was trained with, or for 0 of this one.
mlir::Value buildContinuousBiasTable(LayerBuilder &layers,
                                     const std::string &layer,
                                     std::array<int64_t, 2> window,
                                     int64_t pretrainedWindow, int64_t numHeads,
                                     const llvm::Twine &because);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_COSINEATTENTION_H
