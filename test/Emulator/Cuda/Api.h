//===- Api.h - The driver's functions ------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What lib/Runtime/Cuda calls, by the names under which libcuda.so.1 has it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_API_H
#define VITC_TEST_EMULATOR_CUDA_API_H

#include "Cuda/CudaApi.h"

using namespace vitc::rt::cuda;

#define VITC_EMULATOR_DECLARE(name, symbol, ...)                               \
  extern "C"                                                                   \
      __attribute__((visibility("default"))) CUresult symbol(__VA_ARGS__);
VITC_CUDA_FUNCTIONS(VITC_EMULATOR_DECLARE)
#undef VITC_EMULATOR_DECLARE

#endif // VITC_TEST_EMULATOR_CUDA_API_H
