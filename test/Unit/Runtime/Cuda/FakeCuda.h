//===- FakeCuda.h - A driver without a GPU -------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libcuda.so.1 whose kernels are C++ functions of the tests. It keeps count
// of what is called and alive, and fails as it is told to. Addresses of its
// memory lie where no processor has any: only copies and kernels reach it. Work
// is done when it is queued; what is captured, when its graph is launched.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_CUDA_FAKECUDA_H
#define VITC_TEST_UNIT_RUNTIME_CUDA_FAKECUDA_H

#include "Cuda/CudaApi.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace vitc::rt::test {

struct FakeDevice {
  std::string name;
  int major, minor;
  int sharedBytes; // a block can have
};

/// Of arguments of 8 bytes each.
struct FakeKernel {
  size_t numArguments;
  std::function<void(int64_t blocks, const uint64_t *arguments)> run;
};

struct FakeLaunch {
  std::string kernel;
  int64_t blocks;
  unsigned threads, sharedBytes;

  bool operator==(const FakeLaunch &other) const {
    return kernel == other.kernel && blocks == other.blocks &&
           threads == other.threads && sharedBytes == other.sharedBytes;
  }
};

class __attribute__((visibility("default"))) FakeCuda {
public:
  // What it is.
  int driverVersion = 12080;
  std::vector<FakeDevice> devices = {{"Fake GPU", 9, 0, 227 << 10}};
  size_t memoryBytes = size_t(1) << 30;
  std::map<std::string, FakeKernel> kernels;
  /// What functions return instead of doing anything, by their symbols.
  std::map<std::string, cuda::CUresult> results;
  /// The same for the first byte of what is to be loaded.
  std::map<char, cuda::CUresult> loadResults;
  std::string jitLog;

  // What it saw.
  std::map<std::string, int> calls;
  std::vector<FakeLaunch> launches; // a graph's each time it is launched
  std::vector<std::string> images;  // that were loaded
  std::map<std::string, int> alive; // objects, by kind
  size_t usedBytes = 0;
  int lockedCopies = 0; // between page-locked memory and the GPU
  std::map<std::string, int> sharedLimits; // that were raised, by kernel

  /// Where the memory of an address lies; throws std::out_of_range for one that
  /// is none of the driver's.
  void *toHost(uint64_t address) const;
  template <typename T> T *toHost(uint64_t address) const {
    return static_cast<T *>(toHost(address));
  }

  // Of the driver's own.
  std::map<uint64_t, std::vector<uint8_t>> memory;
  std::map<void *, std::vector<uint8_t>> lockedMemory;
  cuda::CUresult failed = cuda::CUDA_SUCCESS; // of what was queued
  int64_t nanoseconds = 0;                    // of the GPU's clock
};

/// The driver of this process; a test begins with a new one.
__attribute__((visibility("default"))) FakeCuda &getFakeCuda();

} // namespace vitc::rt::test

#endif // VITC_TEST_UNIT_RUNTIME_CUDA_FAKECUDA_H
