//===- AttentionProducts.h - Products of attention on a GPU --- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries x keys and probabilities x values of a block, by multiply-adds or by
// tensor cores: which scores and results a thread has, and what lies in shared
// memory for it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONPRODUCTS_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONPRODUCTS_H

#include "AttentionRows.h"
#include "vitc/Kernel/AttentionBlock.h"
#include <memory>

namespace vitc::kernel {

/// The operands of a block's products; none without a product.
struct AttentionFactors {
  std::optional<DeviceTokenRows> queries, keys, values;
};

/// A thread's products are numbered row * columns + column, its results
/// row * elements + element. Copies and products may touch the same memory:
/// barriers between them are the caller's.
class AttentionProducts {
public:
  virtual ~AttentionProducts();

  const AttentionBlock &getBlock() const { return block; }
  /// The query of a thread's row and the key of its column, in the block.
  virtual mlir::Value getRow(int64_t row) = 0;
  virtual mlir::Value getColumn(int64_t column) = 0;
  /// Elements of a row of results that a thread has.
  int64_t getElements() const {
    return block.getVectors() * block.getVectorWidth();
  }
  /// The first element of a thread's vector of results.
  mlir::Value getElement(int64_t vector);

  /// Clears what copies leave out; once, before the first barrier.
  void clearPadding();
  /// Start to copy the rows of tokens from `first` on; those from `end` on
  /// become zeros. Of values, `depth` are copied.
  void startQueries(mlir::Value item, mlir::Value head, mlir::Value first,
                    mlir::Value end);
  void startKeys(mlir::Value item, mlir::Value head, mlir::Value first,
                 mlir::Value end);
  void startValues(mlir::Value item, mlir::Value head, mlir::Value first,
                   mlir::Value end, int64_t depth);
  /// Waits for this thread's copies, which products see behind a barrier.
  virtual void finishCopies();

  /// The products of a thread's queries and its first `columns` keys.
  virtual llvm::SmallVector<mlir::Value> multiplyKeys(int64_t columns) = 0;
  /// Keeps probabilities of `columns` keys for multiplyValues, behind a
  /// barrier.
  virtual void keepProbabilities(llvm::ArrayRef<mlir::Value> probabilities,
                                 int64_t columns) = 0;
  /// Adds probabilities x values of the first `depth` keys to `results`.
  virtual llvm::SmallVector<mlir::Value>
  multiplyValues(mlir::ValueRange results, int64_t depth) = 0;
  /// Rows of probabilities that were kept in shared memory.
  virtual SharedRows getProbabilities() = 0;

protected:
  /// Takes shared memory for elements of type `element`.
  AttentionProducts(DeviceBuilder &builder, const AttentionBlock &block,
                    const AttentionFactors &factors, mlir::Type element);

  DeviceBuilder &b;
  AttentionBlock block;
  AttentionFactors factors;
  SharedRows queries, keys, values; // without memory where there are none
};

std::unique_ptr<AttentionProducts>
createFmaProducts(DeviceBuilder &builder, const AttentionBlock &block,
                  const AttentionFactors &factors);
std::unique_ptr<AttentionProducts>
createTensorProducts(DeviceBuilder &builder, const AttentionBlock &block,
                     const AttentionFactors &factors);
std::unique_ptr<AttentionProducts>
createWarpgroupProducts(DeviceBuilder &builder, const AttentionBlock &block,
                        const AttentionFactors &factors);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONPRODUCTS_H
