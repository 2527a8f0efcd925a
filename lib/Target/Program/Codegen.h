//===- Codegen.h - LLVM IR to machine code ------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_CODEGEN_H
#define VITC_TARGET_PROGRAM_CODEGEN_H

#include "Kernel/KernelDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Target/CpuTarget.h"
#include "vitc/Target/DeviceCode.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <memory>
#include <optional>

namespace vitc {

/// One entry function of one level's code.
struct EntryCode {
  std::string entry;  // "forward"
  std::string symbol; // of the function in the object
  kernel::CodeAttr code;
};

/// The LLVM IR of one level, or of what launches the kernels of one
/// architecture of GPUs, and what the runtime must know of it.
struct LevelCode {
  std::string isa, cpu, features;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  llvm::SmallVector<EntryCode> entries;
  std::optional<DeviceCode> device; // none for a CPU
};

/// Lowers a module of the kernel phase to LLVM IR for one level.
mlir::FailureOr<LevelCode> lowerToLLVM(mlir::ModuleOp module,
                                       llvm::StringRef isa,
                                       llvm::StringRef backend);

/// The same for one architecture of GPUs, its kernels to PTX; `host` is to
/// launch them.
mlir::FailureOr<LevelCode> lowerToLLVM(mlir::ModuleOp module,
                                       const GpuTarget &gpu,
                                       const CpuTarget &host,
                                       unsigned optLevel);

/// What generateCode generates code for, and how.
struct CodegenOptions {
  llvm::StringRef cpu, features; // LLVM's names
  unsigned optLevel = 3;         // 0 to 3
  bool assembly = false;         // text in place of an object
  const CpuTarget *target = &getHostCpuTarget();
};

/// Optimises and compiles a module; false and an error when LLVM cannot.
bool generateCode(llvm::Module &module, const CodegenOptions &options,
                  llvm::SmallVectorImpl<char> &bytes, std::string &error);

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_CODEGEN_H
