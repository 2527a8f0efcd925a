//===- RotaryEmbedding.h - Positions as turned features --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_ROTARYEMBEDDING_H
#define VITC_LIB_IMPORT_ONNX_ROTARYEMBEDDING_H

#include "Node.h"

namespace vitc::onnx {

/// Turns the first R features of tokens [B, N, H, D] by angles whose cosines
/// and sines are [1 or B, N, 1, R / 2].
mlir::Value buildRotaryEmbedding(TensorBuilder &b, mlir::Value tokens,
                                 mlir::Value cosine, mlir::Value sine,
                                 bool interleaved);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_ROTARYEMBEDDING_H
