//===- LoadedEntry.cpp - An entry function in this process ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoadedEntry.h"

#include "Codegen.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

using namespace vitc;

LoadedEntry::LoadedEntry() = default;
LoadedEntry::~LoadedEntry() = default;

llvm::Expected<std::unique_ptr<LoadedEntry>>
LoadedEntry::load(mlir::ModuleOp module, llvm::StringRef isa,
                  llvm::StringRef cpu) {
  mlir::FailureOr<LevelCode> level = lowerToLLVM(module, isa, "llvm");
  if (mlir::failed(level))
    return llvm::createStringError("the module does not lower");
  if (level->entries.empty())
    return llvm::createStringError("the module has no entry function");
  const EntryCode &entry = level->entries.front();
  // The entry is hidden for the programs that vitc links.
  level->module->getFunction(entry.symbol)
      ->setVisibility(llvm::GlobalValue::DefaultVisibility);
  std::unique_ptr<LoadedEntry> loaded(new LoadedEntry());
  llvm::SmallVector<char> bytes;
  std::string error;
  if (cpu.empty())
    cpu = level->cpu;
  if (!generateCode(*level->module, {cpu, level->features}, bytes, error))
    return llvm::createStringError(error);
  loaded->object.assign(bytes.begin(), bytes.end());

  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  loaded->jit = std::move(*jit);
  if (llvm::Error error =
          loaded->jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(
              llvm::StringRef(bytes.data(), bytes.size()))))
    return error;
  auto address = loaded->jit->lookup(entry.symbol);
  if (!address)
    return address.takeError();
  loaded->function = address->toPtr<rt::EntryFn>();
  loaded->scratchBytes = entry.code.getScratchBytes();
  return loaded;
}
