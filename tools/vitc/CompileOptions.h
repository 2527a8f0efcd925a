//===- CompileOptions.h - Options of vitc compile ------------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_COMPILEOPTIONS_H
#define VITC_TOOLS_VITC_COMPILEOPTIONS_H

#include "vitc/Pipelines/CPU.h"
#include "vitc/Target/CPU.h"
#include "llvm/Support/CommandLine.h"
#include <map>
#include <optional>
#include <string>

namespace vitc {

struct CompileOptions {
  /// A model folder, zoo:NAME, a .mlir file or "-".
  std::string model;
  Phase compileFrom = Phase::Import, compileTo = Phase::LLVM;
  /// Write the module of phase compileTo instead of a program.
  bool emitModule = false;
  /// Images a run; none: any number.
  std::optional<int64_t> batch;
  std::optional<std::pair<int64_t, int64_t>> imageSize;
  /// Values of symbolic sizes, and .npy files of constant inputs, by name.
  std::map<std::string, int64_t> shapes;
  std::map<std::string, std::string> constants;
  /// .npy files of the program's inputs, by name, where they are known.
  std::map<std::string, std::string> inputFiles;
  std::string dumpFolder;
  ProgramOptions program;

  /// Whether the model is an .mlir or .mlirbc file, or IR on standard input.
  bool isModelIR() const;
};

/// Checks and gathers what the command line says. On a mistake prints one line
/// and returns false.
bool parseCompileOptions(CompileOptions &options);

/// The same for vitc run, which has no output and compiles for this machine.
bool parseRunOptions(CompileOptions &options);

/// The same for vitc inspect, which compiles nothing; `json` as --json says.
bool parseInspectOptions(CompileOptions &options, bool &json);

/// The category of vitc's own options, and of those that only inspect has.
llvm::cl::OptionCategory &getOptionCategory();
llvm::cl::OptionCategory &getInspectCategory();

} // namespace vitc

#endif // VITC_TOOLS_VITC_COMPILEOPTIONS_H
