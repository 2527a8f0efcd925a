//===- ElementLoop.h - Loops over the elements of a box ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernel.gather and kernel.generic share. A row of the box is its last
// dim; a task is some rows, or a piece of a long one. Along a row, index maps
// that split it, as a patch's rows do, have a constant stride within runs of
// elements: these become vectors.
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

/// The longest run of `offset` along `dim`, of a size that divides `size`.
Run getRun(mlir::AffineExpr offset, unsigned dim, int64_t size);

/// Some elements of a row: `vectors` times `count` of them.
struct Elements {
  /// Indices of the first element; those of reduced dims are 0.
  llvm::SmallVector<mlir::Value> dims;
  /// Where each operand's first element lies.
  llvm::SmallVector<mlir::Value> offsets;
  /// How each operand goes on. Without meaning for one element.
  llvm::SmallVector<int64_t> strides;
  /// A power of two, at most the lanes; for one element, values are scalars.
  int64_t count;
  int64_t vectors;
};

/// Loads `count` elements that lie `stride` apart: a scalar for a stride of 0
/// or a count of 1, else a vector.
mlir::Value loadElements(VectorBuilder &builder, mlir::Value flat,
                         mlir::Value offset, int64_t stride, int64_t count);
/// Stores the elements of `value`, a scalar for a count of 1, `stride` apart.
void storeElements(VectorBuilder &builder, mlir::Value value, mlir::Value flat,
                   mlir::Value offset, int64_t stride, int64_t count);
/// `value` as a vector of `count` if it is a scalar; itself for a count of 1.
mlir::Value broadcastElements(VectorBuilder &builder, mlir::Value value,
                              int64_t count);

/// Elements of a shaped or scalar type in a vector register.
int64_t getTypeLanes(mlir::Type type, const VectorBuilder &builder);

/// A function's name: "gather_197x768".
std::string getBoxName(llvm::StringRef kernel, llvm::ArrayRef<int64_t> sizes);

/// The loops of one task over a box that operands are accessed at. The last
/// access is the result's. Dims behind the box's own are 0.
struct ElementLoop {
  mlir::Value batch;
  llvm::SmallVector<int64_t> sizes;
  int64_t rowsPerTask;
  /// A longer row is cut into pieces of about as many elements, each a task's;
  /// 0: none is.
  int64_t columnsPerTask = 0;
  llvm::SmallVector<Access> accesses;
  /// Elements of a vector, and vectors that a body gets at once.
  int64_t lanes;
  int64_t vectors = 1;
  /// Whether vectors also form where some operands lie apart: for bodies that
  /// compute.
  bool gathersLanes = false;
  /// Whether every element is a row of its own.
  bool hasScalarRows = false;

  /// Makes one row of several short ones that follow each other in all
  /// operands. Indices of the joined dims lose their meaning.
  void joinShortRows();
  void emit(KernelBuilder &builder,
            llvm::function_ref<void(const Elements &)> body) const;
  mlir::Value countTasks(VectorBuilder &builder) const;

private:
  using Body = llvm::function_ref<void(const Elements &)>;
  /// How a row goes on: in runs of `size` elements, in which each operand has
  /// its stride.
  struct RowRuns {
    int64_t size;
    llvm::SmallVector<int64_t> strides;
  };
  /// Elements [begin, end) of a row or a run; `size` says where all end.
  struct Span {
    mlir::Value begin, end;
    int64_t size;
  };

  llvm::SmallVector<mlir::Value>
  getOffsets(VectorBuilder &builder, llvm::ArrayRef<mlir::Value> dims) const;
  int64_t countRows() const;
  RowRuns getRowRuns() const;
  int64_t getPieceColumns() const;
  int64_t countPieces() const;
  void emitRow(KernelBuilder &builder, mlir::Value row, Span piece,
               Body body) const;
  /// `dims` are of the run's first element.
  void emitRun(KernelBuilder &builder, llvm::ArrayRef<mlir::Value> dims,
               llvm::ArrayRef<int64_t> strides, Span positions,
               Body body) const;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ELEMENTLOOP_H
