//===- GemmProduct.h - Tiles of a gemm multiplied by a block ----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMPRODUCT_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMPRODUCT_H

#include "GemmTiles.h"
#include <memory>

namespace vitc::kernel {

/// What a thread holds of a block's rowBlock x panels * 64 results: in each of
/// its rows vectors of `width` neighbouring columns.
struct DeviceFragment {
  llvm::SmallVector<mlir::Value> rows; // in the block; only the first may be 0
  llvm::SmallVector<mlir::Value>
      columns; // in the block, of each vector's first
  int64_t width;
  /// Which of the threads that hold a column this one is, and how many do.
  mlir::Value part;
  int64_t numParts;
};

/// Multiplies tiles in shared memory, sums in registers.
class DeviceTileProduct {
public:
  /// By FMA units for weights of f32, by tensor cores for others.
  static std::unique_ptr<DeviceTileProduct> create(GemmOp op, DeviceBuilder &b);
  /// Threads of a block.
  static int64_t countThreads(GemmOp op);
  virtual ~DeviceTileProduct() = default;

  const GemmTileShape &getShape() const { return shape; }
  const DeviceFragment &getFragment() const { return fragment; }

  /// Sums before the first step.
  virtual llvm::SmallVector<mlir::Value> getZeros() = 0;
  /// Sums with the products of a stage.
  virtual llvm::SmallVector<mlir::Value> multiply(DevicePointer lhs,
                                                  DevicePointer weights,
                                                  mlir::Value stage,
                                                  mlir::ValueRange sums) = 0;
  /// The vectors of the fragment's rows, one row after the other.
  virtual llvm::SmallVector<mlir::Value> getVectors(mlir::ValueRange sums) = 0;

protected:
  DeviceTileProduct(GemmOp op, DeviceBuilder &b);

  DeviceBuilder &b;
  GemmTilingAttr tiling;
  GemmTileShape shape;
  DeviceFragment fragment;
};

std::unique_ptr<DeviceTileProduct> createFmaProduct(GemmOp op,
                                                    DeviceBuilder &b);
std::unique_ptr<DeviceTileProduct> createTensorProduct(GemmOp op,
                                                       DeviceBuilder &b);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMPRODUCT_H
