//===- ImageFuzzer.cpp - JPEG and PNG files -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "Image/Image.h"
#include <cstdlib>

/// What is read has as many bytes as its size says; what is not has an error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vitc::test::FuzzFile file("picture");
  file.write(data, size);
  vitc::rt::Image image;
  std::string error;
  bool isRead = vitc::rt::readImage(file.getPath().c_str(), image, error);
  if (isRead != error.empty() ||
      (isRead && image.rgb.size() != size_t(image.height) * image.width * 3))
    std::abort();
  return 0;
}
