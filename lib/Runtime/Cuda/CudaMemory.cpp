//===- CudaMemory.cpp - Memory of a GPU -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaMemory.h"

#include "Status.h"

using namespace vitc::rt;
using namespace vitc::rt::cuda;

CudaMemory::CudaMemory(std::shared_ptr<const CudaContext> owner, int64_t bytes,
                       MemoryUse use)
    : context(std::move(owner)) {
  if (bytes == 0)
    return;
  const CudaLibrary &library = context->getLibrary();
  CUresult result = library.cuMemAlloc(&address, bytes);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    size_t free = 0, total = 0;
    (void)library.cuMemGetInfo(&free, &total);
    throw Failure(VITC_OUT_OF_MEMORY,
                  "the GPU '{}' has {} bytes free of {}; needs {} for {}{} {}",
                  context->getDevice().getName(), free, total, bytes, use.what,
                  use.growsWithBatch ? ": use a smaller batch," : ";",
                  kCompileForCpu);
  }
  library.check(result, "cuMemAlloc");
  this->bytes = bytes;
}

CudaMemory::~CudaMemory() {
  if (address == 0)
    return;
  try {
    CudaContext::Scope scope(*context);
    (void)context->getLibrary().cuMemFree(address);
  } catch (const Failure &) {
    // A context that cannot be made current is gone, and its memory with it.
  }
}
