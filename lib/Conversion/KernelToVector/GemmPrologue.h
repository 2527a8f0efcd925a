//===- GemmPrologue.h - The rows that a product reads -------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H
#define VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H

#include "MatrixRows.h"

namespace vitc::kernel {

/// Copies the rows of lhs that a task multiplies to the thread's scratch
/// memory, normalised if the gemm has a norm: there a row is contiguous,
/// whatever its map, and is normalised once for all panels of the task.
class GemmPrologue {
public:
  /// False if the product can read lhs itself.
  static bool isNeeded(GemmOp op);

  GemmPrologue(GemmOp op, KernelBuilder &builder);

  /// The copy, row 0 being the first of the task.
  MatrixRows getRows() const;
  /// Copies rows [begin, end) of all items of the batch.
  void emit(mlir::Value begin, mlir::Value end);

private:
  static Access getAccess(GemmOp op);
  /// Copies the row of lhs at `dims` to the copy from `target` on.
  void emitCopy(llvm::SmallVector<mlir::Value> dims, mlir::Value target);

  GemmOp op;
  KernelBuilder &b;
  int64_t k;
  Access access;
  mlir::Value lhs, copy; // flat
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H
