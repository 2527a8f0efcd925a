//===- DeviceAttentionTiling.h - How a GPU cuts attention ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_KERNEL_DEVICEATTENTIONTILING_H
#define VITC_LIB_KERNEL_DEVICEATTENTIONTILING_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// How the blocks and threads of `gpu` share attention.
AttentionTilingAttr getDeviceAttentionTiling(AttentionOp op, GpuAttr gpu);
AttentionTilingAttr getDeviceAttentionTiling(AttentionMapOp op, GpuAttr gpu);

} // namespace vitc::kernel

#endif // VITC_LIB_KERNEL_DEVICEATTENTIONTILING_H
