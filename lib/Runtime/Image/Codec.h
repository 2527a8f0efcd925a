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
/// file's name. `image` is written only on success.
bool decodeJpeg(ImageBytes file, Image &image, std::string &error);
bool decodePng(ImageBytes file, Image &image, std::string &error);

/// Whether a picture of this size may be decoded; sets `error` if not.
bool checkPixelCount(int64_t height, int64_t width, std::string &error);

/// "Bogus marker" -> "bogus marker": a library's message in our style.
std::string decapitalize(std::string message);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_CODEC_H
