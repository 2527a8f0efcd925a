//===- Passes.h - Passes from kernel to kernel --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_PASSES_H
#define VITC_KERNEL_PASSES_H

#include "mlir/Pass/Pass.h"

namespace vitc::kernel {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vitc/Kernel/Passes.h.inc"

} // namespace vitc::kernel

#endif // VITC_KERNEL_PASSES_H
