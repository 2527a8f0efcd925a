//===- Compile.cpp - vitc compile -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Imports the model, takes it through the phases and writes what was asked for.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Verbs.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

static LogicalResult compile(const CompileOptions &options,
                             MLIRContext &context, TimingScope &timing) {
  OwningOpRef<ModuleOp> module = loadModel(options, context);
  if (!module || failed(runPhases(*module, options, timing)))
    return failure();
  if (options.emitModule)
    return writeModule(*module, options.program.output);

  FailureOr<ProgramSizes> sizes = emitProgram(*module, options.program);
  if (failed(sizes))
    return failure();
  if (options.program.verbose)
    llvm::errs() << "code " << sizes->code << " bytes, weights "
                 << sizes->weights << " bytes, arena " << sizes->arenaBase
                 << " + " << sizes->arenaPerBatch << " x batch bytes\n";
  return success();
}

int vitc::runCompile() {
  CompileOptions options;
  if (!parseCompileOptions(options))
    return kUsageError;
  return runWithContext(
      options, [&](MLIRContext &context, TimingScope &timing) -> int {
        return failed(compile(options, context, timing)) ? kUserError
                                                         : kSuccess;
      });
}
