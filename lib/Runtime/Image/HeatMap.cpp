//===- HeatMap.cpp - Lay a map over a picture -----------------------------===//
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

/// The overlay's sides have at least this many pixels, so that a map over a
/// small picture can be read.
static constexpr int kMinSide = 256;
/// The longer side of a matrix has at least this many.
static constexpr int kMatrixSide = 512;
/// The share of the map's colour in a pixel; the rest is the picture's luma.
static constexpr float kColourShare = 0.55f;

/// Viridis, by Smith and van der Walt: even steps in perceived lightness, and
/// readable with any kind of colour blindness. Eleven of its colours; those
/// between are interpolated.
static constexpr int kNumColours = 11;
static constexpr uint8_t kViridis[kNumColours][3] = {
    {68, 1, 84},    {72, 36, 117},  {65, 68, 135},  {53, 95, 141},
    {42, 120, 142}, {33, 145, 140}, {34, 168, 132}, {68, 191, 112},
    {122, 209, 81}, {189, 223, 38}, {253, 231, 37}};

namespace {
/// A position between two samples: (1 - fraction) of `low`, the rest of `high`.
struct Blend {
  int low, high;
  float fraction;
};
} // namespace

/// Where the centre of pixel i of `size` lies among `samples` cells.
static Blend locate(int i, int size, int samples) {
  float position = (i + 0.5f) * samples / size - 0.5f;
  position = std::clamp(position, 0.0f, static_cast<float>(samples - 1));
  int low = static_cast<int>(position);
  return {low, std::min(low + 1, samples - 1), position - low};
}

static float mix(float low, float high, float fraction) {
  return low + (high - low) * fraction;
}

/// The map's values as 0 (least) to 1 (greatest); a value that is not finite,
/// or a map without contrast, gives 0.
static std::vector<float> scaleToUnit(const float *map, size_t size) {
  float least = INFINITY, greatest = -INFINITY;
  for (size_t i = 0; i < size; ++i) {
    if (!std::isfinite(map[i]))
      continue;
    least = std::min(least, map[i]);
    greatest = std::max(greatest, map[i]);
  }
  std::vector<float> scaled(size, 0.0f);
  if (!(greatest > least))
    return scaled;
  for (size_t i = 0; i < size; ++i)
    if (std::isfinite(map[i]))
      scaled[i] = (map[i] - least) / (greatest - least);
  return scaled;
}

/// Part `share` of the viridis colour of `value`, 0 to 1, the rest `luma`.
static void mixPixel(float value, float luma, float share, uint8_t *result) {
  float position = value * (kNumColours - 1);
  int low = std::min(static_cast<int>(position), kNumColours - 2);
  for (int c = 0; c < 3; ++c) {
    float colour = mix(kViridis[low][c], kViridis[low + 1][c], position - low);
    result[c] = static_cast<uint8_t>(std::lround(mix(luma, colour, share)));
  }
}

/// The viridis colour of `value`, 0 to 1, over a pixel of the picture.
static void blendPixel(float value, const uint8_t *pixel, uint8_t *result) {
  float luma = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
  mixPixel(value, luma, kColourShare, result);
}

Image vitc::rt::overlayHeatMap(const Image &view, const float *map,
                               int gridHeight, int gridWidth) {
  std::vector<float> values =
      scaleToUnit(map, static_cast<size_t>(gridHeight) * gridWidth);
  int shortSide = std::min(view.height, view.width);
  int factor = (kMinSide + shortSide - 1) / shortSide;
  Image result{view.height * factor, view.width * factor, {}};
  result.rgb.resize(size_t{3} * result.height * result.width);
  for (int y = 0; y < result.height; ++y) {
    Blend row = locate(y, result.height, gridHeight);
    const float *upper = &values[size_t(row.low) * gridWidth];
    const float *lower = &values[size_t(row.high) * gridWidth];
    for (int x = 0; x < result.width; ++x) {
      Blend column = locate(x, result.width, gridWidth);
      float value =
          mix(mix(upper[column.low], upper[column.high], column.fraction),
              mix(lower[column.low], lower[column.high], column.fraction),
              row.fraction);
      size_t pixel = size_t(view.width) * (y / factor) + x / factor;
      blendPixel(value, &view.rgb[3 * pixel],
                 &result.rgb[3 * (size_t(result.width) * y + x)]);
    }
  }
  return result;
}

Image vitc::rt::drawMatrix(const float *matrix, int height, int width) {
  std::vector<float> values =
      scaleToUnit(matrix, static_cast<size_t>(height) * width);
  int longSide = std::max({1, height, width});
  int factor = (kMatrixSide + longSide - 1) / longSide;
  Image result{height * factor, width * factor, {}};
  result.rgb.resize(size_t{3} * result.height * result.width);
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x)
      mixPixel(values[size_t(y / factor) * width + x / factor], /*luma=*/0,
               /*share=*/1, &result.rgb[3 * (size_t(result.width) * y + x)]);
  return result;
}
