//===- NpyFuzzer.cpp - .npy files -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "Npy.h"
#include "Status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vitc::test::FuzzFile file("array.npy");
  file.write(data, size);
  try {
    vitc::rt::NpyArray array = vitc::rt::readNpy(file.getPath());
    vitc::rt::formatNpy(array);
  } catch (const vitc::rt::Failure &) {
  }
  return 0;
}
