//===- Movement.h - Reshapes and transposes of batched tensors -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Raising puts movement ops between what it found and what an op of vit takes.
// Dim 0 of a tensor may be dynamic, a multiple of the batch.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_MOVEMENT_H
#define VITC_LIB_TRANSFORMS_MOVEMENT_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace vitc::vit {

/// Whether vit ops take the shape of `tensor` and the functions below move it:
/// it has dims, none of them empty, which are static but for a dim 0 that is a
/// known multiple of the batch.
bool isMovable(mlir::Value tensor);

/// `tensor` in another shape, through tensor.collapse_shape and
/// tensor.expand_shape; `tensor` itself when it has the shape.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value tensor, llvm::ArrayRef<int64_t> shape);

/// linalg.transpose: dim i of the result is dim permutation[i] of `tensor`.
mlir::Value transpose(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value tensor, llvm::ArrayRef<int64_t> permutation);

/// The dims of a tensor with dims [begin, end) merged to one, as a shape.
llvm::SmallVector<int64_t> mergeDims(llvm::ArrayRef<int64_t> shape,
                                     unsigned begin, unsigned end);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MOVEMENT_H
