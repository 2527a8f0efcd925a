//===- GemmEpilogue.h - What a gemm does with its sums ----------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMEPILOGUE_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMEPILOGUE_H

#include "GemmProduct.h"

namespace vitc::kernel {

/// Bias, activation, residual and the result of a gemm, vectors of columns at a
/// time.
class DeviceGemmEpilogue {
public:
  DeviceGemmEpilogue(GemmOp op, DeviceBuilder &builder, ColumnVectors vectors);

  struct Row {
    DeviceColumns::Row result;
    std::optional<DeviceColumns::Row> residual;
  };
  Row startRow(const DeviceGemmRow &row) const;
  struct Column {
    mlir::Value number;
    mlir::Value bias; // null without
  };
  Column startColumn(mlir::Value number) const;

  /// What init gets for sums from a column on.
  mlir::Value finish(mlir::Value sums, const Row &row,
                     const Column &column) const;
  void store(mlir::Value values, const Row &row, const Column &column) const {
    result.store(values, row.result, column.number);
  }

private:
  DeviceBuilder &b;
  vit::Activation activation;
  DeviceColumns result;
  std::optional<DeviceColumns> bias, residual;
};

/// Statistics of a chunk of rows, whose tiles a block computes one after the
/// other: each thread sums what it holds of a column, the block their sums.
class DeviceGemmStatistics {
public:
  DeviceGemmStatistics(GemmOp op, DeviceBuilder &builder,
                       const DeviceFragment &fragment, int64_t blockColumns);

  llvm::SmallVector<mlir::Value> getZeros() const;
  /// Sums with `values` of a tile, the fragment's vectors from row `begin` on.
  llvm::SmallVector<mlir::Value> add(const DeviceGemmRows &rows,
                                     mlir::Value begin, mlir::ValueRange values,
                                     mlir::ValueRange sums) const;
  /// Stores those of chunk `number` of all items, columns from `firstColumn`
  /// on.
  void store(mlir::Value number, mlir::Value firstColumn,
             mlir::ValueRange sums) const;

private:
  DeviceBuilder &b;
  int64_t n, blockColumns;
  const DeviceFragment &fragment;
  DevicePointer statistics;
  DevicePointer firstRow; // of the chunk: [blockColumns]
  DevicePointer parts;    // [2][numParts][blockColumns]
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMEPILOGUE_H
