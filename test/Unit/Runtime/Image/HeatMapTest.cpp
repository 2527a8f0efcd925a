//===- HeatMapTest.cpp - Maps over pictures -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestImages.h"

#include <cmath>

using namespace vitc::rt;

static std::vector<uint8_t> pixelAt(const Image &image, int y, int x) {
  const uint8_t *pixel = &image.rgb[3 * (image.width * y + x)];
  return {pixel, pixel + 3};
}

/// Viridis at its two ends over black, with a share of 0.55.
static const std::vector<uint8_t> kLeast = {37, 1, 46};
static const std::vector<uint8_t> kGreatest = {139, 127, 20};

static Image makeBlack(int height, int width) {
  Image image{height, width, {}};
  image.rgb.resize(size_t{3} * height * width);
  return image;
}

TEST(HeatMapTest, SmallPicturesAreEnlarged) {
  float map[] = {0, 1};
  Image enlarged = overlayHeatMap(makeImage(64, 100), map, 1, 2);
  EXPECT_EQ(enlarged.height, 256);
  EXPECT_EQ(enlarged.width, 400);
  Image same = overlayHeatMap(makeImage(256, 300), map, 1, 2);
  EXPECT_EQ(same.height, 256);
  EXPECT_EQ(same.width, 300);
}

TEST(HeatMapTest, LeastAndGreatestAreTheEndsOfViridis) {
  float map[] = {-3, 5, 1, 1};
  Image overlay = overlayHeatMap(makeBlack(256, 256), map, 2, 2);
  EXPECT_EQ(pixelAt(overlay, 0, 0), kLeast);
  EXPECT_EQ(pixelAt(overlay, 0, 255), kGreatest);
}

TEST(HeatMapTest, ThePictureShowsThrough) {
  Image view = makeBlack(256, 256);
  std::fill_n(view.rgb.begin(), 3, 255);
  float map[] = {0, 1};
  Image overlay = overlayHeatMap(view, map, 1, 2);
  EXPECT_EQ(pixelAt(overlay, 0, 0), (std::vector<uint8_t>{152, 115, 161}));
  EXPECT_EQ(pixelAt(overlay, 1, 0), kLeast);
}

TEST(HeatMapTest, NoContrastAndNoNumberAreTheLeast) {
  float constant[] = {2, 2}, broken[] = {NAN, INFINITY};
  for (float *map : {constant, broken}) {
    Image overlay = overlayHeatMap(makeBlack(256, 256), map, 1, 2);
    EXPECT_EQ(pixelAt(overlay, 0, 0), kLeast);
    EXPECT_EQ(pixelAt(overlay, 255, 255), kLeast);
  }
}

TEST(HeatMapTest, MatricesHaveASquareForEachElement) {
  float matrix[] = {0, 1, 0, 0, 0, 1};
  Image picture = drawMatrix(matrix, 2, 3);
  EXPECT_EQ(picture.width, 3 * 171); // 512 or more
  EXPECT_EQ(picture.height, 2 * 171);
  std::vector<uint8_t> least = {68, 1, 84}, greatest = {253, 231, 37};
  EXPECT_EQ(pixelAt(picture, 0, 170), least);
  EXPECT_EQ(pixelAt(picture, 170, 171), greatest);
  EXPECT_EQ(pixelAt(picture, 171, 171), least);
  EXPECT_EQ(pixelAt(picture, 341, 512), greatest);
}
