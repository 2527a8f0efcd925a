//===- CudaLibrary.cpp - Load libcuda -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaLibrary.h"

#include "Status.h"

#include <dlfcn.h>

using namespace vitc::rt;
using namespace vitc::rt::cuda;

void *CudaLibrary::open(const char *soname) const {
  if (void *library = ::dlopen(soname, RTLD_NOW | RTLD_LOCAL))
    return library;
  const char *reason = ::dlerror();
  throw Failure(VITC_UNSUPPORTED,
                "found no NVIDIA driver ({}); the program was compiled for "
                "GPUs and needs one; {}",
                reason ? reason : soname, kCompileForCpu);
}

CudaLibrary::CudaLibrary(const char *soname) : handle(open(soname)) {
#define VITC_CUDA_FIND(name, symbol, ...)                                      \
  name = reinterpret_cast<decltype(name)>(::dlsym(handle, #symbol));
  VITC_CUDA_FUNCTIONS(VITC_CUDA_FIND)
#undef VITC_CUDA_FIND
  checkVersion();
  initialize();
}

/// A driver that is too old lacks functions: its version comes first.
void CudaLibrary::checkVersion() {
  const char *missing = nullptr;
#define VITC_CUDA_CHECK(name, symbol, ...)                                     \
  if (!name && !missing)                                                       \
    missing = #symbol;
  VITC_CUDA_FUNCTIONS(VITC_CUDA_CHECK)
#undef VITC_CUDA_CHECK
  if (cuDriverGetVersion)
    check(cuDriverGetVersion(&driverVersion), "cuDriverGetVersion");
  if (driverVersion < kNeededDriver)
    throw Failure(VITC_UNSUPPORTED,
                  "the NVIDIA driver is for CUDA {}; the program needs one for "
                  "{} or newer; {}",
                  formatVersion(driverVersion), formatVersion(kNeededDriver),
                  kCompileForCpu);
  if (missing)
    throw Failure(VITC_UNSUPPORTED,
                  "the NVIDIA driver, for CUDA {}, lacks {}; the program needs "
                  "it; {}",
                  formatVersion(driverVersion), missing, kCompileForCpu);
}

void CudaLibrary::initialize() {
  CUresult result = cuInit(0);
  if (result == CUDA_SUCCESS)
    result = cuDeviceGetCount(&numDevices);
  if (result == CUDA_ERROR_NO_DEVICE ||
      (result == CUDA_SUCCESS && numDevices == 0))
    throw Failure(VITC_UNSUPPORTED,
                  "the NVIDIA driver finds no GPU; the program was compiled "
                  "for GPUs and needs one; {}",
                  kCompileForCpu);
  if (result != CUDA_SUCCESS)
    throw Failure(VITC_UNSUPPORTED,
                  "the NVIDIA driver does not start ({}); the program was "
                  "compiled for GPUs and needs it; {}",
                  describe(result), kCompileForCpu);
}

std::string CudaLibrary::describe(CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    return fmt::format("error {}", static_cast<int>(result));
  if (cuGetErrorString(result, &text) != CUDA_SUCCESS || !text)
    return name;
  return fmt::format("{}: {}", name, text);
}

std::string CudaLibrary::formatVersion(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

/// Whether vitc's calls or kernels can be the cause, rather than the driver or
/// the GPU.
static bool isOurFault(CUresult result) {
  switch (result) {
  case CUDA_ERROR_INVALID_VALUE:
  case CUDA_ERROR_NOT_INITIALIZED:
  case CUDA_ERROR_INVALID_CONTEXT:
  case CUDA_ERROR_INVALID_HANDLE:
  case CUDA_ERROR_ILLEGAL_STATE:
  case CUDA_ERROR_NOT_FOUND:
  case CUDA_ERROR_ILLEGAL_ADDRESS:
  case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES:
    return true;
  default:
    return (result >= CUDA_ERROR_HARDWARE_STACK_ERROR &&
            result <= CUDA_ERROR_LAUNCH_FAILED) ||
           (result >= CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED &&
            result <= CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  }
}

void CudaLibrary::check(CUresult result, const char *what) const {
  if (result == CUDA_SUCCESS)
    return;
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    size_t free = 0, total = 0;
    (void)cuMemGetInfo(&free, &total);
    throw Failure(VITC_OUT_OF_MEMORY,
                  "the NVIDIA driver returns {} from {}, with {} bytes of the "
                  "GPU free of {}; needs more; {}",
                  describe(result), what, free, total, kCompileForCpu);
  }
  if (isOurFault(result))
    throw Failure(VITC_INTERNAL,
                  "the NVIDIA driver returns {} from {}; needs success",
                  describe(result), what);
  throw Failure(VITC_UNSUPPORTED,
                "the NVIDIA driver or the GPU does not work (it returns {} "
                "from {}); the program needs both; {}",
                describe(result), what, kCompileForCpu);
}
