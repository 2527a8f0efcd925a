//===- Driver.h - What verbs on a model share ----------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_DRIVER_H
#define VITC_TOOLS_VITC_DRIVER_H

#include "CompileOptions.h"
#include "vitc/Verify/Verify.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/Timing.h"
#include <set>

namespace vitc {

/// Calls `body` with all dialects registered and diagnostics printed, one line
/// a message; returns its exit code.
int runWithContext(
    const CompileOptions &options,
    llvm::function_ref<int(mlir::MLIRContext &, mlir::TimingScope &)> body);

/// Imports the model, or reads its IR; null on error. `boundInputs`, unless
/// null, gets the names among options.inputFiles that became constants.
mlir::OwningOpRef<mlir::ModuleOp>
loadModel(const CompileOptions &options, mlir::MLIRContext &context,
          std::set<std::string> *boundInputs = nullptr);

/// Reads IR from a file; null on error.
mlir::OwningOpRef<mlir::ModuleOp> readModule(llvm::StringRef path,
                                             mlir::MLIRContext &context);

/// Takes the module from phase compileFrom to compileTo, dumping each that is
/// reached where options.dumpFolder says so. `raised`, unless null, gets a copy
/// of the module in the raise phase.
mlir::LogicalResult
runPhases(mlir::ModuleOp module, const CompileOptions &options,
          mlir::TimingScope &timing,
          mlir::OwningOpRef<mlir::ModuleOp> *raised = nullptr);

/// Compares the kernels with the model in the raise phase. Returns an exit code
/// of vitc; `printsReport` for a summary on stdout.
int verifyModule(mlir::ModuleOp raised, mlir::ModuleOp kernels,
                 const VerifyOptions &options, bool printsReport,
                 mlir::TimingScope &timing);

/// Writes a module as text. Locations are kept, unless the user decides: they
/// carry the source's names, and compiling the file again gives the same bytes.
mlir::LogicalResult writeModule(mlir::ModuleOp module, llvm::StringRef path);

} // namespace vitc

#endif // VITC_TOOLS_VITC_DRIVER_H
