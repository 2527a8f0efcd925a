//===- Convolution.h - Convolutions that several ops need ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_CONVOLUTION_H
#define VITC_LIB_IMPORT_ONNX_CONVOLUTION_H

#include "SlidingWindow.h"

namespace vitc::onnx {

/// The result of a node with Conv's inputs and attributes.
mlir::FailureOr<mlir::Value> buildConv(Node &node);

/// The convolution that the node's attributes describe of an input
/// [B, C, ...] and a filter [O, C / groups, ...] of one float type, plus a
/// bias [O] unless it is null.
mlir::FailureOr<mlir::Value> buildConv(Node &node, mlir::Value input,
                                       mlir::Value filter, mlir::Value bias);

/// The same with a window and groups that fit the operands.
mlir::Value buildConv(TensorBuilder &b, mlir::Value input, mlir::Value filter,
                      mlir::Value bias, SlidingWindow window, int64_t groups);

/// The transpose of a convolution: each element of an input [B, C, ...] adds a
/// filter [C, O / groups, ...] to a window of the result, whose sizes are
/// window.outputs; the pads are those of the equal convolution of stride 1 of
/// the input with zeros between its elements.
mlir::Value buildTransposedConv(TensorBuilder &b, mlir::Value input,
                                mlir::Value filter, mlir::Value bias,
                                SlidingWindow window, int64_t groups);

/// Errors unless inputs 0 and 1 are floats [B, C, ...] of as many dims.
mlir::LogicalResult verifyFilter(Node &node);

/// Input 2, one number for each output channel, or null.
mlir::FailureOr<mlir::Value> getConvBias(Node &node, int64_t channels);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_CONVOLUTION_H
