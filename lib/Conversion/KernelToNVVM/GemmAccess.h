//===- GemmAccess.h - Where a gemm's operands lie ---------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMACCESS_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMACCESS_H

#include "DeviceBuilder.h"

namespace vitc::kernel {

/// The dims of a gemm's maps: the item of the batch, the row, and the place in
/// it, l of lhs and j of what has columns.
enum class GemmDim : unsigned { Item, Row, Place };

/// A row of an item.
struct DeviceGemmRow {
  mlir::Value item, row;
};

/// An index of a gemm's map, or an offset, as a sum: what the row decides is
/// computed once a row, the rest at each place in it.
class SplitIndex {
public:
  SplitIndex() = default;
  explicit SplitIndex(mlir::AffineExpr index);

  /// The row's part.
  mlir::Value startRow(DeviceBuilder &b, const DeviceGemmRow &row) const;
  /// The index; `start` is the row's part.
  mlir::Value at(DeviceBuilder &b, const DeviceGemmRow &row, mlir::Value start,
                 mlir::Value place) const;

private:
  mlir::AffineExpr ofRow, rest;
};

/// How many places, a power of two and `most` at the most, are neighbours in
/// memory from each multiple of as many on, `offset` there being a multiple of
/// it, too: they are read as one vector.
int64_t getVectorWidth(mlir::AffineExpr offset, int64_t size, int64_t most);

/// How threads hold columns of a result: `width` neighbours at a time, from
/// multiples of it on, in blocks of `block`.
struct ColumnVectors {
  int64_t width, block;
};

/// An operand with a map (b, i, j) whose columns threads read or write.
class DeviceColumns {
public:
  DeviceColumns(GemmOp op, DeviceBuilder &b, mlir::Value operand,
                mlir::AffineMap map, ColumnVectors vectors);

  struct Row {
    DeviceGemmRow row;
    mlir::Value start;
  };
  Row startRow(const DeviceGemmRow &row) const;
  /// The columns from `column` on, as f32; those behind n are any numbers.
  mlir::Value load(const Row &row, mlir::Value column) const;
  /// Stores those that the operand has.
  void store(mlir::Value value, const Row &row, mlir::Value column) const;

private:
  mlir::Value loadAt(const Row &row, mlir::Value column, int64_t count) const;
  void storeAt(mlir::Value value, const Row &row, mlir::Value column) const;

  DeviceBuilder &b;
  DevicePointer pointer;
  SplitIndex offset;
  int64_t n, width;
  bool isVector;  // each `width` columns lie side by side
  bool overhangs; // columns behind n are asked for
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMACCESS_H
