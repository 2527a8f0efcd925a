//===- KernelOps.td - All ops of the kernel dialect ----- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_OPS_TD
#define KERNEL_OPS_TD

include "Kernel/Buffers.td"
include "Kernel/Compute.td"
include "Kernel/Convolution.td"
include "Kernel/Generic.td"

#endif // KERNEL_OPS_TD
