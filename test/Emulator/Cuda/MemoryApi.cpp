//===- MemoryApi.cpp - Device memory and copies ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Api.h"
#include "Operations.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace vitc::emulator;
using namespace vitc::emulator::cuda;

/// What an allocation takes of the device, at least.
static constexpr size_t kGranularity = 512;

CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  Driver &driver = Driver::get();
  return driver.call("cuMemGetInfo", NeedsContext, [&] {
    *total = driver.machine.memoryBytes;
    *free = *total - driver.getDevice().allocatedBytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  Driver &driver = Driver::get();
  return driver.call("cuMemAlloc", NeedsContext | NeedsNoCapture, [&] {
    if (bytes == 0)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE, "allocates 0 bytes");
    Device &device = driver.getDevice();
    size_t free = driver.machine.memoryBytes - device.allocatedBytes;
    if (bytes > free || alignTo(bytes, kGranularity) > free)
      return CUDA_ERROR_OUT_OF_MEMORY;
    device.allocatedBytes += alignTo(bytes, kGranularity);
    std::string name =
        formatv("allocation {0} of cuMemAlloc", device.numAllocations++);
    *address = reinterpret_cast<uintptr_t>(device.memory.allocate(name, bytes));
    device.memory.setAccessible(false);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  Driver &driver = Driver::get();
  return driver.call("cuMemFree", NeedsContext | NeedsNoCapture, [&] {
    if (address == 0)
      return CUDA_SUCCESS;
    Device &device = driver.getDevice();
    const GlobalMemory::Allocation *found = device.memory.findBefore(address);
    if (!found || found->begin != address)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                           formatv("no allocation begins at {0:x}, {1}",
                                   address, device.memory.describe(address)));
    CUresult result = driver.finishAll(device);
    device.allocatedBytes -= alignTo(found->size, kGranularity);
    device.memory.free(reinterpret_cast<void *>(found->begin));
    return result;
  });
}

/// Zeros would hide that nobody wrote it.
CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
  Driver &driver = Driver::get();
  return driver.call("cuMemHostAlloc", NeedsContext | NeedsNoCapture, [&] {
    if (bytes == 0 || flags != 0)
      return driver.misuse(
          CUDA_ERROR_INVALID_VALUE,
          formatv("allocates {0} bytes with flags {1}", bytes, flags));
    auto memory = std::make_unique<char[]>(bytes);
    std::fill_n(memory.get(), bytes, '\xff');
    *address = memory.get();
    driver.getDevice().lockedMemory[*address] = std::move(memory);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFreeHost(void *address) {
  Driver &driver = Driver::get();
  return driver.call("cuMemFreeHost", NeedsContext | NeedsNoCapture, [&] {
    Device &device = driver.getDevice();
    auto found = device.lockedMemory.find(address);
    if (found == device.lockedMemory.end())
      return driver.misuse(
          CUDA_ERROR_INVALID_VALUE,
          formatv("no host memory of cuMemHostAlloc begins at {0:x}",
                  reinterpret_cast<uintptr_t>(address)));
    CUresult result = driver.finishAll(device);
    device.lockedMemory.erase(found);
    return result;
  });
}

/// Gives a stream an operation.
template <typename Kind, typename... Arguments>
static CUresult issue(const char *name, CUstream stream,
                      Arguments... arguments) {
  Driver &driver = Driver::get();
  return driver.call(name, NeedsContext, [&] {
    return driver.issue(stream, std::make_shared<Kind>(arguments...));
  });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes,
                              CUstream stream) {
  return issue<CopyToDevice>("cuMemcpyHtoDAsync", stream, to, from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                              CUstream stream) {
  return issue<CopyToHost>("cuMemcpyDtoHAsync", stream, to, from, bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                              CUstream stream) {
  return issue<CopyOnDevice>("cuMemcpyDtoDAsync", stream, to, from, bytes);
}

CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t bytes,
                         CUstream stream) {
  return issue<Fill>("cuMemsetD8Async", stream, address, value, bytes);
}
