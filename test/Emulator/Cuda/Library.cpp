//===- Library.cpp - libcuda.so.1 -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Api.h"

// Does not link while a function lacks its definition.
#define VITC_EMULATOR_ADDRESS(name, symbol, ...)                               \
  reinterpret_cast<const void *>(&symbol),
extern "C" __attribute__((visibility("default")))
const void *const vitc_emulator_functions[] = {
    VITC_CUDA_FUNCTIONS(VITC_EMULATOR_ADDRESS)};
#undef VITC_EMULATOR_ADDRESS
