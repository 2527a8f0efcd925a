//===- CudaMemory.h - Memory of a GPU ------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDAMEMORY_H
#define VITC_LIB_RUNTIME_CUDA_CUDAMEMORY_H

#include "Cuda/CudaDevice.h"

#include <memory>
#include <utility>

namespace vitc::rt::cuda {

/// What memory is for, as messages say it.
struct MemoryUse {
  const char *what;
  bool growsWithBatch;
};

/// One block of a GPU's memory, with what the driver leaves in it.
class CudaMemory {
public:
  CudaMemory() = default;
  /// Throws Failure(VITC_OUT_OF_MEMORY) when the GPU has no room. The context
  /// is the thread's.
  CudaMemory(std::shared_ptr<const CudaContext> context, int64_t bytes,
             MemoryUse use);
  ~CudaMemory();
  CudaMemory(CudaMemory &&other) noexcept
      : context(std::move(other.context)),
        address(std::exchange(other.address, 0)),
        bytes(std::exchange(other.bytes, 0)) {}
  CudaMemory &operator=(CudaMemory &&other) noexcept {
    std::swap(context, other.context);
    std::swap(address, other.address);
    std::swap(bytes, other.bytes);
    return *this;
  }

  CUdeviceptr get() const { return address; }
  int64_t size() const { return bytes; }

private:
  std::shared_ptr<const CudaContext> context;
  CUdeviceptr address = 0;
  int64_t bytes = 0;
};

/// An address as the context of an entry function has it.
inline void *toPointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}
inline CUdeviceptr toAddress(const void *pointer) {
  return static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(pointer));
}

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDAMEMORY_H
