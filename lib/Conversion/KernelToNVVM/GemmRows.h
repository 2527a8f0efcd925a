//===- GemmRows.h - The rows that a block of a gemm computes ----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMROWS_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMROWS_H

#include "GemmLhs.h"

namespace vitc::kernel {

/// The rows of a block: `rowBlock` of the rows of all items of the batch; of
/// one item where each has weights of its own; a chunk that has statistics.
class DeviceGemmRows {
public:
  /// Blocks that the rows are cut into, where `op` is launched.
  static mlir::Value countBlocks(GemmOp op, VectorBuilder &builder);

  /// Those of block `number`.
  DeviceGemmRows(GemmOp op, DeviceBuilder &builder, mlir::Value number);

  /// Numbers of the rows: [begin, end).
  mlir::Value getBegin() const { return begin; }
  mlir::Value getEnd() const { return end; }
  /// Row `m`; behind the end the last one.
  DeviceGemmRow at(mlir::Value m) const;
  /// The item; null where a block has rows of several.
  mlir::Value getItem() const { return item; }

private:
  DeviceBuilder &b;
  mlir::Value rowsOfItem, item, begin, end;
  bool isOneItem;
};

/// What differences to the mean are multiplied by.
mlir::Value getNormFactor(VectorBuilder &builder, vit::NormAttr norm,
                          mlir::Value variance);

/// Mean and deviation of rows of lhs, for a gemm that normalises them, in
/// shared memory.
class DeviceRowNorms {
public:
  /// Up to `count` rows at a time.
  DeviceRowNorms(GemmOp op, DeviceBuilder &builder, int64_t count);

  /// Computes those of rows begin, begin + 1, ..., a warp one at a time. All
  /// threads take part; they may read what they get behind it.
  void emit(const DeviceGemmLhs &lhs, const DeviceGemmRows &rows,
            mlir::Value begin);
  /// Lets elements of row begin + r be normalised.
  void load(DeviceGemmLhs::Row &row, mlir::Value r) const;

private:
  struct RowState {
    mlir::Value number; // from the first on
    DeviceGemmLhs::Row row;
    mlir::Value mean; // null: not known, or 0
  };
  /// `size` elements of each row from `begin` on, as far as they are a lane's,
  /// without the mean.
  llvm::SmallVector<mlir::Value> loadElements(const DeviceGemmLhs &lhs,
                                              llvm::ArrayRef<RowState> rows,
                                              mlir::Value begin, int64_t size);
  /// The sum of term(elements) over each row, the same in all lanes.
  llvm::SmallVector<mlir::Value>
  sumRows(const DeviceGemmLhs &lhs, llvm::ArrayRef<RowState> rows,
          llvm::function_ref<mlir::Value(mlir::Value)> term);

  DeviceBuilder &b;
  int64_t k, count;
  vit::NormAttr norm;
  DevicePointer means, factors; // of each row; means null for rms
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMROWS_H
