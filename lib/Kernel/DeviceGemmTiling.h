//===- DeviceGemmTiling.h - How a GPU cuts products ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_KERNEL_DEVICEGEMMTILING_H
#define VITC_LIB_KERNEL_DEVICEGEMMTILING_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// How the blocks and threads of `gpu` share a product.
GemmTilingAttr getDeviceGemmTiling(GemmOp op, GpuAttr gpu);

} // namespace vitc::kernel

#endif // VITC_LIB_KERNEL_DEVICEGEMMTILING_H
