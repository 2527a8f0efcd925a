//===- CudaBuffers.h - A session's buffers on a GPU ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDABUFFERS_H
#define VITC_LIB_RUNTIME_CUDA_CUDABUFFERS_H

#include "Cuda/CudaMemory.h"
#include "Executor.h"

#include <map>
#include <set>

namespace vitc::rt::cuda {

/// Lends memory. What comes back is lent to the next who asks for as much, the
/// lowest address first: generating one text after the other finds its states
/// where they were, and so the graphs that work on them.
class CudaBuffers {
public:
  /// A buffer in memory that came back; null where there is none of that size.
  std::unique_ptr<Buffer> reuse(int64_t bytes);
  /// A buffer in new memory.
  std::unique_ptr<Buffer> lend(CudaMemory memory);

  /// Whether a buffer that is lent begins there.
  bool contains(const void *data) const { return lent.count(data) != 0; }
  bool hasUnused() const { return !unused.empty(); }
  void freeUnused() { unused.clear(); }

private:
  class Loan;
  void takeBack(CudaMemory memory) noexcept;

  std::map<std::pair<int64_t, CUdeviceptr>, CudaMemory> unused;
  std::set<const void *> lent;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDABUFFERS_H
