//===- ResampleTest.cpp - Resized pictures equal Pillow's -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image/Resample.h"
#include "TestImages.h"

using namespace vitc::rt;

namespace {
/// What Pillow 13.0.0 makes of makeImage(4, 4).
struct Reference {
  Interpolation interpolation;
  std::vector<uint8_t> rows3Columns2, rows5Columns3;
};
} // namespace

static const Reference kReferences[] = {
    {Interpolation::Nearest,
     {177, 170, 163, 215, 28, 97, 153, 56, 215, 211, 190, 169, 252, 238, 224,
      64, 126, 188},
     {0,   83,  166, 78,  237, 140, 215, 28,  97,  74,  240, 150,
      162, 148, 134, 176, 72,  224, 222, 215, 208, 64,  133, 202,
      211, 190, 169, 222, 215, 208, 64,  133, 202, 211, 190, 169,
      188, 8,   84,  40,  192, 88,  64,  126, 188}},
    {Interpolation::Lanczos,
     {79, 176, 132, 166, 132, 127, 135, 181, 148, 157, 124, 178, 202, 122, 173,
      83, 175, 165},
     {56,  85,  172, 128, 223, 162, 169, 86,  98,  61,  195, 115,
      149, 207, 77,  170, 73,  184, 153, 238, 163, 116, 102, 133,
      191, 143, 215, 232, 127, 198, 106, 120, 212, 126, 180, 160,
      223, 62,  127, 153, 245, 153, 28,  129, 147}},
    {Interpolation::Bilinear,
     {94, 163, 141, 155, 134, 135, 140, 173, 152, 152, 135, 174, 187, 134, 164,
      99, 163, 162},
     {53,  109, 165, 128, 204, 152, 174, 91,  110, 79,  193, 128,
      140, 184, 101, 173, 94,  171, 146, 198, 161, 127, 136, 144,
      170, 134, 188, 203, 140, 185, 120, 131, 193, 134, 165, 173,
      207, 77,  126, 146, 215, 156, 57,  146, 158}},
    {Interpolation::Bicubic,
     {85, 167, 138, 161, 132, 130, 139, 179, 150, 155, 130, 178, 200, 127, 169,
      85, 169, 161},
     {47,  95,  169, 128, 216, 157, 175, 83,  102, 66,  201, 121,
      144, 194, 84,  175, 80,  182, 149, 217, 163, 122, 121, 139,
      180, 137, 200, 221, 137, 193, 111, 119, 205, 135, 175, 168,
      216, 63,  122, 149, 231, 155, 41,  138, 155}},
    {Interpolation::Box,
     {89, 127, 165, 147, 133, 119, 145, 179, 150, 154, 136, 183, 220, 123, 154,
      52, 159, 138},
     {0,   83, 166, 128, 204, 152, 215, 28, 97,  74,  240, 150, 145, 176, 79,
      176, 72, 224, 222, 215, 208, 109, 95, 209, 211, 190, 169, 222, 215, 208,
      109, 95, 209, 211, 190, 169, 188, 8,  84,  146, 215, 156, 64,  126, 188}},
    {Interpolation::Hamming,
     {90, 145, 152, 151, 131, 128, 143, 177, 150, 153, 136, 180, 208, 127, 160,
      72, 161, 148},
     {27,  96,  166, 128, 204, 152, 194, 60,  104, 75,  217, 135,
      143, 179, 88,  176, 81,  197, 147, 213, 170, 127, 136, 144,
      181, 133, 192, 209, 173, 196, 114, 110, 202, 172, 175, 174,
      198, 43,  106, 146, 215, 156, 60,  136, 173}},
};

TEST(ResampleTest, EqualsPillow) {
  Image image = makeImage(4, 4);
  for (const Reference &reference : kReferences) {
    SCOPED_TRACE(static_cast<int>(reference.interpolation));
    Image smaller = resample(image, 3, 2, reference.interpolation);
    EXPECT_EQ(smaller.height, 3);
    EXPECT_EQ(smaller.width, 2);
    EXPECT_EQ(smaller.rgb, reference.rows3Columns2);
    Image mixed = resample(image, 5, 3, reference.interpolation);
    EXPECT_EQ(mixed.rgb, reference.rows5Columns3);
  }
}

TEST(ResampleTest, SameSizeIsACopy) {
  Image image = makeImage(5, 7);
  for (const Reference &reference : kReferences)
    EXPECT_EQ(resample(image, 5, 7, reference.interpolation).rgb, image.rgb);
}

TEST(ResampleTest, OnePixelFillsThePicture) {
  Image pixel{1, 1, {7, 100, 255}};
  for (const Reference &reference : kReferences) {
    Image image = resample(pixel, 3, 5, reference.interpolation);
    for (size_t i = 0; i < image.rgb.size(); ++i)
      EXPECT_EQ(image.rgb[i], pixel.rgb[i % 3]);
  }
}

// The order of the passes shows in the rounding between them.
TEST(ResampleTest, RowsFirstWhenManyMoreAreDropped) {
  Image image = makeImage(40, 12);
  Interpolation filter = Interpolation::Bicubic;
  auto rowsFirst = [&](int height, int width) {
    return resample(resample(image, height, 12, filter), height, width, filter);
  };
  auto columnsFirst = [&](int height, int width) {
    return resample(resample(image, 40, width, filter), height, width, filter);
  };
  // 8 columns fewer: rows first from 17 rows fewer.
  EXPECT_NE(rowsFirst(23, 4).rgb, columnsFirst(23, 4).rgb);
  EXPECT_EQ(resample(image, 23, 4, filter).rgb, rowsFirst(23, 4).rgb);
  EXPECT_NE(rowsFirst(24, 4).rgb, columnsFirst(24, 4).rgb);
  EXPECT_EQ(resample(image, 24, 4, filter).rgb, columnsFirst(24, 4).rgb);
  // More columns: rows first only if there are fewer of them.
  EXPECT_EQ(resample(image, 39, 50, filter).rgb, rowsFirst(39, 50).rgb);
  EXPECT_EQ(resample(image, 41, 50, filter).rgb, columnsFirst(41, 50).rgb);
}
