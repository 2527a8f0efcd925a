//===- Activations.h - Activations that several ops need -------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_ACTIVATIONS_H
#define VITC_LIB_IMPORT_ONNX_ACTIVATIONS_H

#include "Node.h"
#include "Vit/VitDialect.h"

namespace vitc::onnx {

/// vit.gelu of a float tensor.
mlir::Value buildGelu(TensorBuilder &b, mlir::Value input, vit::GeluForm form);

/// x / (1 + exp(-alpha * x)).
mlir::Value buildSwish(TensorBuilder &b, mlir::Value input, double alpha);

/// An activation by its op's name, as ONNX Runtime's fused ops carry it; the
/// parameters are the op's attributes in its order.
mlir::FailureOr<mlir::Value> buildActivation(Node &node, mlir::Value input,
                                             llvm::StringRef name,
                                             llvm::ArrayRef<double> parameters);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_ACTIVATIONS_H
