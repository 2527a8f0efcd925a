//===- PngTest.cpp - PNG files of every kind, written and read ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestImages.h"

#include <png.h>

using namespace vitc::rt;

namespace {
struct PngKind {
  int colour, depth, channels;
};
} // namespace

static constexpr PngKind kKinds[] = {
    {PNG_COLOR_TYPE_GRAY, 1, 1},        {PNG_COLOR_TYPE_GRAY, 2, 1},
    {PNG_COLOR_TYPE_GRAY, 4, 1},        {PNG_COLOR_TYPE_GRAY, 8, 1},
    {PNG_COLOR_TYPE_GRAY, 16, 1},       {PNG_COLOR_TYPE_PALETTE, 1, 1},
    {PNG_COLOR_TYPE_PALETTE, 2, 1},     {PNG_COLOR_TYPE_PALETTE, 4, 1},
    {PNG_COLOR_TYPE_PALETTE, 8, 1},     {PNG_COLOR_TYPE_RGB, 8, 3},
    {PNG_COLOR_TYPE_RGB, 16, 3},        {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 2},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 16, 2}, {PNG_COLOR_TYPE_RGB_ALPHA, 8, 4},
    {PNG_COLOR_TYPE_RGB_ALPHA, 16, 4}};

/// Entry i of the tests' palette.
static png_color paletteColour(int i) {
  return {static_cast<png_byte>(255 - i), static_cast<png_byte>(i),
          static_cast<png_byte>(7 * i)};
}

/// Writes integer samples [height, width, channels] with libpng.
static void writeSamples(const char *path, PngKind kind, bool interlaced,
                         int height, int width,
                         const std::vector<uint16_t> &samples) {
  std::vector<std::vector<uint8_t>> rows(height);
  for (size_t i = 0; i < samples.size(); ++i) {
    std::vector<uint8_t> &row = rows[i / (width * kind.channels)];
    if (kind.depth == 16)
      row.push_back(samples[i] >> 8);
    row.push_back(samples[i] & 0xFF);
  }
  std::vector<png_bytep> rowPointers;
  for (std::vector<uint8_t> &row : rows)
    rowPointers.push_back(row.data());

  std::FILE *file = std::fopen(path, "wb");
  ASSERT_TRUE(file);
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, width, height, kind.depth, kind.colour,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (kind.colour == PNG_COLOR_TYPE_PALETTE) {
    png_color palette[256];
    for (int i = 0; i < 256; ++i)
      palette[i] = paletteColour(i);
    png_set_PLTE(png, info, palette, 1 << kind.depth);
  }
  png_write_info(png, info);
  png_set_packing(png);
  png_write_image(png, rowPointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

/// The RGB that a pixel of these samples stands for.
static std::vector<uint8_t> expectedPixel(PngKind kind, const uint16_t *pixel) {
  if (kind.colour == PNG_COLOR_TYPE_PALETTE) {
    png_color colour = paletteColour(pixel[0]);
    return {colour.red, colour.green, colour.blue};
  }
  auto toByte = [&](uint16_t sample) -> uint8_t {
    if (kind.colour == PNG_COLOR_TYPE_GRAY && kind.depth == 16)
      return std::min<int>(sample, 255);
    if (kind.depth == 16)
      return sample >> 8;
    return sample * 255 / ((1 << kind.depth) - 1);
  };
  int step = kind.colour & PNG_COLOR_MASK_COLOR ? 1 : 0;
  return {toByte(pixel[0]), toByte(pixel[step]), toByte(pixel[2 * step])};
}

TEST(PngTest, ReadsEveryKind) {
  constexpr int kHeight = 9, kWidth = 13;
  TemporaryFile file(".png");
  for (PngKind kind : kKinds)
    for (bool interlaced : {false, true}) {
      SCOPED_TRACE(::testing::Message()
                   << "colour type " << kind.colour << ", depth " << kind.depth
                   << ", interlaced " << interlaced);
      std::vector<uint16_t> samples;
      std::vector<uint8_t> expected;
      for (int i = 0; i < kHeight * kWidth * kind.channels; ++i)
        samples.push_back((i * 40503u + i / 7) % (1u << kind.depth));
      for (size_t i = 0; i < samples.size(); i += kind.channels)
        for (uint8_t value : expectedPixel(kind, &samples[i]))
          expected.push_back(value);

      writeSamples(file.name(), kind, interlaced, kHeight, kWidth, samples);
      Image image;
      std::string error;
      ASSERT_TRUE(readImage(file.name(), image, error)) << error;
      EXPECT_EQ(image.height, kHeight);
      EXPECT_EQ(image.width, kWidth);
      EXPECT_EQ(image.rgb, expected);
    }
}

TEST(PngTest, RoundTrip) {
  TemporaryFile file(".png");
  for (Image image : {makeImage(1, 1), makeImage(31, 17), makeImage(2, 300)}) {
    Image result;
    std::string error;
    file.writePng(image);
    ASSERT_TRUE(readImage(file.name(), result, error)) << error;
    EXPECT_EQ(result.height, image.height);
    EXPECT_EQ(result.width, image.width);
    EXPECT_EQ(result.rgb, image.rgb);
  }
}

TEST(PngTest, NegativeEmptyPicture) {
  std::string bytes = "as it was", error;
  EXPECT_FALSE(encodePng(Image(), bytes, error));
  EXPECT_EQ(error.find("cannot encode 0 x 0 pixels as PNG: "), 0u) << error;
  EXPECT_EQ(bytes, "as it was");
}
