//===- Body.h - The body of a structured op over many points ---*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_ANALYSIS_EVALUATE_BODY_H
#define VITC_LIB_ANALYSIS_EVALUATE_BODY_H

#include "Lanes.h"
#include "Ops.h"
#include "mlir/IR/AffineMap.h"

namespace vitc {

/// A run of points of nested loops, in their order.
class Points {
public:
  explicit Points(llvm::ArrayRef<int64_t> sizes);
  void set(int64_t begin, int64_t count);
  int64_t count() const { return indices.empty() ? 1 : indices[0].size(); }
  /// Index of loop `dim` at each point.
  llvm::ArrayRef<int64_t> index(unsigned dim) const { return indices[dim]; }
  /// `expr`, on the loops, at each point.
  std::vector<int64_t> evaluate(mlir::AffineExpr expr) const;
  /// Offsets of the elements of a tensor of `shape` that `map` reads; fails if
  /// one lies outside.
  mlir::FailureOr<std::vector<int64_t>>
  getOffsets(mlir::AffineMap map, llvm::ArrayRef<int64_t> shape) const;
  /// Overwrites the index of a loop, for a walk in another order.
  std::vector<int64_t> &mutableIndex(unsigned dim) { return indices[dim]; }

private:
  llvm::SmallVector<int64_t> sizes;
  std::vector<std::vector<int64_t>> indices;
};

/// Evaluates the ops of `block`: scalar ops, linalg.index, tensor.extract.
class Body {
public:
  Body(mlir::Block &block, ValueLookup lookup) : block(block), lookup(lookup) {}
  /// Lanes of a block argument, to be set before each run.
  Lanes &operator[](mlir::Value value);
  /// `points` has an index for each dim that linalg.index asks for.
  mlir::LogicalResult run(const Points &points, int64_t count);
  /// Lanes of a value of the block, or of a scalar from outside; null if that
  /// is not a constant.
  const Lanes *getOperand(mlir::Value value, int64_t count);

private:
  mlir::LogicalResult runOp(mlir::Operation *op, const Points &points,
                            int64_t count);
  mlir::LogicalResult runExtract(mlir::Operation *op, int64_t count);

  mlir::Block &block;
  ValueLookup lookup;
  llvm::DenseMap<mlir::Value, std::unique_ptr<Lanes>> lanes;
};

} // namespace vitc

#endif // VITC_LIB_ANALYSIS_EVALUATE_BODY_H
