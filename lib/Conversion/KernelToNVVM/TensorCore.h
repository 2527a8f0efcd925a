//===- TensorCore.h - Instructions of tensor cores ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp multiplies 16 rows by 8 columns of 8 words of terms, 16 of f16 or bf16
// or 8 of tf32, and adds to f32. Of its lanes, lane = 4 * g + t, a lane has the
// results 2 t and 2 t + 1 of rows g and g + 8: PTX ISA 9.0, 9.7.14, pictures of
// the fragments of mma.m16n8k16, and of mma.m16n8k8 for tf32, whose operands
// lie as words where those lie as pairs.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_TENSORCORE_H
#define VITC_CONVERSION_KERNELTONVVM_TENSORCORE_H

#include "DeviceBuilder.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace vitc::kernel {

class TensorCore {
public:
  static constexpr int64_t kRows = 16, kColumns = 8, kWords = 8;
  /// Terms of 16 bits.
  static constexpr int64_t kTerms = 16;
  /// Rows of a matrix that ldmatrix reads, of as many terms of 16 bits.
  static constexpr int64_t kMatrix = 8;
  /// Neighbouring results of a lane, in each of its two rows.
  static constexpr int64_t kPair = 2;
  /// Results of a lane.
  static constexpr int64_t kSums = 4;

  TensorCore(DeviceBuilder &builder, mlir::Type element)
      : b(builder), element(element) {}

  /// A word of one or two elements as instructions take it.
  mlir::Value toOperand(mlir::Value word);
  /// `count` matrices, of which eight lanes each name the rows. Column-major
  /// layout transposes them.
  llvm::SmallVector<mlir::Value>
  loadMatrices(DevicePointer row, int64_t count,
               mlir::NVVM::MMALayout layout = mlir::NVVM::MMALayout::row);
  /// Adds rows x columns, four and two operands, to a lane's sums of a tile.
  void multiplyAdd(mlir::ValueRange rows, mlir::ValueRange columns,
                   llvm::MutableArrayRef<mlir::Value> sums);

private:
  DeviceBuilder &b;
  mlir::Type element;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_TENSORCORE_H
