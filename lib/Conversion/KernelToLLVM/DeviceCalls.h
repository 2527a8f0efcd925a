//===- DeviceCalls.h - What entries have a GPU do -------------- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOLLVM_DEVICECALLS_H
#define VITC_CONVERSION_KERNELTOLLVM_DEVICECALLS_H

#include "ContextBuilder.h"
#include "Kernel/KernelDialect.h"

namespace vitc {

/// Replaces a launch by a call of context->launch.
void convertGridLaunch(kernel::GridLaunchOp launch, ContextBuilder &builder,
                       int32_t site);

/// Replaces a read by a call of context->read. It is in no region but its
/// entry's.
void convertRead(kernel::ReadOp read, ContextBuilder &builder);

} // namespace vitc

#endif // VITC_CONVERSION_KERNELTOLLVM_DEVICECALLS_H
