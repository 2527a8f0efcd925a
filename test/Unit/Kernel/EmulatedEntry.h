//===- EmulatedEntry.h - Entry functions whose kernels are a GPU's - C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_KERNEL_EMULATEDENTRY_H
#define VITC_TEST_UNIT_KERNEL_EMULATEDENTRY_H

#include "Emulator.h"
#include "GlobalMemory.h"

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Target/DeviceCode.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include <map>
#include <string>

namespace vitc::test {

/// A module's entry function on the host, its kernels in the emulator.
class EmulatedEntry {
public:
  /// A buffer of the caller and its size in bytes, by its address.
  using Buffers = std::map<const void *, int64_t>;

  static llvm::Expected<std::unique_ptr<EmulatedEntry>>
  load(mlir::ModuleOp module, llvm::StringRef arch);

  /// Runs on copies of `buffers` in the device's memory and writes back what
  /// kernels changed. `seed` orders blocks and threads.
  llvm::Error run(int64_t batch, llvm::ArrayRef<const void *> inputs,
                  llvm::ArrayRef<void *> outputs, const Buffers &buffers,
                  uint64_t seed);

private:
  static void launch(rt::Context *context, int32_t site, int32_t kernel,
                     int64_t blocks, const void *const *arguments);
  static int32_t read(rt::Context *context, void *host, const void *device,
                      int64_t bytes);

  std::unique_ptr<llvm::orc::LLJIT> jit;
  rt::EntryFn function = nullptr;
  std::unique_ptr<emulator::Program> program;
  std::vector<DeviceKernel> kernels;
  emulator::GlobalMemory memory;
  uint64_t seed = 0;
  std::string error; ///< Of the run.
};

} // namespace vitc::test

#endif // VITC_TEST_UNIT_KERNEL_EMULATEDENTRY_H
