//===- CudaStream.h - What a GPU does one after the other ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDASTREAM_H
#define VITC_LIB_RUNTIME_CUDA_CUDASTREAM_H

#include "Cuda/CudaLibrary.h"

#include <cstdint>
#include <utility>

namespace vitc::rt::cuda {

/// A queue of work for a GPU. The context is the thread's in all calls, which
/// throw Failure.
class CudaStream {
public:
  explicit CudaStream(const CudaLibrary &library);
  ~CudaStream();
  CudaStream(const CudaStream &) = delete;
  CudaStream &operator=(const CudaStream &) = delete;

  CUstream get() const { return handle; }

  // A copy from the caller's memory, unless that is page-locked, has read it
  // when it returns; one to the caller's memory is done after a wait().
  void copyToDevice(CUdeviceptr to, const void *from, int64_t bytes) const;
  void copyToHost(void *to, CUdeviceptr from, int64_t bytes) const;
  void copyOnDevice(CUdeviceptr to, CUdeviceptr from, int64_t bytes) const;
  void fillWithZeros(CUdeviceptr to, int64_t bytes) const;

  /// Until all that was queued is done.
  void wait() const;

  /// Waits for what `body` queues, also where it throws: no copy is then under
  /// way from or to the caller's memory.
  template <typename Body> void finish(Body &&body) const {
    try {
      body();
      wait();
    } catch (...) {
      // That the first failure comes back says all.
      (void)library.cuStreamSynchronize(handle);
      throw;
    }
  }

private:
  const CudaLibrary &library;
  CUstream handle = nullptr;
};

/// A point in a stream, and when the GPU came to it.
class CudaEvent {
public:
  explicit CudaEvent(const CudaLibrary &library);
  ~CudaEvent();
  CudaEvent(CudaEvent &&other) noexcept
      : library(other.library), handle(std::exchange(other.handle, nullptr)) {}
  CudaEvent &operator=(CudaEvent &&) = delete;

  void record(const CudaStream &stream) const;
  /// From `begin`, both of them past.
  double getMillisecondsSince(const CudaEvent &begin) const;

private:
  const CudaLibrary &library;
  CUevent handle = nullptr;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDASTREAM_H
