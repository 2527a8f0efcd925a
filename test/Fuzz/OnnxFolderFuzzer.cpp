//===- OnnxFolderFuzzer.cpp - Configurations beside ONNX decoders ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A config.json, and perhaps behind it a generation_config.json: of a decoder
// alone, of one with an encoder of texts, and of one with an encoder of
// pictures.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "ImportRun.h"

using namespace vitc::test;

/// VITC_FUZZ_MODELS has folders of small models.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string models = VITC_FUZZ_MODELS;
  static FuzzFile decoder("config.json", models + "/gpt2");
  static FuzzFile translator("config.json", models + "/marian");
  static FuzzFile captioner("config.json", models + "/vit-gpt2");
  FuzzFile &file = hasText(data, size, "vision-encoder-decoder") ? captioner
                   : hasText(data, size, "marian")               ? translator
                                                                 : decoder;
  file.writePair(data, size, "generation_config.json");
  importOrRefuse(file.getFolder());
  return 0;
}
