//===- PngWriter.cpp - RGB to PNG -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

#include <algorithm>
#include <csetjmp>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <png.h>

using namespace vitc::rt;

namespace {
struct PngWriter {
  PngWriter();
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter &) = delete;

  png_structp png;
  png_infop info = nullptr;
  std::string bytes;
  std::jmp_buf recover;
  std::string error;
};
} // namespace

static void onError(png_structp png, png_const_charp message) {
  auto &writer = *static_cast<PngWriter *>(png_get_error_ptr(png));
  writer.error = decapitalize(message);
  std::longjmp(writer.recover, 1);
}

static void appendBytes(png_structp png, png_bytep bytes, size_t count) {
  auto &writer = *static_cast<PngWriter *>(png_get_io_ptr(png));
  try {
    writer.bytes.append(reinterpret_cast<const char *>(bytes), count);
    return;
  } catch (const std::bad_alloc &) {
    // No exception may cross libpng; its own error follows, outside of the
    // handler, which a jump must not leave.
  }
  png_error(png, "not enough memory");
}

PngWriter::PngWriter() {
  png = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, onError,
                                [](png_structp, png_const_charp) {});
  if (!png)
    throw std::bad_alloc();
  info = png_create_info_struct(png);
  if (!info) {
    png_destroy_write_struct(&png, nullptr);
    throw std::bad_alloc();
  }
}

namespace {
/// Rows of pixels, as PNG stores them.
struct PngPixels {
  int height, width;
  int colourType, bitDepth;
  const uint8_t *bytes;
  size_t rowBytes;
};
} // namespace

static bool encode(PngWriter &writer, const PngPixels &pixels,
                   const std::vector<png_color> &palette) {
  if (setjmp(writer.recover))
    return false;
  png_structp png = writer.png;
  png_set_write_fn(png, &writer, appendBytes, [](png_structp) {});
  png_set_IHDR(png, writer.info, pixels.width, pixels.height, pixels.bitDepth,
               pixels.colourType, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty())
    png_set_PLTE(png, writer.info, palette.data(),
                 static_cast<int>(palette.size()));
  png_write_info(png, writer.info);
  for (int y = 0; y < pixels.height; ++y)
    png_write_row(png, pixels.bytes + pixels.rowBytes * y);
  png_write_end(png, writer.info);
  return true;
}

/// Encodes `pixels`; on failure returns false and sets `error`.
static bool encodePixels(const PngPixels &pixels,
                         const std::vector<png_color> &palette,
                         std::string &bytes, std::string &error) {
  PngWriter writer;
  if (!encode(writer, pixels, palette)) {
    error = fmt::format("cannot encode {} x {} pixels as PNG: {}",
                        pixels.height, pixels.width, writer.error);
    return false;
  }
  bytes = std::move(writer.bytes);
  return true;
}

static std::string describeShortage(int height, int width) {
  return fmt::format("not enough memory to encode {} x {} pixels", height,
                     width);
}

bool vitc::rt::encodePng(const Image &image, std::string &bytes,
                         std::string &error) try {
  return encodePixels({image.height, image.width, PNG_COLOR_TYPE_RGB,
                       /*bitDepth=*/8, image.rgb.data(),
                       size_t{3} * image.width},
                      {}, bytes, error);
} catch (const std::bad_alloc &) {
  error = describeShortage(image.height, image.width);
  return false;
}

bool vitc::rt::encodeIndexPng(const int32_t *classes, int height, int width,
                              std::string &bytes, std::string &error) try {
  constexpr int32_t none = 255;
  size_t numPixels = size_t(height) * width;
  bool isWide = std::any_of(classes, classes + numPixels,
                            [](int32_t index) { return index >= none; });
  std::vector<uint8_t> pixels;
  pixels.reserve(numPixels * (isWide ? 2 : 1));
  // -1 becomes the greatest value.
  for (size_t i = 0; i < numPixels; ++i) {
    if (isWide) // big-endian
      pixels.push_back(static_cast<uint8_t>(classes[i] >> 8));
    pixels.push_back(static_cast<uint8_t>(classes[i]));
  }
  if (isWide)
    return encodePixels({height, width, PNG_COLOR_TYPE_GRAY, /*bitDepth=*/16,
                         pixels.data(), size_t{2} * width},
                        {}, bytes, error);
  std::vector<png_color> palette(none + 1);
  for (int32_t index = 0; index <= none; ++index) {
    Colour colour = getClassColour(index);
    palette[index] = {colour.rgb[0], colour.rgb[1], colour.rgb[2]};
  }
  return encodePixels({height, width, PNG_COLOR_TYPE_PALETTE, /*bitDepth=*/8,
                       pixels.data(), size_t(width)},
                      palette, bytes, error);
} catch (const std::bad_alloc &) {
  error = describeShortage(height, width);
  return false;
}
