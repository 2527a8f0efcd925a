//===- KernelRun.h - Memory to run a kernel in --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_BENCHMARKS_KERNELS_KERNELRUN_H
#define VITC_BENCHMARKS_KERNELS_KERNELRUN_H

#include "../../lib/Target/Program/LoadedEntry.h"
#include "IsolatedKernel.h"
#include "llvm/Support/Allocator.h"

namespace vitc::bench {

/// What a kernel reads and writes. Activations lie in cache, as a model's do,
/// where the kernel before has just written them; weights are in as many copies
/// as no cache holds, of which each run reads the next.
class KernelMemory {
public:
  explicit KernelMemory(const IsolatedKernel &kernel);

  /// Runs all tasks of `entry`, one after the other; seconds of the processor.
  double run(const LoadedEntry &entry);

private:
  llvm::BumpPtrAllocator allocator;
  std::vector<std::vector<void *>> inputs; // of each copy of the weights
  void *output;
  std::vector<uint8_t> scratch;
  size_t turn = 0;
};

} // namespace vitc::bench

#endif // VITC_BENCHMARKS_KERNELS_KERNELRUN_H
