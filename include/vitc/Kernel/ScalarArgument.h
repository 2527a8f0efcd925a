//===- ScalarArgument.h - Entries' tensors of rank 0 ----------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_SCALARARGUMENT_H
#define VITC_KERNEL_SCALARARGUMENT_H

#include "llvm/ADT/StringRef.h"

namespace vitc::kernel {

/// Kernels see a tensor of rank 0 as one of one element; an argument that is
/// such has this attribute.
constexpr llvm::StringLiteral kScalarArgumentAttr = "kernel.scalar";

} // namespace vitc::kernel

#endif // VITC_KERNEL_SCALARARGUMENT_H
