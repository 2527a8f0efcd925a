//===- Inspect.cpp - vitc inspect -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Imports and raises the model and says what is in it; compiles nothing.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "InspectReport.h"
#include "Verbs.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

/// Takes the module through the raise phase; keeps the remarks of what could
/// not be raised.
static LogicalResult raise(ModuleOp module, const CompileOptions &options,
                           TimingScope &timing, InspectReport &report) {
  RemarkHandler handler(module.getContext(), report.remarks);
  return runPhases(module, options, timing);
}

int vitc::runInspect() {
  CompileOptions options;
  bool json = false;
  if (!parseInspectOptions(options, json))
    return kUsageError;
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) -> int {
        OwningOpRef<ModuleOp> module = loadModel(options, context);
        InspectReport report;
        if (!module || failed(raise(*module, options, timing, report)))
          return kUserError;
        report.collect(*module);
        if (json)
          report.printJson(llvm::outs());
        else
          report.print(llvm::outs(), options.program.verbose);
        return kSuccess;
      });
}
