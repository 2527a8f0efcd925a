//===- GenericReduce.h - Reductions of a kernel.generic ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vectors lie along one dim. Along the last of `sizes`, each lane accumulates
// its own result while the reduced dims run. Along the last reduced dim, lanes
// accumulate parts of one result, which are combined at the end. Either order
// follows from the code alone.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GENERICREDUCE_H
#define VITC_CONVERSION_KERNELTOVECTOR_GENERICREDUCE_H

#include "ElementLoop.h"
#include "GenericBody.h"

namespace vitc::kernel {

/// The reductions of one function.
class GenericReduce {
public:
  GenericReduce(GenericOp op, llvm::ArrayRef<Access> accesses, int64_t lanes,
                KernelBuilder &builder);

  /// True if lanes accumulate parts of one result.
  static bool isAlongReduced(GenericOp op, llvm::ArrayRef<Access> accesses);

  /// Reduces to elements.vectors * elements.count results and stores them.
  void emitResults(const Elements &elements);
  /// Reduces to one result, with vectors along the last reduced dim.
  void emitFolded(const Elements &elements);

private:
  using Indices = llvm::ArrayRef<mlir::Value>;

  /// The accumulator that `count` results at `offset` begin with.
  mlir::Value getStart(mlir::Value offset, int64_t stride, int64_t count);
  /// The accumulator after `count` elements along `lane`. `indices` are of
  /// the reduced dims; the results' indices begin `shift` after those of
  /// `elements`.
  mlir::Value emitStep(const Elements &elements, Indices indices, unsigned lane,
                       int64_t count, int64_t shift, mlir::Value accumulator);
  /// The accumulator of two that took parts of the elements.
  mlir::Value combine(mlir::Value lhs, mlir::Value rhs);
  void store(mlir::Value value, mlir::Value offset, int64_t stride,
             int64_t count);

  GenericOp op;
  llvm::ArrayRef<Access> accesses;
  int64_t lanes;
  KernelBuilder &b;
  GenericBody body;
  llvm::SmallVector<mlir::Value> inputs;
  mlir::Value init;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GENERICREDUCE_H
