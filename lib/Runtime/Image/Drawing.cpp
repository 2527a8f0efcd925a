//===- Drawing.cpp - Colours of classes and boxes -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image/Image.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;

/// A line is one pixel wide for each so many of the picture's shorter side.
static constexpr int kPixelsPerWidth = 200;

/// The colour map of PASCAL VOC: three bits of the index at a time give the
/// next lower bit of red, green and blue, so that near indices differ most.
Colour vitc::rt::getClassColour(int64_t index) {
  Colour colour = {};
  for (int bit = 7; bit >= 0; --bit, index >>= 3)
    for (int c = 0; c < 3; ++c)
      colour.rgb[c] |= (index >> c & 1) << bit;
  return colour;
}

/// Fills what the picture has of the rows and columns.
static void fill(Image &image, int top, int bottom, int left, int right,
                 Colour colour) {
  for (int y = std::max(top, 0); y < std::min(bottom, image.height); ++y)
    for (int x = std::max(left, 0); x < std::min(right, image.width); ++x)
      std::copy_n(colour.rgb, 3, &image.rgb[3 * (size_t(image.width) * y + x)]);
}

void vitc::rt::drawBox(Image &image, const Box &box, Colour colour) {
  auto round = [](double x, int size) {
    return static_cast<int>(std::lround(std::clamp<double>(x, 0, size)));
  };
  int top = round(box.top, image.height), left = round(box.left, image.width);
  int bottom = round(box.bottom, image.height);
  int right = round(box.right, image.width);
  int width =
      std::max(1, std::min(image.height, image.width) / kPixelsPerWidth);
  fill(image, top, top + width, left, right, colour);
  fill(image, bottom - width, bottom, left, right, colour);
  fill(image, top, bottom, left, left + width, colour);
  fill(image, top, bottom, right - width, right, colour);
}
