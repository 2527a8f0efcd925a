//===- Warpgroup.h - Products of warpgroups --------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma of sm_90a: a warpgroup multiplies 64 rows by up to 256 columns of 16
// terms, f16 or bf16, and adds to f32. Of a warp's 16 rows a lane has what
// TensorCore.h says. PTX ISA 9.0, 9.7.15: pictures of the fragments of
// m64nNk16, and the matrix descriptor.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_WARPGROUP_H
#define VITC_CONVERSION_KERNELTONVVM_WARPGROUP_H

#include "DeviceBuilder.h"

namespace vitc::kernel {

/// Terms of an instruction.
inline constexpr int64_t kWarpgroupTerms = 16;

/// How a matrix lies in shared memory: in cores of 8 rows of 16 bytes, dense,
/// or swizzled in rows of 128 bytes.
struct MatrixLayout {
  int64_t leadingBytes, strideBytes; // as a descriptor has them
  bool isSwizzled = false;
};

/// wgmma's word for the matrix from `address` on.
mlir::Value getMatrixDescriptor(DeviceBuilder &builder, mlir::Value address,
                                const MatrixLayout &layout);
/// The word for what lies as many kDescriptorBytes further.
inline constexpr int64_t kDescriptorBytes = 16;
mlir::Value advanceDescriptor(DeviceBuilder &builder, mlir::Value descriptor,
                              mlir::Value count);

/// Begins a group of products, before which everything is written that they
/// name, and ends it: their operands are read and their sums are there.
void startProducts(DeviceBuilder &builder);
void finishProducts(DeviceBuilder &builder);
/// Adds lhs x rhs to a lane's sums, two of each row and eight columns. `lhs` is
/// a descriptor or the four words of a lane, `rhs` a descriptor of rows along
/// the terms, or along the columns where it is transposed. Sums that are
/// constants, zeros, are none yet.
llvm::SmallVector<mlir::Value>
multiplyAdd(DeviceBuilder &builder, mlir::Type element, mlir::ValueRange lhs,
            mlir::Value rhs, bool isTransposed, mlir::ValueRange sums);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_WARPGROUP_H
