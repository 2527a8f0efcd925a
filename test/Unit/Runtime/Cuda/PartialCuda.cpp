//===- PartialCuda.cpp - A driver that lacks functions --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaApi.h"

extern "C" __attribute__((visibility("default"))) vitc::rt::cuda::CUresult
cuDriverGetVersion(int *version) {
  *version = 12000;
  return vitc::rt::cuda::CUDA_SUCCESS;
}
