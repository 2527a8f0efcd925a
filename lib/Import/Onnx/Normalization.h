//===- Normalization.h - Normalisations of two domains ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_NORMALIZATION_H
#define VITC_LIB_IMPORT_ONNX_NORMALIZATION_H

#include "Node.h"

namespace vitc::onnx {

mlir::LogicalResult importRmsNormalization(Node &node);

/// vit.layer_norm of the last axis; scale and shift may be null.
mlir::Value buildLayerNorm(TensorBuilder &b, mlir::Value rows,
                           mlir::Value scale, mlir::Value shift,
                           double epsilon);
/// vit.rms_norm of the last axis.
mlir::Value buildRmsNorm(TensorBuilder &b, mlir::Value rows, mlir::Value scale,
                         double epsilon);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_NORMALIZATION_H
