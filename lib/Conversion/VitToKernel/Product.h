//===- Product.h - A contraction as a gemm ------------------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_PRODUCT_H
#define VITC_CONVERSION_VITTOKERNEL_PRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace vitc {

/// Which loops of a contraction are what to kernel.gemm. A dynamic loop is the
/// first of its list.
struct Product {
  mlir::OpOperand *lhs; // the operand with the rows
  mlir::OpOperand *rhs; // the operand with the columns, packed
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<unsigned> batch, rows, columns, sum;
  /// The dynamic size is this times the batch.
  int64_t batchMultiple = 1;
  /// The columns are the last dims of the result.
  bool isInOrder = false;
  /// rhs is constant and the same for each item of the batch.
  bool isPacked = false;
  bool hasWeightsPerItem = false;

  bool isDynamic(llvm::ArrayRef<unsigned> loops) const;
  /// The product of the static sizes of loops.
  int64_t count(llvm::ArrayRef<unsigned> loops) const;
  /// As count, or dynamic.
  int64_t getExtent(llvm::ArrayRef<unsigned> loops) const;
  /// From three dims, each running over a list of loops, to all loops; loops on
  /// no list are 0.
  mlir::AffineMap getLoopMap(llvm::ArrayRef<unsigned> first,
                             llvm::ArrayRef<unsigned> second,
                             llvm::ArrayRef<unsigned> third,
                             mlir::MLIRContext *context) const;
};

/// How kernel.gemm computes a contraction; none where it cannot.
std::optional<Product> chooseProduct(mlir::linalg::LinalgOp op);

/// The packed tensor of a product's operand: packedSize elements, for each item
/// of the batch that has weights of its own.
mlir::RankedTensorType getPackedType(const Product &product);

/// From the indices of that operand to their place in the packed tensor. None
/// where the tail panel's width is another than the others'.
std::optional<mlir::AffineMap> getPackedMap(const Product &product);

/// Whether `op` is a contraction of f32 that kernel.gemm computes.
bool isProduct(mlir::linalg::LinalgOp op);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_PRODUCT_H
