//===- ResizeBuilder.h - Ops that resize a tensor --------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_RESIZEBUILDER_H
#define VITC_LIB_IMPORT_ONNX_RESIZEBUILDER_H

#include "Interpolation.h"
#include "TensorBuilder.h"

namespace vitc::onnx {

/// Resizes a tensor of floats, or of any type for the mode nearest, along each
/// of `dims`, one for each of its own; one with equal sizes and scale 1 stays.
/// What a region of interest has outside of the tensor is `extrapolation`.
mlir::Value buildResize(TensorBuilder &b, mlir::Value tensor,
                        const Interpolation &interpolation,
                        llvm::ArrayRef<ResizedDim> dims, double extrapolation);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_RESIZEBUILDER_H
