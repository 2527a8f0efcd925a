//===- LabelTest.cpp - Text on pictures -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestImages.h"

using namespace vitc::rt;

static Image makeBlack(int height, int width) {
  Image image{height, width, {}};
  image.rgb.resize(size_t{3} * height * width);
  return image;
}

/// The red of rows and columns: "#" where it is 255, "o" for `colour`.
static std::vector<std::string> draw(const Image &image, uint8_t colour) {
  std::vector<std::string> rows;
  for (int y = 0; y < image.height; ++y) {
    rows.emplace_back();
    for (int x = 0; x < image.width; ++x) {
      uint8_t red = image.rgb[3 * (image.width * y + x)];
      rows.back() += red == 255 ? '#' : red == colour ? 'o' : '.';
    }
  }
  return rows;
}

TEST(LabelTest, DrawsLettersWithSpaceAround) {
  Image image = makeBlack(10, 9);
  drawLabel(image, {1, 1, 5, 5}, "L", {{100, 0, 0}});
  EXPECT_EQ(draw(image, 100), (std::vector<std::string>{".........", //
                                                        ".ooooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#ooooo.", //
                                                        ".o#####o.", //
                                                        ".ooooooo."}));
}

// The mark for one character is as wide as a letter's, and a label that would
// leave the picture is moved into it.
TEST(LabelTest, OtherCharactersAreBoxes) {
  Image image = makeBlack(9, 7), moved = makeBlack(9, 7);
  drawLabel(image, {0, 0, 7, 9}, "\xE7\x8C\xAB", {{100, 0, 0}});
  EXPECT_EQ(draw(image, 100)[1], "o#####o");
  EXPECT_EQ(draw(image, 100)[4], "o#ooo#o");
  drawLabel(moved, {5, 8, 7, 9}, "\xE7\x8C\xAB", {{100, 0, 0}});
  EXPECT_EQ(moved.rgb, image.rgb);
}

TEST(LabelTest, GrowsWithThePicture) {
  Image image = makeBlack(500, 500);
  drawLabel(image, {0, 0, 500, 500}, "L", {{100, 0, 0}});
  std::vector<std::string> rows = draw(image, 100);
  EXPECT_EQ(rows[1].substr(0, 15), "oooooooooooooo.");
  EXPECT_EQ(rows[2].substr(0, 15), "oo##oooooooooo.");
  EXPECT_EQ(rows[17].substr(0, 15), "oooooooooooooo.");
  EXPECT_EQ(rows[18].substr(0, 15), "...............");
}

// Black on bright colours; what does not fit is cut off.
TEST(LabelTest, IsReadableAndStaysInside) {
  Image image = makeBlack(3, 3);
  drawLabel(image, {0, 0, 3, 3}, "LL", {{255, 255, 255}});
  EXPECT_EQ(draw(image, 100), (std::vector<std::string>{"###", "#.#", "#.#"}));
}
