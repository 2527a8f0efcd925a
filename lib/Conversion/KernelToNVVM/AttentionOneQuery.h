//===- AttentionOneQuery.h - A block for each query ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONONEQUERY_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONONEQUERY_H

#include "../KernelToVector/ScoreOperands.h"
#include "DeviceBuilder.h"
#include "vitc/Kernel/AttentionBlock.h"

namespace vitc::kernel {

/// The kernel for blocks of one query.
DeviceKernel buildDeviceAttentionOfOneQuery(AttentionOp op,
                                            const ScoreOperands &operands,
                                            const AttentionBlock &block,
                                            DeviceContext &context);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONONEQUERY_H
