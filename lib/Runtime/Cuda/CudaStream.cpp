//===- CudaStream.cpp - What a GPU does one after the other ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaStream.h"

using namespace vitc::rt::cuda;

CudaStream::CudaStream(const CudaLibrary &library) : library(library) {
  library.check(library.cuStreamCreate(&handle, CU_STREAM_NON_BLOCKING),
                "cuStreamCreate");
}

CudaStream::~CudaStream() { (void)library.cuStreamDestroy(handle); }

void CudaStream::copyToDevice(CUdeviceptr to, const void *from,
                              int64_t bytes) const {
  if (bytes > 0)
    library.check(library.cuMemcpyHtoDAsync(to, from, bytes, handle),
                  "cuMemcpyHtoDAsync");
}

void CudaStream::copyToHost(void *to, CUdeviceptr from, int64_t bytes) const {
  if (bytes > 0)
    library.check(library.cuMemcpyDtoHAsync(to, from, bytes, handle),
                  "cuMemcpyDtoHAsync");
}

void CudaStream::copyOnDevice(CUdeviceptr to, CUdeviceptr from,
                              int64_t bytes) const {
  if (bytes > 0)
    library.check(library.cuMemcpyDtoDAsync(to, from, bytes, handle),
                  "cuMemcpyDtoDAsync");
}

void CudaStream::fillWithZeros(CUdeviceptr to, int64_t bytes) const {
  if (bytes > 0)
    library.check(library.cuMemsetD8Async(to, 0, bytes, handle),
                  "cuMemsetD8Async");
}

void CudaStream::wait() const {
  library.check(library.cuStreamSynchronize(handle), "cuStreamSynchronize");
}

CudaEvent::CudaEvent(const CudaLibrary &library) : library(library) {
  library.check(library.cuEventCreate(&handle, CU_EVENT_DEFAULT),
                "cuEventCreate");
}

CudaEvent::~CudaEvent() {
  if (handle)
    (void)library.cuEventDestroy(handle);
}

void CudaEvent::record(const CudaStream &stream) const {
  library.check(library.cuEventRecord(handle, stream.get()), "cuEventRecord");
}

double CudaEvent::getMillisecondsSince(const CudaEvent &begin) const {
  float milliseconds = 0;
  library.check(library.cuEventElapsedTime(&milliseconds, begin.handle, handle),
                "cuEventElapsedTime");
  return milliseconds;
}
