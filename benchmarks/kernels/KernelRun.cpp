//===- KernelRun.cpp - Memory to run a kernel in --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelRun.h"

#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <ctime>
#include <random>

using namespace vitc;
using namespace vitc::bench;

/// Weights that are read in turn: twice what the caches of a core hold.
static constexpr int64_t kWeightBytes = int64_t(64) << 20;
static constexpr int64_t kMaxCopies = 64;

static int64_t getBytes(const KernelBuffer &buffer) {
  int64_t bits = buffer.type.getElementType().getIntOrFloatBitWidth();
  // An i1 is a byte in memory.
  return buffer.type.getNumElements() * std::max<int64_t>(bits / 8, 1);
}

/// Random numbers of one sign and size, so that no sum is denormal; integers
/// are 0, a place that every table has.
static void fill(void *memory, const KernelBuffer &buffer, uint32_t seed) {
  std::memset(memory, 0, getBytes(buffer));
  if (!buffer.type.getElementType().isF32())
    return;
  std::mt19937 generator(seed);
  auto *values = static_cast<float *>(memory);
  for (int64_t i = 0; i < buffer.type.getNumElements(); ++i)
    values[i] = static_cast<int32_t>(generator()) * 0x1p-31f;
}

KernelMemory::KernelMemory(const IsolatedKernel &kernel) {
  uint32_t seed = 0;
  auto allocate = [&](const KernelBuffer &buffer) {
    void *memory =
        allocator.Allocate(getBytes(buffer), llvm::Align(rt::kBufferAlignment));
    fill(memory, buffer, ++seed);
    return memory;
  };
  int64_t weightBytes = 0;
  for (const KernelBuffer &input : kernel.inputs)
    if (input.isWeights)
      weightBytes += getBytes(input);
  int64_t numCopies =
      weightBytes == 0
          ? 1
          : std::clamp<int64_t>(kWeightBytes / weightBytes, 1, kMaxCopies);
  output = allocate(kernel.output);
  for (int64_t copy = 0; copy < numCopies; ++copy) {
    std::vector<void *> &pointers = inputs.emplace_back();
    for (auto [i, input] : llvm::enumerate(kernel.inputs))
      pointers.push_back(copy == 0 || input.isWeights ? allocate(input)
                                                      : inputs[0][i]);
  }
}

/// Of the processor: what else the machine runs meanwhile is not counted.
static double getThreadSeconds() {
  timespec time;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

static void runTasks(rt::Context *context, int32_t, rt::TaskFn function,
                     const void *arguments, int64_t numTasks) {
  function(arguments, 0, numTasks, context->session);
}

double KernelMemory::run(const LoadedEntry &entry) {
  scratch.resize(entry.getScratchBytes() + rt::kBufferAlignment);
  void *outputs[] = {output};
  rt::Context context = {};
  context.batch = 1;
  context.inputs = inputs[turn++ % inputs.size()].data();
  context.outputs = outputs;
  context.parallel = runTasks;
  context.threads = 1;
  context.session = reinterpret_cast<void *>(llvm::alignTo(
      reinterpret_cast<uintptr_t>(scratch.data()), rt::kBufferAlignment));
  double begin = getThreadSeconds();
  entry.run(context);
  return getThreadSeconds() - begin;
}
