//===- DetectionHead.h - Boxes and classes from tokens ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_DETECTIONHEAD_H
#define VITC_LIB_IMPORT_DETECTIONHEAD_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// Three linear layers LAYER.layers.0 to 2, the inner ones as wide as `tokens`
/// [B, Q, E], with ReLU between them.
mlir::Value buildPredictionHead(LayerBuilder &layers, mlir::Value tokens,
                                const llvm::Twine &layer, int64_t outputs,
                                const llvm::Twine &because);

/// Centre x, centre y, width and height of each token's box as parts of the
/// picture: the sigmoid of such a head, bbox_predictor.
mlir::Value buildBoxes(LayerBuilder &layers, mlir::Value tokens,
                       const llvm::Twine &because);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_DETECTIONHEAD_H
