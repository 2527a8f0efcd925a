//===- GemmLayout.h - How the operands of a product lie ------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_GEMMLAYOUT_H
#define VITC_KERNEL_GEMMLAYOUT_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// Whether the elements of each row of lhs lie side by side.
bool hasContiguousRows(GemmOp op);

/// Whether the product needs a copy of its rows of lhs: they are changed, or
/// their elements do not lie side by side.
bool copiesRows(GemmOp op);

/// Whether oneDNN can read lhs: as it is, in rows at constant strides.
bool canOneDNNRead(GemmOp op);

/// Whether all but lhs is as oneDNN needs it: result and residual of f32 in
/// rows at constant strides, and weights that all items of the batch share.
bool canOneDNNWrite(GemmOp op);

} // namespace vitc::kernel

#endif // VITC_KERNEL_GEMMLAYOUT_H
