//===- PngDecoder.cpp - PNG to RGB ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As Pillow's convert("RGB"): alpha and transparency are dropped, gamma and
// colour profiles are not applied, 16-bit colours keep their high byte. The
// exception, Pillow's as well, is 16-bit gray without alpha: values above 255
// become 255.
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

#include <csetjmp>
#include <cstring>

#include <fmt/format.h>
#include <png.h>

using namespace vitc::rt;

namespace {
/// A decompressor whose callbacks find it through libpng's error and io
/// pointers. Any error jumps to `recover`.
struct PngReader {
  PngReader(ImageBytes file);
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader &) = delete;

  png_structp png;
  png_infop info = nullptr;
  ImageBytes remaining;
  std::jmp_buf recover;
  std::string error;
  bool isGray16 = false;
};
} // namespace

static void onError(png_structp png, png_const_charp message) {
  auto &reader = *static_cast<PngReader *>(png_get_error_ptr(png));
  reader.error = "PNG data is corrupt: " + decapitalize(message);
  std::longjmp(reader.recover, 1);
}

static void readBytes(png_structp png, png_bytep bytes, size_t count) {
  auto &reader = *static_cast<PngReader *>(png_get_io_ptr(png));
  if (count > reader.remaining.size) {
    reader.error = "PNG file ends before its last row";
    std::longjmp(reader.recover, 1);
  }
  std::memcpy(bytes, reader.remaining.data, count);
  reader.remaining.data += count;
  reader.remaining.size -= count;
}

PngReader::PngReader(ImageBytes file) : remaining(file) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, onError,
                               [](png_structp, png_const_charp) {});
  if (!png)
    throw std::bad_alloc();
  info = png_create_info_struct(png);
  if (!info) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    throw std::bad_alloc();
  }
}

/// Reads up to the pixels and asks libpng for RGB, 8 bits a channel, or for
/// 16-bit gray where the file has that.
static bool readHeader(PngReader &reader) {
  if (setjmp(reader.recover))
    return false;
  png_structp png = reader.png;
  png_set_read_fn(png, &reader, readBytes);
  // Texts, profiles and the like: skipped unread.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(png, reader.info);
  if (!checkPixelCount(png_get_image_height(png, reader.info),
                       png_get_image_width(png, reader.info), reader.error))
    return false;
  int colour = png_get_color_type(png, reader.info);
  int depth = png_get_bit_depth(png, reader.info);
  reader.isGray16 = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
  if (!reader.isGray16) {
    if (colour == PNG_COLOR_TYPE_PALETTE)
      png_set_palette_to_rgb(png);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8)
      png_set_expand_gray_1_2_4_to_8(png);
    if (depth == 16)
      png_set_strip_16(png);
    if (!(colour & PNG_COLOR_MASK_COLOR))
      png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  return true;
}

static bool readRows(PngReader &reader, png_bytepp rows) {
  if (setjmp(reader.recover))
    return false;
  png_read_image(reader.png, rows);
  return true;
}

/// Big-endian 16-bit gray to RGB, clipped to 255.
static void convertGray16(const std::vector<uint8_t> &gray,
                          std::vector<uint8_t> &rgb) {
  for (size_t i = 0; i < gray.size() / 2; ++i)
    std::memset(&rgb[3 * i], gray[2 * i] ? 255 : gray[2 * i + 1], 3);
}

bool vitc::rt::decodePng(ImageBytes file, Image &image, std::string &error) {
  PngReader reader(file);
  if (!readHeader(reader)) {
    error = std::move(reader.error);
    return false;
  }
  Image decoded;
  decoded.height = png_get_image_height(reader.png, reader.info);
  decoded.width = png_get_image_width(reader.png, reader.info);
  size_t numPixels = static_cast<size_t>(decoded.height) * decoded.width;
  decoded.rgb.resize(3 * numPixels);
  std::vector<uint8_t> gray16(reader.isGray16 ? 2 * numPixels : 0);

  uint8_t *pixels = reader.isGray16 ? gray16.data() : decoded.rgb.data();
  size_t rowBytes = png_get_rowbytes(reader.png, reader.info);
  std::vector<png_bytep> rows(decoded.height);
  for (int y = 0; y < decoded.height; ++y)
    rows[y] = pixels + y * rowBytes;
  if (!readRows(reader, rows.data())) {
    error = std::move(reader.error);
    return false;
  }
  if (reader.isGray16)
    convertGray16(gray16, decoded.rgb);
  image = std::move(decoded);
  return true;
}
