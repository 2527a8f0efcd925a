//===- Orientation.cpp - Which side of a picture is up --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Source: CIPA DC-008 (Exif 2.32), 4.6.2 and 4.6.4, tag Orientation.
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

using namespace vitc::rt;

static constexpr uint32_t kOrientationTag = 0x0112, kShortType = 3;
static constexpr uint32_t kHeaderBytes = 8, kFieldBytes = 12;

namespace {
/// EXIF data; reading beyond its end gives 0.
class TiffReader {
public:
  explicit TiffReader(const std::vector<uint8_t> &bytes)
      : bytes(bytes), isBigEndian(!bytes.empty() && bytes[0] == 'M') {}

  uint32_t read(uint64_t offset, uint32_t count) const {
    if (offset + count > bytes.size())
      return 0;
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; ++i)
      value = value << 8 | bytes[offset + (isBigEndian ? i : count - 1 - i)];
    return value;
  }
  uint32_t read16(uint64_t offset) const { return read(offset, 2); }
  uint32_t read32(uint64_t offset) const { return read(offset, 4); }

private:
  const std::vector<uint8_t> &bytes;
  bool isBigEndian;
};
} // namespace

int vitc::rt::readOrientation(const std::vector<uint8_t> &exif) {
  if (exif.size() < kHeaderBytes || exif[0] != exif[1] ||
      (exif[0] != 'I' && exif[0] != 'M'))
    return 1;
  TiffReader tiff(exif);
  uint64_t directory = tiff.read32(4);
  uint32_t numFields = tiff.read16(directory);
  for (uint32_t i = 0; i < numFields; ++i) {
    uint64_t field = directory + 2 + uint64_t(kFieldBytes) * i;
    if (tiff.read16(field) != kOrientationTag ||
        tiff.read16(field + 2) != kShortType)
      continue;
    uint32_t orientation = tiff.read16(field + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

Image vitc::rt::applyOrientation(Image image, int orientation) {
  if (orientation == 1)
    return image;
  // The pictures of 5 to 8 lie on their side.
  bool isTransposed = orientation >= 5;
  bool flipsRows = orientation == 3 || orientation == 4 || orientation == 7 ||
                   orientation == 8;
  bool flipsColumns = orientation == 2 || orientation == 3 ||
                      orientation == 6 || orientation == 7;
  Image result{isTransposed ? image.width : image.height,
               isTransposed ? image.height : image.width,
               {}};
  result.rgb.resize(image.rgb.size());
  result.alpha.resize(image.alpha.size());
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      int row = flipsRows ? result.height - 1 - y : y;
      int column = flipsColumns ? result.width - 1 - x : x;
      size_t source = isTransposed ? size_t(image.width) * column + row
                                   : size_t(image.width) * row + column;
      size_t target = size_t(result.width) * y + x;
      for (int c = 0; c < 3; ++c)
        result.rgb[3 * target + c] = image.rgb[3 * source + c];
      if (!image.alpha.empty())
        result.alpha[target] = image.alpha[source];
    }
  return result;
}
