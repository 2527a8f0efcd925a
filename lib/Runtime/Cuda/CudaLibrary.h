//===- CudaLibrary.h - The functions of a loaded libcuda ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDALIBRARY_H
#define VITC_LIB_RUNTIME_CUDA_CUDALIBRARY_H

#include "Cuda/CudaApi.h"

#include <string>

namespace vitc::rt::cuda {

inline constexpr const char *kCudaSoname = "libcuda.so.1";
/// As cuDriverGetVersion counts, 11.4: the first with all that is called here.
inline constexpr int kNeededDriver = 11040;

/// What a user can always do where a GPU cannot run a program; the end of each
/// message that says so.
inline constexpr const char *kCompileForCpu =
    "or compile the model for a CPU (vitc compile without --target)";

struct CudaLibrary {
  /// Loads the driver and initialises it. Throws Failure(VITC_UNSUPPORTED)
  /// where there is none, or one too old, or it finds no GPU.
  explicit CudaLibrary(const char *soname = kCudaSoname);
  CudaLibrary(const CudaLibrary &) = delete;
  CudaLibrary &operator=(const CudaLibrary &) = delete;

  /// Throws Failure unless `result` is success; `what` names the call. It is
  /// VITC_INTERNAL where vitc can be the cause, and else VITC_OUT_OF_MEMORY or
  /// VITC_UNSUPPORTED.
  void check(CUresult result, const char *what) const;
  /// "CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected".
  std::string describe(CUresult result) const;
  /// "11.4".
  static std::string formatVersion(int version);

#define VITC_CUDA_MEMBER(name, symbol, ...)                                    \
  CUresult (*name)(__VA_ARGS__) = nullptr;
  VITC_CUDA_FUNCTIONS(VITC_CUDA_MEMBER)
#undef VITC_CUDA_MEMBER

  int driverVersion = 0;
  int numDevices = 0;

private:
  void *open(const char *soname) const;
  void checkVersion();
  void initialize();

  void *handle; // never closed: the driver's threads cannot survive an unload
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDALIBRARY_H
