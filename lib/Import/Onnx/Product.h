//===- Product.h - Products that several ops need --------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_PRODUCT_H
#define VITC_LIB_IMPORT_ONNX_PRODUCT_H

#include "Node.h"

namespace vitc::onnx {

/// Errors unless numpy.matmul multiplies tensors of these shapes.
mlir::LogicalResult verifyMatmul(Node &node, llvm::ArrayRef<Size> lhs,
                                 llvm::ArrayRef<Size> rhs);

/// The result of a node with Gemm's inputs and attributes:
/// alpha * op(A) * op(B) + beta * C, op(A) being [M, K] and op(B) [K, N].
mlir::FailureOr<mlir::Value> buildGemm(Node &node);

/// tensor * factor.
mlir::Value buildScaled(TensorBuilder &b, mlir::Value tensor, double factor);

/// lhs + rhs, broadcast.
mlir::Value buildSum(TensorBuilder &b, mlir::Value lhs, mlir::Value rhs);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_PRODUCT_H
