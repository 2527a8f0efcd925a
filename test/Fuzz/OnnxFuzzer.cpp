//===- OnnxFuzzer.cpp - ONNX files ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "ImportRun.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vitc::test::FuzzFile file("model.onnx");
  file.write(data, size);
  vitc::test::importOrRefuse(file.getPath());
  return 0;
}
