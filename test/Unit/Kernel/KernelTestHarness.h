//===- KernelTestHarness.h - Compiling and running kernels --- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_KERNEL_KERNELTESTHARNESS_H
#define VITC_TEST_UNIT_KERNEL_KERNELTESTHARNESS_H

#include "vitc/Runtime/Descriptor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "gtest/gtest.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace vitc {
class LoadedEntry;
} // namespace vitc

namespace vitc::test {

class EmulatedEntry;

/// Levels whose kernels this machine runs, lowest first, then an architecture
/// of GPUs, whose kernels the emulator runs. Those of armv8-a, of 128 bits with
/// fused multiply-add, are compiled for x86-64-v3.
std::vector<std::string> getHostLevels();

/// True for an architecture of GPUs.
bool isGpu(llvm::StringRef isa);

/// Names a level's tests after what is behind its last hyphen: v4, a, sm_80.
struct LevelName {
  std::string
  operator()(const testing::TestParamInfo<std::string> &info) const {
    llvm::StringRef level = info.param;
    return level.drop_front(level.rfind('-') + 1).str();
  }
};

/// `size` values, uniform in [-1, 1), the same for the same seed.
std::vector<float> getRandom(int64_t size, uint32_t seed);

/// Largest |values - expected| over largest |expected|; infinite when a value
/// is NaN where none is expected.
double getRelativeError(llvm::ArrayRef<float> values,
                        llvm::ArrayRef<double> expected);

/// W [n, k] in the layout of #vit.expr<pack>.
std::vector<float> packWeights(llvm::ArrayRef<float> weights, int64_t n,
                               int64_t k);

/// A module's @forward, which takes its memory from
///   kernel.buffer %context input at I   and   kernel.buffer %context output at
///   0
/// compiled for one level, or one architecture of GPUs, by the pipeline that
/// vitc itself runs.
class CompiledKernel {
public:
  /// Null after a test failure that says why not.
  static std::unique_ptr<CompiledKernel> compile(llvm::StringRef module,
                                                 llvm::StringRef isa);
  ~CompiledKernel();

  /// Runs @forward with its tasks cut into `numRanges` ranges, the last range
  /// first, in scratch memory full of NaN. All memory lies where the page
  /// before, and in a second run the page behind, must not be touched: a kernel
  /// that leaves a buffer crashes. Buffers take what the second run has
  /// written. On an emulated GPU, which finds all that by itself, there is one
  /// run, and the number of ranges is the seed of its order.
  void runBuffers(int64_t batch, llvm::ArrayRef<const void *> inputs,
                  void *output, int64_t numRanges = 1);
  /// The same for inputs and an output of f32.
  void run(int64_t batch, llvm::ArrayRef<const float *> inputs, float *output,
           int64_t numRanges = 1) {
    std::vector<const void *> untyped(inputs.begin(), inputs.end());
    runBuffers(batch, untyped, output, numRanges);
  }

private:
  CompiledKernel();
  /// Without `guardsEnd` the page before is guarded, and nothing is copied
  /// back.
  void runOnce(int64_t batch, llvm::ArrayRef<const void *> inputs, void *output,
               int64_t numRanges, bool guardsEnd);
  /// Bytes of each buffer of a run.
  std::map<const void *, int64_t> getSizes(int64_t batch,
                                           llvm::ArrayRef<const void *> inputs,
                                           const void *output) const;

  std::unique_ptr<LoadedEntry> entry;
  std::unique_ptr<EmulatedEntry> emulated; // one of both
  /// Bytes of a buffer: for any batch, and for each item.
  struct BufferSize {
    int64_t fixed = 0, perItem = 0;
  };
  std::vector<BufferSize> inputSizes;
  BufferSize outputSize;
};

/// The text of a module with the function body `body`, which may use %context
/// and %batch.
std::string getModule(llvm::StringRef body);

} // namespace vitc::test

#endif // VITC_TEST_UNIT_KERNEL_KERNELTESTHARNESS_H
