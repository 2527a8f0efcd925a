//===- HostModule.h - Kernels as code for this machine -------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_HOSTMODULE_H
#define VITC_TEST_EMULATOR_HOSTMODULE_H

#include "Emulator.h"
#include "Site.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Error.h"
#include <deque>
#include <string>
#include <vector>

namespace llvm {
class Function;
class Instruction;
class Module;
} // namespace llvm

namespace vitc::emulator {

/// A kernel of a module that was rewritten.
struct KernelInfo {
  std::string name;
  std::string entry; ///< A function of an array of parameters' addresses.
  KernelShape shape;
};

/// What a module is once prepareForHost is done.
struct HostModule {
  std::deque<Site> sites; ///< Code holds their addresses.
  std::vector<KernelInfo> kernels;
  /// Globals outside of shared memory, with their sizes.
  struct Global {
    std::string name;
    uint64_t bytes;
    bool writable;
  };
  std::vector<Global> globals;

  /// Null: there is none of this name.
  const KernelInfo *findKernel(llvm::StringRef name) const {
    auto found = llvm::find_if(
        kernels, [&](const KernelInfo &each) { return each.name == name; });
    return found == kernels.end() ? nullptr : &*found;
  }
};

/// What rewritten code calls, void (const Site *, const uint64_t *in, uint64_t
/// *out) and void (const Site *, uintptr_t address, size_t bytes).
inline constexpr const char *kCallHook = "vitc_emulator_call";
inline constexpr const char *kAccessHook = "vitc_emulator_access";

/// Rewrites a module for NVPTX so that any machine runs it: intrinsics and
/// inline assembly call the emulator, loads and stores are announced to it, and
/// shared globals get their addresses. All kernels of a module share one layout
/// of shared memory and its limit of 48 KiB, while ptxas gives each its own.
llvm::Error prepareForHost(llvm::Module &module, HostModule &host);

/// Refuses a function that uses a wgmma's accumulators before it waits for
/// them.
llvm::Error checkProducts(const llvm::Function &function);

/// The instruction as messages show it: one line, without metadata, not long.
std::string printShort(const llvm::Instruction &instruction);

/// The first of these steps; see above.
llvm::Error rewriteInstructions(llvm::Module &module, HostModule &host);

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_HOSTMODULE_H
