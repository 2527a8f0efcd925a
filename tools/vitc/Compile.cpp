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
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

/// On stderr, as the program itself may go to stdout.
static void printSizes(const ProgramSizes &sizes) {
  auto megabytes = [](int64_t bytes) {
    return llvm::format("%.3f MB", static_cast<double>(bytes) * 1e-6);
  };
  llvm::raw_ostream &os = llvm::errs();
  if (!sizes.code.empty()) {
    os << "code ";
    llvm::interleaveComma(sizes.code, os, [&](const ProgramSizes::Code &level) {
      os << megabytes(level.bytes) << " " << level.isa;
    });
    os << "; ";
  }
  os << "weights " << megabytes(sizes.weights) << "; arena ";
  if (sizes.arenaBase != 0 || sizes.arenaPerBatch == 0)
    os << megabytes(sizes.arenaBase);
  if (sizes.arenaPerBatch != 0)
    os << (sizes.arenaBase != 0 ? " + " : "") << megabytes(sizes.arenaPerBatch)
       << " an image";
  os << "\n";
}

static LogicalResult write(ModuleOp module, const CompileOptions &options) {
  if (options.emitModule)
    return writeModule(module, options.program.output);

  FailureOr<ProgramSizes> sizes = emitProgram(module, options.program);
  if (failed(sizes))
    return failure();
  if (!options.program.dryRun)
    printSizes(*sizes);
  return success();
}

static int compile(const CompileOptions &options, MLIRContext &context,
                   TimingScope &timing) {
  OwningOpRef<ModuleOp> module = loadModel(options, context), raised;
  if (!module || failed(runPhases(*module, options, timing,
                                  options.verify ? &raised : nullptr)))
    return kUserError;
  if (options.verify)
    if (int code = verifyModule(*raised, *module, getVerifyOptions(options),
                                /*printsReport=*/false, timing))
      return code;
  return failed(write(*module, options)) ? kUserError : kSuccess;
}

int vitc::runCompile() {
  CompileOptions options;
  if (!parseCompileOptions(options))
    return kUsageError;
  return runWithContext(options,
                        [&](MLIRContext &context, TimingScope &timing) -> int {
                          return compile(options, context, timing);
                        });
}
