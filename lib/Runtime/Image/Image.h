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
#include <string_view>
#include <vector>

namespace vitc::rt {

/// A picture of 8 bits a channel: rgb is [height, width, 3], row-major.
struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> rgb;
  std::vector<uint8_t> alpha = {}; // [height, width]; empty: opaque
};

/// Reads a JPEG or PNG file as PIL does: open, ImageOps.exif_transpose, which
/// turns it as its EXIF orientation says, and convert("RGBA"). Colour profiles
/// are not applied; convert("RGB") would give the same rgb. On failure returns
/// false and sets `error` to one line that starts with `path`.
bool readImage(const char *path, Image &image, std::string &error);

/// Where a picture lies in the model's input: it was resized to height x width
/// pixels, the first of which is row `top` and column `left` of the input,
/// negative where the picture was cropped.
struct Placement {
  int pictureHeight, pictureWidth;
  int height, width;
  int top, left;
};

/// Resizes, crops and pads `image` to what the model sees, 8 bits a channel. A
/// model of grey sees the luma, which `view` repeats in all three colours; zero
/// padding is black. On failure returns false and sets `error` to one line.
bool preprocessToView(const PreprocessDescriptor &preprocess,
                      const Image &image, Image &view, Placement &placement,
                      std::string &error);

/// Rescales and normalises `view`, preprocess.height x preprocess.width, to
/// `pixels`, f32 [channels, height, width]; what was padded with zeros is 0.
void normalizeView(const PreprocessDescriptor &preprocess, const Image &view,
                   const Placement &placement, float *pixels);

/// readImage, preprocessToView and normalizeView in one. On failure returns
/// false and sets `error` to one line that starts with `path`.
bool preprocessImage(const PreprocessDescriptor &preprocess, const char *path,
                     float *pixels, std::string &error);

/// Sets `bytes` to `image` as a PNG file. On failure returns false and sets
/// `error` to one line.
bool encodePng(const Image &image, std::string &bytes, std::string &error);

/// The same for the classes of pixels, int32 [height, width], -1 for none: a
/// palette of getClassColour with the class as index and 255 for none; with
/// classes above 254 grey values of 16 bits, 65535 for none.
bool encodeIndexPng(const int32_t *classes, int height, int width,
                    std::string &bytes, std::string &error);

struct Colour {
  uint8_t rgb[3];
};

/// A colour for each class, the same everywhere; 0 is black.
Colour getClassColour(int64_t index);

/// Sides in pixels.
struct Box {
  double left, top, right, bottom;
};

/// Draws the outline of what `image` has of `box`, within it.
void drawBox(Image &image, const Box &box, Colour colour);

/// Writes `text`, UTF-8, on `colour` into the upper left corner of `box`, moved
/// into the picture where it would end outside.
void drawLabel(Image &image, const Box &box, std::string_view text,
               Colour colour);

/// Lays `map`, f32 [gridHeight, gridWidth], over the luma of `view`: viridis
/// colours, from the map's least value (dark violet) to its greatest (yellow).
/// The result is `view` enlarged by the least integer factor that makes both
/// sides 256 pixels or more.
Image overlayHeatMap(const Image &view, const float *map, int gridHeight,
                     int gridWidth);

/// Draws `matrix`, f32 [height, width], in the same colours: a square of pixels
/// for each element, so large that the longer side has 512 pixels or more.
Image drawMatrix(const float *matrix, int height, int width);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_IMAGE_H
