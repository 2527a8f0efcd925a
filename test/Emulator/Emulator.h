//===- Emulator.h - GPU kernels on the CPU -------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the LLVM IR that NVPTX would compile, so that kernels are tested without
// a GPU. It shows what a program means, not how fast it is, and is stricter
// than a GPU. These are errors: in shared memory, races between warps and reads
// of what nobody wrote; in shared and global memory, accesses outside of
// allocations and misaligned ones; deadlocks; copies, tiles and wgmmas that
// nobody waited for, and proxy fences that lack.
//
// Not looked for: races in global memory, races between lanes of one warp,
// global memory that nobody wrote, an access past an alloca that stays on the
// stack. Of a byte that several warps wrote atomically only the last is known,
// so that a later plain access may be ordered after it alone. That wgmma's
// accumulators are waited for is checked in the code of each function, where a
// wait that leaves groups under way counts as one for all.
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_EMULATOR_H
#define VITC_TEST_EMULATOR_EMULATOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace vitc::emulator {

class GlobalMemory;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;

  size_t getSize() const { return size_t(x) * y * z; }
  bool operator!=(const Dim3 &other) const {
    return x != other.x || y != other.y || z != other.z;
  }
};

struct LaunchOptions {
  Dim3 grid, block;
  uint32_t dynamicSharedBytes = 0;
  /// Chooses the order in which blocks and threads run.
  uint64_t seed = 0;
  /// Lets kernels read shared memory that nobody wrote: NaN. For those that
  /// compute rows they then drop.
  bool allowUninitialized = false;
  /// A thread that does so much without waiting once never ends: loads, stores
  /// and calls of the emulator.
  uint64_t maxCalls = uint64_t(1) << 30;
};

/// What every launch of a kernel must look like.
struct KernelShape {
  struct Parameter {
    uint64_t bytes;
    uint64_t alignment;
    bool byval; ///< A struct, which is passed by address.
  };
  std::vector<Parameter> parameters;
  size_t maxThreads = 0; ///< Of a block.
  /// Whether a block has just these threads.
  std::optional<Dim3> block;
  size_t staticSharedBytes = 0;
};

/// A module's kernels, compiled for this machine.
class Program {
public:
  /// Takes a module as NVPTX would, its kernels `ptx_kernel` functions. An
  /// intrinsic, PTX text or function without a model is an error.
  static llvm::Expected<std::unique_ptr<Program>>
  load(std::unique_ptr<llvm::LLVMContext> context,
       std::unique_ptr<llvm::Module> module);
  ~Program();

  /// Null: there is no kernel of this name.
  const KernelShape *findShape(llvm::StringRef kernel) const;

  /// Runs a kernel to its end. `parameters` are the addresses of its arguments,
  /// as cuLaunchKernel takes them. It may touch `memory` and the module's
  /// globals. One launch at a time runs in a process.
  llvm::Error launch(llvm::StringRef kernel, const LaunchOptions &options,
                     llvm::ArrayRef<void *> parameters, GlobalMemory &memory);

private:
  struct State;
  explicit Program(std::unique_ptr<State> state);

  std::unique_ptr<State> state;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_EMULATOR_H
