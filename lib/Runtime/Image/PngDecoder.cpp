//===- PngDecoder.cpp - PNG to RGB ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As Pillow's convert("RGBA"): gamma and colour profiles are not applied,
// 16-bit colours keep their high byte. The exception, Pillow's as well, is
// 16-bit gray without alpha: values above 255 become 255.
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

#include <algorithm>
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

/// Reads up to the pixels and asks libpng for RGB or RGBA, 8 bits a channel, or
/// for 16-bit gray where the file has that.
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
    if (png_get_valid(png, reader.info, PNG_INFO_tRNS))
      png_set_tRNS_to_alpha(png);
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

/// RGBA to RGB and alpha.
static void splitAlpha(const std::vector<uint8_t> &rgba, Image &image) {
  size_t numPixels = rgba.size() / 4;
  image.rgb.resize(3 * numPixels);
  image.alpha.resize(numPixels);
  for (size_t i = 0; i < numPixels; ++i) {
    std::memcpy(&image.rgb[3 * i], &rgba[4 * i], 3);
    image.alpha[i] = rgba[4 * i + 3];
  }
}

static uint32_t readBigEndian(const uint8_t *bytes) {
  return uint32_t(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/// The data of the chunk eXIf, which may stand behind the pixels. Chunks are a
/// length, a name, the data and a checksum.
static std::vector<uint8_t> findExif(ImageBytes file) {
  constexpr size_t signatureBytes = 8, nameBytes = 8, checksumBytes = 4;
  size_t offset = signatureBytes;
  while (file.size - offset >= nameBytes) {
    const uint8_t *chunk = file.data + offset;
    size_t length = readBigEndian(chunk);
    offset += nameBytes;
    if (length > file.size - offset)
      break;
    if (std::memcmp(chunk + 4, "eXIf", 4) == 0)
      return {file.data + offset, file.data + offset + length};
    offset = std::min(offset + length + checksumBytes, file.size);
  }
  return {};
}

bool vitc::rt::decodePng(ImageBytes file, Image &image,
                         std::vector<uint8_t> &exif, std::string &error) {
  PngReader reader(file);
  if (!readHeader(reader)) {
    error = std::move(reader.error);
    return false;
  }
  Image decoded;
  decoded.height = png_get_image_height(reader.png, reader.info);
  decoded.width = png_get_image_width(reader.png, reader.info);
  size_t rowBytes = png_get_rowbytes(reader.png, reader.info);
  std::vector<uint8_t> pixels(rowBytes * decoded.height);
  std::vector<png_bytep> rows(decoded.height);
  for (int y = 0; y < decoded.height; ++y)
    rows[y] = pixels.data() + y * rowBytes;
  if (!readRows(reader, rows.data())) {
    error = std::move(reader.error);
    return false;
  }
  if (reader.isGray16) {
    decoded.rgb.resize(pixels.size() / 2 * 3);
    convertGray16(pixels, decoded.rgb);
  } else if (png_get_channels(reader.png, reader.info) == 4) {
    splitAlpha(pixels, decoded);
  } else {
    decoded.rgb = std::move(pixels);
  }
  image = std::move(decoded);
  exif = findExif(file);
  return true;
}
