//===- CompileOptions.h - Options of vitc compile ------------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_COMPILEOPTIONS_H
#define VITC_TOOLS_VITC_COMPILEOPTIONS_H

#include "vitc/Import/PictureOptions.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Target/Program.h"
#include "vitc/Verify/Verify.h"
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
  /// What products multiply: "f32" or, on GPUs, "tf32", "bf16" or "f16".
  std::string precision = "f32";
  /// Compare the kernels with the reference before the output is written.
  bool verify = false;
  /// The largest error of a layer, as a part of its largest reference value.
  double tolerance = 1e-4;
  /// Images a run; none: any number.
  std::optional<int64_t> batch;
  std::optional<std::pair<int64_t, int64_t>> imageSize;
  /// Tokens of a text; none: as many as the model takes.
  std::optional<int64_t> maxLength;
  /// Tokens of the text that a generating model reads; none: its default.
  std::optional<int64_t> maxSourceLength;
  /// Values of symbolic sizes, and .npy files of constant inputs, by name.
  std::map<std::string, int64_t> shapes;
  std::map<std::string, std::string> constants;
  /// What the source does not say of pictures and classes.
  import_::PictureOptions pictures;
  /// What the program gives, by name; none: the source's outputs.
  std::vector<std::string> outputs;
  /// .npy files of the program's inputs, by name, where they are known.
  std::map<std::string, std::string> inputFiles;
  /// Whose attention maps are compiled in, as LayerNumbers reads it.
  std::string attentionLayers = "all";
  std::string dumpFolder;
  ProgramOptions program;

  /// Whether the model is an .mlir or .mlirbc file, or IR on standard input.
  bool isModelIR() const;
};

/// Prints a mistake on the command line; false.
bool usageError(const llvm::Twine &message);

/// Gathers the options for pictures and classes. On a mistake prints one line
/// and returns false.
bool parsePictureOptions(CompileOptions &options);

/// Checks and gathers what the command line says. On a mistake prints one line
/// and returns false.
bool parseCompileOptions(CompileOptions &options);

/// The same for vitc run, which has no output and compiles for this machine.
bool parseRunOptions(CompileOptions &options);

/// The same for vitc inspect, which compiles nothing; `json` as --json says.
bool parseInspectOptions(CompileOptions &options, bool &json);

/// What only vitc explain is told: its form, and what the machine can do, in
/// GFLOP/s and GB/s; 0 where it is not known.
struct ExplainOptions {
  bool json = false;
  double peak = 0, bandwidth = 0;
};

/// The same for vitc explain, which writes nothing and compiles for one level,
/// this machine's unless told.
bool parseExplainOptions(CompileOptions &options, ExplainOptions &explain);

/// What only vitc verify is told.
struct VerifyArguments {
  VerifyOptions verify;
  /// A .mlir file of the fuse or the kernel phase; empty: what vitc makes.
  std::string candidate;
};

/// The same for vitc verify, which writes nothing and compiles for this machine
/// unless told.
bool parseVerifyOptions(CompileOptions &options, VerifyArguments &arguments);

/// How compile --verify compares: for every level that this machine can run.
VerifyOptions getVerifyOptions(const CompileOptions &options);

/// The category of vitc's own options, and of those that only reports have.
llvm::cl::OptionCategory &getOptionCategory();
llvm::cl::OptionCategory &getReportCategory();
/// Of those that only verify has.
llvm::cl::OptionCategory &getVerifyCategory();

} // namespace vitc

#endif // VITC_TOOLS_VITC_COMPILEOPTIONS_H
