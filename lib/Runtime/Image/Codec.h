//===- Codec.h - Decoders of the picture formats ----------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_RUNTIME_IMAGE_CODEC_H
#define VITC_RUNTIME_IMAGE_CODEC_H

#include "Image/Image.h"

namespace vitc::rt {

/// The most pixels that are decoded, or made by a resize; Pillow's limit.
inline constexpr int64_t kMaxPixels = 178956970;

/// The bytes of a picture file.
struct ImageBytes {
  const uint8_t *data;
  size_t size;
};

/// Decode a whole file. On failure return false and set `error`, without the
/// file's name. `image` and `exif`, what the file holds as EXIF, are written
/// only on success.
bool decodeJpeg(ImageBytes file, Image &image, std::vector<uint8_t> &exif,
                std::string &error);
bool decodePng(ImageBytes file, Image &image, std::vector<uint8_t> &exif,
               std::string &error);

/// The orientation that EXIF data, a TIFF header and what follows it, give: 1
/// to 8, and 1 without a valid one.
int readOrientation(const std::vector<uint8_t> &exif);

/// Turns and mirrors a picture that was stored in `orientation`, 1 to 8.
Image applyOrientation(Image image, int orientation);

/// Whether a picture of this size may be decoded; sets `error` if not.
bool checkPixelCount(int64_t height, int64_t width, std::string &error);

/// round(a * b / 255) for bytes.
inline uint8_t multiplyBytes(int a, int b) {
  int product = a * b + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

/// "Bogus marker" -> "bogus marker": a library's message in our style.
std::string decapitalize(std::string message);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_CODEC_H
