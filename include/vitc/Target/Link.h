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
#include "vitc/Target/Program.h"

namespace vitc {

/// Links `objects` and the runtime to an executable, a shared library with the
/// C ABI, or one relocatable object, at `path`. Errors are diagnostics at
/// `loc`.
mlir::LogicalResult linkProgram(llvm::ArrayRef<std::string> objects,
                                llvm::StringRef path,
                                const ProgramOptions &options,
                                mlir::Location loc);

/// The folder of the static libraries of the runtime for `target`, beside the
/// running compiler.
std::string getRuntimeFolder(const CpuTarget &target);
/// The C++ compiler driver that links for `target`; empty when there is none.
std::string findLinkDriver(const CpuTarget &target);
/// The first of the C and C++ libraries that `driver` does not find for
/// `target`; empty when it finds all.
llvm::StringRef findMissingLibrary(llvm::StringRef driver,
                                   const CpuTarget &target);

} // namespace vitc

#endif // VITC_TARGET_LINK_H
