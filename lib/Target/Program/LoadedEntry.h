//===- LoadedEntry.h - An entry function in this process ----- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_LOADEDENTRY_H
#define VITC_TARGET_PROGRAM_LOADEDENTRY_H

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Runtime/Descriptor.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace vitc {

/// The first entry function of a module of the kernel phase, compiled for one
/// level as programs are, by own vector code, and loaded into this process
/// without a runtime: who calls it fills in the context. Kernels by themselves
/// are tested and timed so.
class LoadedEntry {
public:
  /// Needs the native target and the translations to LLVM IR registered. A
  /// `cpu` generates code for another one than the level's.
  static llvm::Expected<std::unique_ptr<LoadedEntry>>
  load(mlir::ModuleOp module, llvm::StringRef isa, llvm::StringRef cpu = "");
  ~LoadedEntry();

  void run(rt::Context &context) const { function(&context); }
  /// For each thread that runs tasks.
  int64_t getScratchBytes() const { return scratchBytes; }
  /// The object file that was loaded.
  llvm::ArrayRef<char> getObject() const { return object; }

private:
  LoadedEntry();

  std::unique_ptr<llvm::orc::LLJIT> jit;
  rt::EntryFn function = nullptr;
  int64_t scratchBytes = 0;
  llvm::SmallVector<char, 0> object;
};

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_LOADEDENTRY_H
