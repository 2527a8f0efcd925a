//===- AttentionRows.h - Tokens' rows, to shared memory ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where an operand of attention has its rows, one for each (item, head, token),
// and how the threads of a block copy them. A window's tokens lie at offsets
// full of divisions: these are computed once a block, into a table that the
// operands share.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONROWS_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONROWS_H

#include "../KernelToVector/TokenRows.h"
#include "DeviceBuilder.h"
#include "vitc/Kernel/AttentionBlock.h"
#include "vitc/Kernel/RowLanes.h"

namespace vitc::kernel {

/// An operand's rows of `size` elements.
class DeviceTokenRows {
public:
  DeviceTokenRows(DevicePointer memory, const Access &access, int64_t size)
      : memory(memory), size(size), expr(access.getOffsetWithout(3)),
        divisor(expr.getLargestKnownDivisor()) {}

  DevicePointer getMemory() const { return memory; }
  int64_t getSize() const { return size; }
  mlir::Value getOffset(DeviceBuilder &builder, mlir::Value item,
                        mlir::Value head, mlir::Value token) const;
  /// The most elements, up to `most`, in vectors of which a row can be cut and
  /// read.
  int64_t getVectorWidth(int64_t most = AttentionBlock::kSharedVector) const;

private:
  friend class DeviceTokenTables;

  DevicePointer memory;
  int64_t size;
  mlir::AffineExpr
      expr;            // what is added to the table's element, if there is one
  int64_t divisor;     // of all offsets
  DevicePointer table; // [tokens], or null
};

/// The tables of a kernel, in shared memory.
class DeviceTokenTables {
public:
  explicit DeviceTokenTables(DeviceBuilder &builder) : b(builder) {}

  /// Lets `rows` of `tokens` tokens an item use a table where that pays.
  DeviceTokenRows add(DeviceTokenRows rows, const Access &access,
                      mlir::Value tokens);
  /// Computes the tables of `item`. They are there behind a barrier, which is
  /// part of it.
  void fill(mlir::Value item);

private:
  struct Table {
    mlir::AffineExpr expr; // of (item, -, token)
    int64_t tokens;
    DevicePointer memory;
  };

  DeviceBuilder &b;
  llvm::SmallVector<Table> tables;
};

/// Rows in shared memory. With a `pieceStride`, pieces of as many columns as
/// `stride` lie that far apart, of 128 bytes a row whose vectors of 16 bytes
/// are swizzled: vector v of row r is at v ^ r % 8.
struct SharedRows {
  DevicePointer memory;
  int64_t stride;
  int64_t pieceStride = 0;

  /// Where an element lies; neighbours of its vector of 16 bytes do, too.
  mlir::Value getOffset(DeviceBuilder &builder, mlir::Value row,
                        mlir::Value column) const;
};

/// Starts to copy the rows of the `count` tokens from `first` on, of which
/// those from `end` on are zeros: all threads take part, waitForCopies ends it.
/// Elements of another type than the target's become f32.
void copyRows(DeviceBuilder &builder, const DeviceTokenRows &rows,
              mlir::Value item, mlir::Value head, mlir::Value first,
              mlir::Value end, int64_t count, SharedRows target);

/// Writes zeros to the columns [begin, end) of `count` rows.
void clearColumns(DeviceBuilder &builder, SharedRows target, int64_t count,
                  int64_t begin, int64_t end);

/// The `width` neighbours at an offset, as f32 each.
llvm::SmallVector<mlir::Value> loadFloats(DeviceBuilder &builder,
                                          DevicePointer pointer,
                                          mlir::Value offset, int64_t width);
/// Writes neighbours, rounded to the elements of memory.
void storeFloats(DeviceBuilder &builder, mlir::ValueRange values,
                 DevicePointer pointer, mlir::Value offset);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONROWS_H
