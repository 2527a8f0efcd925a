//===- Program.h - What a compiled module becomes ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_H
#define VITC_TARGET_PROGRAM_H

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Target/CpuTarget.h"
#include "vitc/Target/GpuTarget.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace vitc {

/// What is made of a module, by the suffix of the output or by --emit. The
/// assembly of a GPU is PTX; it and the LLVM IR are those of the kernels.
enum class OutputKind {
  Executable,
  SharedLibrary,
  Object,
  Assembly,
  LLVMIR,
  Ptx,
};

/// Whether it is text, of one level or one architecture.
bool isText(OutputKind kind);

struct ProgramOptions {
  std::string output;
  OutputKind kind = OutputKind::Executable;
  const CpuTarget *target = &getHostCpuTarget();
  /// Levels of `target` to generate code for, best first; one for text.
  llvm::SmallVector<std::string> isas;
  /// In place of levels the GPUs to generate kernels for, best first, which
  /// code for `target` launches; one for text.
  llvm::SmallVector<const GpuTarget *> gpus;
  /// NVIDIA's assembler for them; empty: the one that findPtxas finds.
  std::string ptxas;
  /// Who computes gemms: "llvm", "onednn", or of these "auto" for each.
  std::string backend = "llvm";
  /// LLVM's effort in code generation, 0 to 3; the kernels are the same.
  unsigned optLevel = 3;
  /// Print each command that is run (-v), or print and do not run (-###).
  bool verbose = false, dryRun = false;
  /// A folder for the LLVM IR of each level; empty: not dumped.
  std::string dumpFolder;
};

/// Sizes of what was made, in bytes.
struct ProgramSizes {
  /// Machine code of one level, and of a GPU all that is carried for it; none
  /// where only text was made.
  struct Code {
    std::string isa;
    int64_t bytes;
  };
  llvm::SmallVector<Code> code;
  int64_t weights = 0;
  int64_t arenaBase = 0, arenaPerBatch = 0;

  /// The code of all levels.
  int64_t getCode() const;
};

/// What the products of a module of the kernel phase multiply: "f32", or "bf16"
/// or "f16" where weights are packed so.
llvm::StringRef getPrecision(mlir::ModuleOp module);

/// Generates code for a module of the kernel phase, writes its weights and
/// links it with the runtime. The output appears whole or not at all. Errors
/// are diagnostics.
mlir::FailureOr<ProgramSizes> emitProgram(mlir::ModuleOp module,
                                          const ProgramOptions &options);

class Output;

/// The object files of such a program, without the runtime, as parts of
/// `output`: one a level, the weights, and the descriptor.
mlir::FailureOr<ProgramSizes>
emitObjects(mlir::ModuleOp module, const ProgramOptions &options,
            Output &output, llvm::SmallVectorImpl<std::string> &paths);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_H
