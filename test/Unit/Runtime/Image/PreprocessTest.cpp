//===- PreprocessTest.cpp - Sizes, crops and values of model inputs -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestImages.h"

using namespace vitc::rt;

/// No step but the ones a test adds.
static PreprocessDescriptor makePreprocess(int height, int width) {
  PreprocessDescriptor preprocess = {};
  preprocess.channels = 3;
  preprocess.height = height;
  preprocess.width = width;
  preprocess.interpolation = static_cast<int>(Interpolation::Bilinear);
  preprocess.antialias = 1;
  return preprocess;
}

static void setCrop(PreprocessDescriptor &preprocess, int height, int width) {
  preprocess.doCenterCrop = 1;
  preprocess.cropHeight = height;
  preprocess.cropWidth = width;
}

static Image makeView(const PreprocessDescriptor &preprocess,
                      const Image &image) {
  Image view;
  Placement placement;
  std::string error;
  EXPECT_TRUE(preprocessToView(preprocess, image, view, placement, error))
      << error;
  return view;
}

static std::string viewError(const PreprocessDescriptor &preprocess,
                             const Image &image) {
  Image view;
  Placement placement;
  std::string error;
  return preprocessToView(preprocess, image, view, placement, error)
             ? "no error"
             : error;
}

TEST(PreprocessTest, ExactSize) {
  PreprocessDescriptor preprocess = makePreprocess(6, 10);
  preprocess.doResize = 1;
  preprocess.resizeHeight = 6;
  preprocess.resizeWidth = 10;
  Image view = makeView(preprocess, makeImage(9, 7));
  EXPECT_EQ(view.height, 6);
  EXPECT_EQ(view.width, 10);
}

// 30 x 20 with a shorter edge of 7: 7 * 30 / 20 = 10.5, rounded down.
TEST(PreprocessTest, ShortestEdge) {
  PreprocessDescriptor preprocess = makePreprocess(10, 7);
  preprocess.doResize = 1;
  preprocess.resizeHeight = 7;
  Image portrait = makeView(preprocess, makeImage(30, 20));
  EXPECT_EQ(portrait.height, 10);
  EXPECT_EQ(portrait.width, 7);
  preprocess.height = 7;
  preprocess.width = 10;
  Image landscape = makeView(preprocess, makeImage(20, 30));
  EXPECT_EQ(landscape.height, 7);
  EXPECT_EQ(landscape.width, 10);
}

// An odd difference leaves the extra pixel at the bottom and the right.
TEST(PreprocessTest, CropTakesTheCenter) {
  PreprocessDescriptor preprocess = makePreprocess(2, 1);
  setCrop(preprocess, 2, 1);
  Image image = makeImage(5, 4);
  Image view = makeView(preprocess, image);
  for (int y = 0; y < 2; ++y)
    for (int c = 0; c < 3; ++c)
      EXPECT_EQ(view.rgb[3 * y + c], image.rgb[3 * (4 * (y + 1) + 1) + c]);
}

// A picture that is too small gets a black border, the wider part first.
TEST(PreprocessTest, CropPadsWithBlack) {
  PreprocessDescriptor preprocess = makePreprocess(4, 3);
  setCrop(preprocess, 4, 3);
  Image view = makeView(preprocess, Image{1, 1, {1, 2, 3}});
  std::vector<uint8_t> expected(4 * 3 * 3, 0);
  for (int c = 0; c < 3; ++c)
    expected[3 * (2 * 3 + 1) + c] = c + 1;
  EXPECT_EQ(view.rgb, expected);
}

TEST(PreprocessTest, LumaForOneChannel) {
  PreprocessDescriptor preprocess = makePreprocess(1, 3);
  preprocess.channels = 1;
  Image view =
      makeView(preprocess, Image{1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255}});
  EXPECT_EQ(view.rgb,
            (std::vector<uint8_t>{76, 76, 76, 150, 150, 150, 29, 29, 29}));
  float pixels[3];
  normalizeView(preprocess, view, {1, 3, 1, 3, 0, 0}, pixels);
  EXPECT_EQ(pixels[0], 76.0f);
  EXPECT_EQ(pixels[2], 29.0f);
}

TEST(PreprocessTest, ChannelsAreSeparatedAndNormalised) {
  PreprocessDescriptor preprocess = makePreprocess(1, 2);
  preprocess.doRescale = 1;
  preprocess.rescaleFactor = 1.0 / 255;
  preprocess.doNormalize = 1;
  for (int c = 0; c < 3; ++c) {
    preprocess.mean[c] = 0.5f * c;
    preprocess.std[c] = 0.25f;
  }
  float pixels[6];
  normalizeView(preprocess, Image{1, 2, {0, 51, 255, 255, 0, 51}},
                {1, 2, 1, 2, 0, 0}, pixels);
  EXPECT_EQ(pixels[0], 0.0f);
  EXPECT_EQ(pixels[1], 4.0f);
  EXPECT_EQ(pixels[2], (0.2f - 0.5f) / 0.25f);
  EXPECT_EQ(pixels[3], -2.0f);
  EXPECT_EQ(pixels[4], 0.0f);
  EXPECT_EQ(pixels[5], (0.2f - 1.0f) / 0.25f);
}

TEST(PreprocessTest, NegativeWrongSize) {
  PreprocessDescriptor preprocess = makePreprocess(6, 10);
  EXPECT_EQ(viewError(preprocess, makeImage(5, 4)),
            "picture has 5 x 4 pixels; the model needs 6 x 10");
  preprocess.doResize = 1;
  preprocess.resizeHeight = 8;
  EXPECT_EQ(
      viewError(preprocess, makeImage(5, 4)),
      "picture has 10 x 8 pixels after its resize; the model needs 6 x 10");
}

// The aspect ratio makes a strip of one pixel's height very long.
TEST(PreprocessTest, NegativeResizedTooLarge) {
  PreprocessDescriptor preprocess = makePreprocess(224, 224);
  preprocess.doResize = 1;
  preprocess.resizeHeight = 224;
  setCrop(preprocess, 224, 224);
  EXPECT_EQ(viewError(preprocess, makeImage(1, 60000)),
            "picture of 1 x 60000 pixels, resized: picture has 224 x 13440000 "
            "pixels; the most is 178956970 in all");
}

TEST(PreprocessTest, NegativeNamesTheFile) {
  TemporaryFile file(".png");
  std::string error;
  file.writePng(makeImage(5, 4));
  float pixels[3];
  EXPECT_FALSE(
      preprocessImage(makePreprocess(1, 1), file.name(), pixels, error));
  EXPECT_EQ(error, std::string(file.name()) +
                       ": picture has 5 x 4 pixels; the model needs 1 x 1");
}
