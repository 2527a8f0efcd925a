//===- MovedProduct.h - Products whose results are moved ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What follows a product element by element may run in its epilogue, also where
// windows, heads, transposes and reshapes lie between: it moves with them.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_MOVEDPRODUCT_H
#define VITC_LIB_TRANSFORMS_MOVEDPRODUCT_H

#include "Vit/VitDialect.h"
#include "mlir/IR/PatternMatch.h"

namespace vitc::vit {

/// A vit.linear or vit.conv2d and the ops that move its elements to a value.
/// The value may have several users, all before it has one.
struct MovedProduct {
  mlir::Operation *product;
  /// From the value up to the product. Each moves all elements of its operand
  /// 0 to one place of its result.
  llvm::SmallVector<mlir::Operation *> movement;

  LinearOp getLinear() const { return llvm::dyn_cast<LinearOp>(product); }
  Conv2dOp getConv2d() const { return llvm::dyn_cast<Conv2dOp>(product); }
  mlir::Value getResult() const { return product->getResult(0); }
  Activation getActivation() const;
  mlir::Value getResidual() const;
  /// Whether an activation or a residual may still be added: there is neither.
  bool isPlain() const;
  void setActivation(Activation activation) const;

  /// The dim of the value that the product's channels are; none where they are
  /// merged with another dim or split.
  std::optional<unsigned> getChannelDim() const;

  /// A tensor of the value's type, moved back to the order of the product's
  /// result.
  mlir::Value moveBack(mlir::OpBuilder &builder, mlir::Value tensor) const;
  /// The value, where `result` has the place of the product's.
  mlir::Value moveAgain(mlir::OpBuilder &builder, mlir::Value result) const;
};

/// The product that `value` holds the elements of.
std::optional<MovedProduct> getMovedProduct(mlir::Value value);

/// The op that gives `tensor`, of the type of the result of `op`, the order of
/// the operand that `op` moves; null for an op that drops or repeats elements,
/// or computes.
mlir::Value moveBack(mlir::OpBuilder &builder, mlir::Operation *op,
                     mlir::Value tensor);

/// Whether `op` moves each element of its operand 0 to one place, and does
/// nothing else.
bool isInvertible(mlir::Operation *op);

/// The dim of a tensor that `dim` of a value is, which `movement` moves there
/// from the tensor; the last op comes first, all are invertible. None where it
/// is several dims, or a part of one.
std::optional<unsigned> getSourceDim(llvm::ArrayRef<mlir::Operation *> movement,
                                     unsigned dim);

/// The dim of `value` that `dim` of the tensor is.
std::optional<unsigned> getMovedDim(llvm::ArrayRef<mlir::Operation *> movement,
                                    mlir::Value value, unsigned dim);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MOVEDPRODUCT_H
