//===- PngWriter.cpp - RGB to PNG -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

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

static bool encode(PngWriter &writer, const Image &image) {
  if (setjmp(writer.recover))
    return false;
  png_structp png = writer.png;
  png_set_write_fn(png, &writer, appendBytes, [](png_structp) {});
  png_set_IHDR(png, writer.info, image.width, image.height, /*bit_depth=*/8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, writer.info);
  for (int y = 0; y < image.height; ++y)
    png_write_row(png, &image.rgb[size_t{3} * image.width * y]);
  png_write_end(png, writer.info);
  return true;
}

bool vitc::rt::encodePng(const Image &image, std::string &bytes,
                         std::string &error) try {
  PngWriter writer;
  if (!encode(writer, image)) {
    error = fmt::format("cannot encode {} x {} pixels as PNG: {}", image.height,
                        image.width, writer.error);
    return false;
  }
  bytes = std::move(writer.bytes);
  return true;
} catch (const std::bad_alloc &) {
  error = fmt::format("not enough memory to encode {} x {} pixels",
                      image.height, image.width);
  return false;
}
