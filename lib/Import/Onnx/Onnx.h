//===- Onnx.h - Importer of ONNX files -------------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_ONNX_H
#define VITC_LIB_IMPORT_ONNX_ONNX_H

#include "vitc/Import/Import.h"

namespace vitc::import_ {

/// Imports an ONNX model of opset 11 to 28.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             mlir::MLIRContext &context,
                                             const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ONNX_ONNX_H
