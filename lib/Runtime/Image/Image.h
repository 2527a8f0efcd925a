//===- Image.h - Pictures in, model inputs and pictures out -----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads JPEG and PNG files and prepares them as Pillow and the numpy image
// processors of Hugging Face do, to the last bit: what a model was trained on
// is what a compiled program gives it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_RUNTIME_IMAGE_IMAGE_H
#define VITC_RUNTIME_IMAGE_IMAGE_H

#include "vitc/Runtime/Descriptor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vitc::rt {

/// A picture of 8 bits a channel: rgb is [height, width, 3], row-major.
struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> rgb;
};

/// Reads a JPEG or PNG file as `PIL.Image.open(path).convert("RGB")` does:
/// alpha is dropped, EXIF orientation and colour profiles are not applied. On
/// failure returns false and sets `error` to one line that starts with `path`.
bool readImage(const char *path, Image &image, std::string &error);

/// Resizes and crops `image` to what the model sees, 8 bits a channel. A model
/// with one channel sees the luma, which `view` repeats in all three. On
/// failure returns false and sets `error` to one line.
bool preprocessToView(const PreprocessDescriptor &preprocess,
                      const Image &image, Image &view, std::string &error);

/// Rescales and normalises `view`, preprocess.height x preprocess.width, to
/// `pixels`, f32 [channels, height, width].
void normalizeView(const PreprocessDescriptor &preprocess, const Image &view,
                   float *pixels);

/// readImage, preprocessToView and normalizeView in one. On failure returns
/// false and sets `error` to one line that starts with `path`.
bool preprocessImage(const PreprocessDescriptor &preprocess, const char *path,
                     float *pixels, std::string &error);

/// Sets `bytes` to `image` as a PNG file. On failure returns false and sets
/// `error` to one line.
bool encodePng(const Image &image, std::string &bytes, std::string &error);

/// Lays `map`, f32 [gridHeight, gridWidth], over the luma of `view`: viridis
/// colours, from the map's least value (dark violet) to its greatest (yellow).
/// The result is `view` enlarged by the least integer factor that makes both
/// sides 256 pixels or more.
Image overlayHeatMap(const Image &view, const float *map, int gridHeight,
                     int gridWidth);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_IMAGE_H
