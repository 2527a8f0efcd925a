//===- NpyFile.h - Constants from numpy's .npy files -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_NPYFILE_H
#define VITC_LIB_IMPORT_ONNX_NPYFILE_H

#include "ModelFile.h"

namespace vitc::onnx {

/// Reads a .npy file in C order, of bools, integers or floats; the elements are
/// `data.owned`. Errors are diagnostics at the path.
mlir::LogicalResult readNpy(llvm::StringRef path, mlir::MLIRContext &context,
                            TensorData &data);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_NPYFILE_H
