//===- KernelToOneDNN.h - Gemms as calls of oneDNN ----------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOONEDNN_KERNELTOONEDNN_H
#define VITC_CONVERSION_KERNELTOONEDNN_KERNELTOONEDNN_H

#include "Kernel/KernelDialect.h"

namespace vitc {

class ContextBuilder;

/// Replaces a gemm by a call of the runtime's oneDNN product, whose weights
/// have the same packed layout as our own kernels'. Reports rows that are not
/// at constant strides.
mlir::LogicalResult convertGemmToOneDNN(kernel::GemmOp gemm,
                                        ContextBuilder &builder, int32_t site);

} // namespace vitc

#endif // VITC_CONVERSION_KERNELTOONEDNN_KERNELTOONEDNN_H
