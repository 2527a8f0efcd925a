//===- Isa.h - Which instruction sets the machine has --------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ISA_H
#define VITC_LIB_RUNTIME_ISA_H

#include "vitc/Runtime/Descriptor.h"

#include <string>
#include <string_view>

namespace vitc::rt {

/// Whether processor and system can run code of this level, e.g.
/// "x86-64-v4"; false for a level of another architecture or unknown name.
bool machineHasIsa(std::string_view isa);

/// The code of `entry` for `isa`, or, when it is null or "native", the best
/// that the machine has. Throws Failure(VITC_UNSUPPORTED) when the file or the
/// machine lacks it.
const CodeDescriptor &chooseCode(const EntryDescriptor &entry, const char *isa);

/// Whether kernels run on a GPU: then all of the entry's code is for some.
bool needsGpu(const EntryDescriptor &entry);

/// The levels in the file, "x86-64-v4, x86-64-v3".
std::string listIsas(const EntryDescriptor &entry);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ISA_H
