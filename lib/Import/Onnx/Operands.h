//===- Operands.h - Checks of a node's inputs ------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What ONNX's type checker would have refused: each check names the node, the
// input, and what was found and needed.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_OPERANDS_H
#define VITC_LIB_IMPORT_ONNX_OPERANDS_H

#include "Node.h"

namespace vitc::onnx {

/// Inputs 0 to `count` - 1: present, of one element type, and of shapes that
/// broadcast.
mlir::FailureOr<llvm::SmallVector<Tensor>> getBroadcastInputs(Node &node,
                                                              unsigned count);

/// All inputs of a variadic op, checked alike; at least one.
mlir::FailureOr<llvm::SmallVector<Tensor>> getVariadicInputs(Node &node);

/// An input with float elements.
mlir::FailureOr<Tensor> getFloatInput(Node &node, unsigned index);

/// A float input of `minRank` dims or more.
mlir::FailureOr<Tensor> getFloatInput(Node &node, unsigned index,
                                      int64_t minRank);

/// An input that has to have the element type of input 0.
mlir::LogicalResult verifyTypeOfFirst(Node &node, unsigned index);

/// An input that has to have the element type of input `like`.
mlir::LogicalResult verifySameType(Node &node, unsigned index, unsigned like);

/// An input that has to have exactly `shape`.
mlir::LogicalResult verifyShape(Node &node, unsigned index,
                                llvm::ArrayRef<Size> shape);

/// The static sizes of dims `first` and up of input `index`, or an error.
mlir::FailureOr<llvm::SmallVector<int64_t>>
getStaticSizes(Node &node, unsigned index, int64_t first);

/// Builds the op of the three that fits the operands' type.
template <typename FloatOp, typename SignedOp, typename UnsignedOp>
mlir::Value createByType(mlir::ImplicitLocOpBuilder &b, const Tensor &like,
                         mlir::Value lhs, mlir::Value rhs) {
  if (like.isFloat())
    return FloatOp::create(b, lhs, rhs);
  if (like.isUnsigned)
    return UnsignedOp::create(b, lhs, rhs);
  return SignedOp::create(b, lhs, rhs);
}

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_OPERANDS_H
