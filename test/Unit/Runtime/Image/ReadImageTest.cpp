//===- ReadImageTest.cpp - Damaged and foreign files ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestImages.h"

#include <cstdlib>

#include <jpeglib.h>

using namespace vitc::rt;

static std::vector<uint8_t> encodeJpeg(const Image &image, bool progressive) {
  jpeg_compress_struct compress;
  jpeg_error_mgr errors;
  compress.err = jpeg_std_error(&errors);
  jpeg_create_compress(&compress);
  unsigned char *bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&compress, &bytes, &size);
  compress.image_height = image.height;
  compress.image_width = image.width;
  compress.input_components = 3;
  compress.in_color_space = JCS_RGB;
  jpeg_set_defaults(&compress);
  if (progressive)
    jpeg_simple_progression(&compress);
  jpeg_start_compress(&compress, TRUE);
  for (int y = 0; y < image.height; ++y) {
    auto *row = const_cast<uint8_t *>(&image.rgb[3 * image.width * y]);
    jpeg_write_scanlines(&compress, &row, 1);
  }
  jpeg_finish_compress(&compress);
  jpeg_destroy_compress(&compress);
  std::vector<uint8_t> result(bytes, bytes + size);
  std::free(bytes);
  return result;
}

/// Sets the sides in a JPEG file's frame header.
static void setJpegSides(std::vector<uint8_t> &bytes, int height, int width) {
  size_t i = 0;
  while (bytes[i] != 0xFF || (bytes[i + 1] != 0xC0 && bytes[i + 1] != 0xC2))
    ++i;
  for (int side : {height, width}) {
    bytes[i + 5] = side >> 8;
    bytes[i + 6] = side & 0xFF;
    i += 2;
  }
}

/// The start of a PNG file of 20000 x 20000 pixels.
static const std::vector<uint8_t> kHugePng = {
    0x89, 'P',  'N', 'G', '\r', '\n', 0x1A, '\n', 0,    0,    0,
    13,   'I',  'H', 'D', 'R',  0,    0,    0x4E, 0x20, 0,    0,
    0x4E, 0x20, 8,   2,   0,    0,    0,    0x6C, 0x12, 0xD1, 0x6E,
    0,    0,    0,   1,   'I',  'D',  'A',  'T',  0};

TEST(ReadImageTest, NegativeMissingFile) {
  EXPECT_EQ(readError("no-such-picture.png"),
            "cannot open the picture: no such file or directory");
}

TEST(ReadImageTest, NegativeFolder) {
  EXPECT_EQ(readError("/"), "cannot read the picture: is a directory");
}

TEST(ReadImageTest, NegativeEmptyFile) {
  TemporaryFile file(".png");
  file.write({});
  EXPECT_EQ(readError(file.name()),
            "file is empty; a JPEG or PNG picture is needed");
}

TEST(ReadImageTest, NegativeOtherFormat) {
  TemporaryFile file(".gif");
  file.write({'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0});
  EXPECT_EQ(readError(file.name()),
            "file starts with the bytes 47 49 46 38 39 61 01 00; a JPEG or PNG "
            "picture is needed");
}

// A device that never ends is refused by its first bytes.
TEST(ReadImageTest, NegativeEndlessDevice) {
  EXPECT_EQ(readError("/dev/zero"),
            "file starts with the bytes 00 00 00 00 00 00 00 00; a JPEG or PNG "
            "picture is needed");
}

TEST(ReadImageTest, NegativeTooManyPixels) {
  TemporaryFile file(".png");
  file.write(kHugePng);
  EXPECT_EQ(readError(file.name()),
            "picture has 20000 x 20000 pixels; the most is 178956970 in all");
  std::vector<uint8_t> jpeg = encodeJpeg(makeImage(8, 8), false);
  setJpegSides(jpeg, 65000, 64000);
  file.write(jpeg);
  EXPECT_EQ(readError(file.name()),
            "picture has 65000 x 64000 pixels; the most is 178956970 in all");
}

TEST(ReadImageTest, NegativeNoPixels) {
  TemporaryFile file(".jpg");
  std::vector<uint8_t> jpeg = encodeJpeg(makeImage(8, 8), false);
  setJpegSides(jpeg, 0, 8);
  file.write(jpeg);
  EXPECT_EQ(readError(file.name()),
            "JPEG data is corrupt: empty JPEG image (DNL not supported)");
}

TEST(ReadImageTest, NegativeTruncatedJpeg) {
  TemporaryFile file(".jpg");
  for (bool progressive : {false, true}) {
    std::vector<uint8_t> jpeg = encodeJpeg(makeImage(64, 64), progressive);
    jpeg.resize(20);
    file.write(jpeg);
    EXPECT_EQ(readError(file.name()),
              "JPEG file ends after 20 bytes, inside its header");
  }
  std::vector<uint8_t> jpeg = encodeJpeg(makeImage(64, 64), false);
  jpeg.resize(jpeg.size() - 300);
  file.write(jpeg);
  std::string error = readError(file.name());
  std::string start =
      "JPEG file ends after " + std::to_string(jpeg.size()) + " bytes, with 4";
  EXPECT_EQ(error.substr(0, start.size()), start);
  EXPECT_NE(error.find(" of 64 rows"), std::string::npos) << error;
}

// Whole but for the end marker: all pixels are there.
TEST(ReadImageTest, JpegWithoutEndMarker) {
  TemporaryFile file(".jpg");
  std::vector<uint8_t> jpeg = encodeJpeg(makeImage(16, 16), false);
  Image whole, image;
  std::string error;
  file.write(jpeg);
  ASSERT_TRUE(readImage(file.name(), whole, error)) << error;
  jpeg.back() = 0xDA; // a scan's start in place of the end
  file.write(jpeg);
  ASSERT_TRUE(readImage(file.name(), image, error)) << error;
  EXPECT_EQ(image.rgb, whole.rgb);
}

// Each of a progressive file's scans is a sweep over the whole picture.
TEST(ReadImageTest, NegativeTooManyScans) {
  TemporaryFile file(".jpg");
  std::vector<uint8_t> jpeg = encodeJpeg(makeImage(8, 8), true);
  size_t last = jpeg.size() - 2;
  while (jpeg[last] != 0xFF || jpeg[last + 1] != 0xDA)
    --last;
  std::vector<uint8_t> scan(jpeg.begin() + last, jpeg.end() - 2);
  for (int i = 0; i < 500; ++i)
    jpeg.insert(jpeg.end() - 2, scan.begin(), scan.end());
  file.write(jpeg);
  EXPECT_EQ(readError(file.name()),
            "JPEG data has more than 500 scans, the most that are decoded");
}

TEST(ReadImageTest, NegativeTruncatedPng) {
  TemporaryFile file(".png");
  file.writePng(makeImage(64, 64));
  std::vector<uint8_t> png = file.read();
  for (size_t size : {size_t{8}, size_t{20}, size_t{60}, png.size() / 2}) {
    file.write({png.begin(), png.begin() + size});
    EXPECT_EQ(readError(file.name()), "PNG file ends before its last row");
  }
}

TEST(ReadImageTest, NegativeChangedPng) {
  TemporaryFile file(".png");
  file.writePng(makeImage(64, 64));
  std::vector<uint8_t> png = file.read();
  png[png.size() / 2] ^= 0xFF;
  file.write(png);
  EXPECT_EQ(readError(file.name()).find("PNG data is corrupt: "), 0u);
}

// A failure leaves the caller's picture as it was.
TEST(ReadImageTest, NegativeKeepsTheImage) {
  Image image = makeImage(2, 3), before = image;
  std::string error;
  EXPECT_FALSE(readImage("no-such-picture.png", image, error));
  EXPECT_EQ(image.rgb, before.rgb);
}
