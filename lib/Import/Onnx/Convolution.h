//===- Convolution.h - Convolutions that several ops need ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_CONVOLUTION_H
#define VITC_LIB_IMPORT_ONNX_CONVOLUTION_H

#include "Node.h"

namespace vitc::onnx {

/// The result of a node with Conv's inputs and attributes.
mlir::FailureOr<mlir::Value> buildConv(Node &node);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_CONVOLUTION_H
