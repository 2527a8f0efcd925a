//===- AttentionTensor.h - Attention by tensor cores ----------- -*- C++
//-*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONTENSOR_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONTENSOR_H

#include "AttentionProducts.h"
#include "TensorCore.h"

namespace vitc::kernel {

/// A warp has 16 queries and all keys of a block.
class TensorProducts : public AttentionProducts {
public:
  TensorProducts(DeviceBuilder &builder, const AttentionBlock &block,
                 const AttentionFactors &factors);

  mlir::Value getRow(int64_t row) override;
  mlir::Value getColumn(int64_t column) override;
  llvm::SmallVector<mlir::Value> multiplyKeys(int64_t columns) override;
  void keepProbabilities(llvm::ArrayRef<mlir::Value> values,
                         int64_t columns) override;
  llvm::SmallVector<mlir::Value> multiplyValues(mlir::ValueRange results,
                                                int64_t depth) override;
  SharedRows getProbabilities() override {
    llvm_unreachable("probabilities are in registers");
  }

protected:
  /// Results row by row, as the sums of tiles of eight columns; and back.
  static llvm::SmallVector<mlir::Value> toTiles(mlir::ValueRange results);
  static llvm::SmallVector<mlir::Value> toRows(mlir::ValueRange tiles);
  /// The probabilities that an instruction multiplies, of as many keys as it
  /// has terms: those of 16 bits are 16.
  llvm::SmallVector<mlir::Value> getProbabilityWords(int64_t step) const;

  mlir::Type element;
  TensorCore core;

private:
  /// Where a lane finds its first values.
  DevicePointer getFirstValues();
  /// The operands of two products, of 8 elements of values each.
  llvm::SmallVector<mlir::Value> loadValues(DevicePointer first, int64_t key,
                                            int64_t column);

  int64_t vector;       // elements of a row of a matrix that ldmatrix reads
  mlir::Value firstRow; // of the warp, in the block
  mlir::Value group, thread; // g and t
  llvm::SmallVector<mlir::Value> probabilities;
  int64_t keptColumns = 0;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONTENSOR_H
