//===- GenerationFolderFuzzer.cpp - Manifests of an encoder and a step ----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vitc.json, and perhaps behind it the words.txt that it names.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "ImportRun.h"

using namespace vitc::test;

/// VITC_FUZZ_MODELS is a folder of small ONNX files.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FuzzFile file("vitc.json", VITC_FUZZ_MODELS);
  file.writePair(data, size, "words.txt");
  importOrRefuse(file.getFolder());
  return 0;
}
