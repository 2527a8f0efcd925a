//===- GemmPrologue.h - The rows that a product reads -------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H
#define VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H

#include "ElementLoop.h"
#include "MatrixRows.h"

namespace vitc::kernel {

/// Copies the rows of lhs that a task multiplies to the thread's scratch
/// memory, as the gemm changes them: there a row is contiguous, whatever its
/// map, and is changed once for all panels of the task.
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
  /// An index of lhs that may lie outside of [0, extent).
  struct Bound {
    mlir::AffineExpr index;
    int64_t extent;
    bool changesInRun;
  };
  /// A run of a row: [l, l + run.size) of it.
  struct RunPlace {
    llvm::SmallVector<mlir::Value> dims; // of the first element
    mlir::Value target;                  // of the first element
  };

  void findBounds();
  /// Copies the row of lhs at `dims` to the copy from `target` on.
  void emitRow(llvm::SmallVector<mlir::Value> dims, mlir::Value target);
  void emitRuns(llvm::SmallVector<mlir::Value> dims, mlir::Value target,
                bool checksBounds);
  void emitRun(const RunPlace &place);
  void emitCheckedRun(const RunPlace &place);
  /// Copies `count` elements, a vector or a scalar, from `position` of the run.
  void emitElements(const RunPlace &place, mlir::Value position, int64_t count);
  void emitZeros(const RunPlace &place, mlir::Value position, int64_t count);
  /// Calls `body` for the vectors and the rest of a run.
  void forEachVector(
      llvm::function_ref<void(mlir::Value position, int64_t count)> body);
  /// Whether all of a row lies inside; null where that is not known at once.
  mlir::Value isRowInside(llvm::ArrayRef<mlir::Value> dims);
  /// Whether the element at `dims` lies inside.
  mlir::Value isInside(llvm::ArrayRef<mlir::Value> dims);
  mlir::Value isWithin(mlir::Value index, int64_t extent);

  GemmOp op;
  KernelBuilder &b;
  int64_t k;
  Access access;
  mlir::Value lhs, copy, scale, shift; // flat
  Run run;
  mlir::AffineExpr channel; // offset of scale and shift; null without
  int64_t channelStride = 0;
  llvm::SmallVector<Bound> bounds;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GEMMPROLOGUE_H
