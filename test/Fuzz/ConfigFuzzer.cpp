//===- ConfigFuzzer.cpp - Configurations beside a ViT's weights -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A config.json, transformers' or timm's, and perhaps behind it a
// preprocessor_config.json.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "ImportRun.h"

using namespace vitc::test;

/// VITC_FUZZ_MODELS has folders of small models.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string models = VITC_FUZZ_MODELS;
  static FuzzFile vit("config.json", models + "/ViTForImageClassification");
  static FuzzFile timm("config.json", models + "/timm-vit-arguments");
  // transformers lists "architectures".
  FuzzFile &file = hasText(data, size, "\"architecture\"") ? timm : vit;
  file.writePair(data, size, "preprocessor_config.json");
  importOrRefuse(file.getFolder());
  return 0;
}
