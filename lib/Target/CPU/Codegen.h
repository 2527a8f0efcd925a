//===- Codegen.h - LLVM IR to machine code ------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_CPU_CODEGEN_H
#define VITC_TARGET_CPU_CODEGEN_H

#include "Kernel/KernelDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Target/CpuTarget.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <memory>

namespace vitc {

/// One entry function of one level's code.
struct EntryCode {
  std::string entry;  // "forward"
  std::string symbol; // of the function in the object
  kernel::CodeAttr code;
};

/// The LLVM IR of one level, and what the runtime must know of it.
struct LevelCode {
  std::string isa, cpu, features;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  llvm::SmallVector<EntryCode> entries;
};

/// Lowers a module of the kernel phase to LLVM IR for one level.
mlir::FailureOr<LevelCode> lowerToLLVM(mlir::ModuleOp module,
                                       llvm::StringRef isa,
                                       llvm::StringRef backend);

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

#endif // VITC_TARGET_CPU_CODEGEN_H
