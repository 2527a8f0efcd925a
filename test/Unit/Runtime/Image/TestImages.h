//===- TestImages.h - Pictures and files for the tests ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_IMAGE_TESTIMAGES_H
#define VITC_TEST_UNIT_RUNTIME_IMAGE_TESTIMAGES_H

#include "Image/Image.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace vitc::rt {

/// A picture of values that differ from pixel to pixel.
inline Image makeImage(int height, int width) {
  Image image{height, width, {}};
  for (unsigned y = 0; y < unsigned(height); ++y)
    for (unsigned x = 0; x < unsigned(width); ++x)
      for (unsigned c = 0; c < 3; ++c)
        image.rgb.push_back((37 * y + 59 * x + 83 * c) * (y + 2 * x + 1) % 256);
  return image;
}

/// The name of a file, removed when the test ends.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::string &suffix)
      : path(::testing::TempDir() + "vitc-image-" + std::to_string(getpid()) +
             suffix) {}
  ~TemporaryFile() { std::remove(path.c_str()); }
  TemporaryFile(const TemporaryFile &) = delete;

  const char *name() const { return path.c_str(); }

  void write(const std::vector<uint8_t> &bytes) const {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }

  void writePng(const Image &image) const {
    std::string bytes, error;
    ASSERT_TRUE(encodePng(image, bytes, error)) << error;
    write({bytes.begin(), bytes.end()});
  }

  std::vector<uint8_t> read() const {
    std::ifstream file(path, std::ios::binary);
    return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
  }

private:
  std::string path;
};

/// The error of reading `path` without the name that it starts with, or a note
/// that there was none.
inline std::string readError(const char *path) {
  Image image;
  std::string error;
  if (readImage(path, image, error))
    return "no error";
  std::string prefix = std::string(path) + ": ";
  EXPECT_EQ(error.compare(0, prefix.size(), prefix), 0) << error;
  return error.substr(prefix.size());
}

} // namespace vitc::rt

#endif // VITC_TEST_UNIT_RUNTIME_IMAGE_TESTIMAGES_H
