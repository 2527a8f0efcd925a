//===- CudaTransfers.h - Tensors of the caller's on their way - -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GPU copies memory of the caller's through pages of the driver's own, while
// the caller waits. Page-locked memory it reads and writes itself: a tensor
// goes through that in pieces, one of which is copied by the processor while
// the GPU copies the piece before.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDATRANSFERS_H
#define VITC_LIB_RUNTIME_CUDA_CUDATRANSFERS_H

#include "Cuda/CudaDevice.h"
#include "Cuda/CudaStream.h"

#include <limits>
#include <memory>
#include <vector>

namespace vitc::rt::cuda {

/// The context is the thread's in all calls, which throw Failure.
class CudaTransfers {
public:
  explicit CudaTransfers(std::shared_ptr<const CudaContext> context)
      : context(std::move(context)) {}
  ~CudaTransfers();
  CudaTransfers(const CudaTransfers &) = delete;
  CudaTransfers &operator=(const CudaTransfers &) = delete;

  /// Makes room for the tensors of a run, up to a limit. What finds no room,
  /// also where the system has no such memory left, is copied as the driver
  /// does it. As much as the system once refused it is not asked for again.
  void reserve(int64_t bytes);

  /// Starts a run's copies, once those of the one before are over.
  void begin();
  void copyToDevice(CUdeviceptr to, const void *from, int64_t bytes,
                    const CudaStream &stream);
  /// What `to` gets is there after finish(). What was copied from there before
  /// comes back through the same page-locked memory.
  void copyToHost(void *to, CUdeviceptr from, int64_t bytes,
                  const CudaStream &stream);
  /// Gives results to the caller, once the stream's work is done.
  void finish();

private:
  /// A tensor of the caller's and its place in page-locked memory.
  struct Input {
    const void *from;
    uint8_t *locked;
    int64_t bytes;
  };
  struct Result {
    void *to;
    const uint8_t *locked;
    int64_t bytes;
  };

  /// Page-locked memory that the run does not use yet; null where there is too
  /// little.
  uint8_t *take(int64_t bytes);
  /// That of an input of the run; null where it has none.
  uint8_t *find(const void *from, int64_t bytes) const;
  void free() noexcept;

  std::shared_ptr<const CudaContext> context;
  uint8_t *memory = nullptr;
  int64_t size = 0, used = 0;
  /// The least that the system refused.
  int64_t refused = std::numeric_limits<int64_t>::max();
  std::vector<Input> inputs;
  std::vector<Result> results;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDATRANSFERS_H
