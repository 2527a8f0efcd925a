//===- WrittenRows.h - Rows of a product in memory --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_KERNEL_WRITTENROWS_H
#define VITC_LIB_KERNEL_WRITTENROWS_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// A tensor [batch, rows, k] of `element`s for the rows of `gemm`, whose number
/// is constant. The map to it is the identity.
mlir::Value createRows(GemmOp gemm, mlir::Type element,
                       mlir::OpBuilder &builder);

/// A kernel.norm of what `gemm` normalises, which lies in `source`, to such a
/// tensor.
NormOp createNorm(GemmOp gemm, mlir::Value source, mlir::AffineMapAttr map,
                  mlir::Type element, mlir::OpBuilder &builder);

/// Lets `gemm` read its rows as they are from such a tensor.
void readRows(GemmOp gemm, mlir::Value rows);

} // namespace vitc::kernel

#endif // VITC_LIB_KERNEL_WRITTENROWS_H
