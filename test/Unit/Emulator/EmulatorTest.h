//===- EmulatorTest.h - Kernels as text ----------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_EMULATOR_EMULATORTEST_H
#define VITC_TEST_UNIT_EMULATOR_EMULATORTEST_H

#include "Emulator.h"
#include "GlobalMemory.h"

#include "gtest/gtest.h"
#include <functional>
#include <string>
#include <vector>

namespace vitc::emulator {

class EmulatorTest : public testing::Test {
protected:
  /// Loads a module in LLVM IR. What is wrong with it, or nothing.
  std::string load(llvm::StringRef text);

  /// Runs a kernel of what was loaded. What went wrong, or nothing.
  template <typename... Arguments>
  std::string launch(llvm::StringRef kernel, const LaunchOptions &options,
                     Arguments... arguments) {
    void *parameters[] = {
        const_cast<void *>(static_cast<const void *>(&arguments))..., nullptr};
    return launch(kernel, options,
                  llvm::ArrayRef<void *>(parameters, sizeof...(arguments)));
  }
  std::string launch(llvm::StringRef kernel, const LaunchOptions &options,
                     llvm::ArrayRef<void *> parameters);

  /// Loads a kernel of the addresses %p and %q in global memory, whose thread
  /// is number %tid, and runs it in one block. %p is allocation `p`, zeros, of
  /// `p.size()` words.
  std::string run(llvm::StringRef body, uint32_t numThreads = 32,
                  uint32_t dynamicSharedBytes = 0);

  GlobalMemory memory;
  std::unique_ptr<Program> program;
  /// Of run(): what %p and %q are, and %p's values after it.
  size_t numWords = 64;
  std::vector<uint32_t> words;
  std::vector<uint32_t> input = std::vector<uint32_t>(64);
  /// What stands before the kernel of run().
  std::string globals;
  uint64_t seed = 0, maxCalls = uint64_t(1) << 30;
  bool allowUninitialized = false;
};

/// `text` without the lines that contain `marker`; there is such a line.
std::string withoutLine(llvm::StringRef text, llvm::StringRef marker);

/// Values from -1 to 1, each exact in bf16 and f16.
std::vector<float> getRandomValues(size_t count, uint32_t seed);

/// The largest difference between `actual` and `expected`, relative to the
/// largest of `expected`.
double getError(llvm::ArrayRef<float> actual, llvm::ArrayRef<double> expected);

} // namespace vitc::emulator

#endif // VITC_TEST_UNIT_EMULATOR_EMULATORTEST_H
