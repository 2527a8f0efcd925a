//===- ConfigFuzzer.cpp - config.json beside a ViT's weights --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "ImportRun.h"

/// VITC_FUZZ_WEIGHTS is a small model.safetensors.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vitc::test::FuzzFile file("config.json");
  static bool isCopied = (file.copyBeside(VITC_FUZZ_WEIGHTS), true);
  (void)isCopied;
  file.write(data, size);
  vitc::test::importOrRefuse(file.getFolder());
  return 0;
}
