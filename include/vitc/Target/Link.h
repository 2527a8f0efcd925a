//===- Link.h - Linking programs ----------------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_LINK_H
#define VITC_TARGET_LINK_H

#include "mlir/IR/Location.h"
#include "vitc/Target/CPU.h"

namespace vitc {

/// Links `objects` and the runtime to an executable, a shared library with the
/// C ABI, or one relocatable object, at `path`. Errors are diagnostics at
/// `loc`.
mlir::LogicalResult linkProgram(llvm::ArrayRef<std::string> objects,
                                llvm::StringRef path,
                                const ProgramOptions &options,
                                mlir::Location loc);

/// The folder of the runtime's static libraries, beside the running compiler.
std::string getRuntimeFolder();
/// The C++ compiler driver that links; empty when there is none.
std::string findLinkDriver();

} // namespace vitc

#endif // VITC_TARGET_LINK_H
