//===- GridIndices.h - Indices of every element ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_GRIDINDICES_H
#define VITC_LIB_IMPORT_ONNX_GRIDINDICES_H

#include "TensorBuilder.h"

namespace vitc::onnx {

/// Whether `indices`, [shape..., rank], are those of each element of a tensor
/// of `shape`, in order: exporters write x[:, :, :, :n] = y so.
bool areGridIndices(TensorBuilder &b, mlir::Value indices,
                    llvm::ArrayRef<Size> shape);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_GRIDINDICES_H
