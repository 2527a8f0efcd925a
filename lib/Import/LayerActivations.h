//===- LayerActivations.h - Activations of layers --------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_LAYERACTIVATIONS_H
#define VITC_LIB_IMPORT_LAYERACTIVATIONS_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// max(x, 0).
mlir::Value buildRelu(LayerBuilder &layers, mlir::Value input,
                      const llvm::Twine &layer);

/// x where it is positive, else slope * x.
mlir::Value buildLeakyRelu(LayerBuilder &layers, mlir::Value input,
                           double slope, const llvm::Twine &layer);

/// 1 / (1 + exp(-x)).
mlir::Value buildSigmoid(LayerBuilder &layers, mlir::Value input,
                         const llvm::Twine &layer);

/// x / (1 + exp(-x)).
mlir::Value buildSilu(LayerBuilder &layers, mlir::Value input,
                      const llvm::Twine &layer);

/// x * min(max(x + 3, 0), 6) / 6.
/// Source: Howard et al. 2019 (MobileNetV3), section 5.2.
mlir::Value buildHardSwish(LayerBuilder &layers, mlir::Value input,
                           const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_LAYERACTIVATIONS_H
