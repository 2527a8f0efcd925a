//===- ElementLoop.h - Loops over the elements of a box ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernel.gather and kernel.generic share. A row of the box is its last
// dim; a task is tiling.rows rows. Along a row, index maps that split it, as a
// patch's rows do, are unit-stride within runs of elements: these become
// vectors.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_ELEMENTLOOP_H
#define VITC_CONVERSION_KERNELTOVECTOR_ELEMENTLOOP_H

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

/// Elements along a dim, aligned to their number, over which an offset changes
/// by `stride` a step.
struct Run {
  int64_t size;
  int64_t stride;
};

/// The longest run of `offset` along the last of `numDims` dims, of a size that
/// divides `size`.
Run getRun(mlir::AffineExpr offset, unsigned numDims, int64_t size);

/// Some elements of a row.
struct Elements {
  /// Where each operand's first element lies.
  llvm::SmallVector<mlir::Value> offsets;
  /// 0 or 1: how each operand goes on. Without meaning for one element.
  llvm::SmallVector<int64_t> strides;
  /// A power of two, at most the lanes; for one element, values are scalars.
  int64_t count;

  mlir::Value load(VectorBuilder &builder, mlir::Value flat,
                   unsigned operand) const;
  /// Writes the result, the last operand.
  void store(VectorBuilder &builder, mlir::Value value, mlir::Value flat) const;
};

/// A function's name: "gather_197x768".
std::string getBoxName(llvm::StringRef kernel, llvm::ArrayRef<int64_t> sizes);

/// The loops of one task over a box that operands are accessed at. The last
/// access is the result's.
struct ElementLoop {
  mlir::Value batch;
  llvm::SmallVector<int64_t> sizes;
  int64_t rowsPerTask;
  llvm::SmallVector<Access> accesses;

  void emit(KernelBuilder &builder,
            llvm::function_ref<void(const Elements &)> body) const;
  mlir::Value countTasks(VectorBuilder &builder) const;

private:
  void emitRow(KernelBuilder &builder, mlir::Value row,
               llvm::function_ref<void(const Elements &)> body) const;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ELEMENTLOOP_H
