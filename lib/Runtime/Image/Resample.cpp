//===- Resample.cpp - Resize a picture as Pillow does ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A separable filter in fixed point, in two passes, with the result of the
// first rounded to 8 bits. When a side shrinks, the filter widens by the same
// factor, so that every source pixel counts.
//
//===----------------------------------------------------------------------===//

#include "Image/Resample.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;

/// Weights are integers of this many fractional bits: 8 bits of a pixel and 2
/// of head room, for filters with negative lobes, leave 22 of 32.
static constexpr int kWeightBits = 22;
static constexpr int32_t kHalf = 1 << (kWeightBits - 1);

//===----------------------------------------------------------------------===//
// Filters, in the order and precision that Pillow evaluates them
//===----------------------------------------------------------------------===//

static double sinc(double x) {
  if (x == 0.0)
    return 1.0;
  x *= M_PI;
  return std::sin(x) / x;
}

static double evaluateBox(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

static double evaluateBilinear(double x) {
  return std::max(0.0, 1.0 - std::fabs(x));
}

static double evaluateHamming(double x) {
  x = std::fabs(x);
  if (x == 0.0)
    return 1.0;
  if (x >= 1.0)
    return 0.0;
  return sinc(x) * (0.54f + 0.46f * std::cos(x * M_PI));
}

static double evaluateBicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0)
    return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

static double evaluateLanczos(double x) {
  return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

namespace {
struct Filter {
  double (*evaluate)(double);
  double support; // the filter is 0 beyond this distance
};
} // namespace

static Filter getFilter(Interpolation interpolation) {
  switch (interpolation) {
  case Interpolation::Box:
    return {evaluateBox, 0.5};
  case Interpolation::Hamming:
    return {evaluateHamming, 1.0};
  case Interpolation::Bicubic:
    return {evaluateBicubic, 2.0};
  case Interpolation::Lanczos:
    return {evaluateLanczos, 3.0};
  case Interpolation::Nearest:
  case Interpolation::Bilinear:
    break;
  }
  return {evaluateBilinear, 1.0};
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

namespace {
/// The source pixels that make one output pixel, and their weights.
struct Window {
  int first, count;
  const int32_t *weights;
};

/// The windows of all pixels along one side.
class WindowTable {
public:
  WindowTable(int inSize, int outSize, Filter filter);

  Window operator[](int i) const {
    return {firsts[i], offsets[i + 1] - offsets[i], &weights[offsets[i]]};
  }

private:
  std::vector<int> firsts, offsets;
  std::vector<int32_t> weights;
};
} // namespace

WindowTable::WindowTable(int inSize, int outSize, Filter filter) {
  double scale = static_cast<double>(inSize) / outSize;
  double filterScale = std::max(scale, 1.0);
  double support = filter.support * filterScale;
  std::vector<double> exact;
  offsets.push_back(0);
  for (int i = 0; i < outSize; ++i) {
    double center = (i + 0.5) * scale;
    int first = std::max(0, static_cast<int>(center - support + 0.5));
    int last = std::min(inSize, static_cast<int>(center + support + 0.5));
    exact.clear();
    double sum = 0.0;
    for (int j = first; j < last; ++j) {
      exact.push_back(
          filter.evaluate((j - center + 0.5) * (1.0 / filterScale)));
      sum += exact.back();
    }
    for (double weight : exact) {
      if (sum != 0.0)
        weight /= sum;
      weights.push_back(static_cast<int32_t>(weight * (1 << kWeightBits) +
                                             (weight < 0 ? -0.5 : 0.5)));
    }
    firsts.push_back(first);
    offsets.push_back(static_cast<int>(weights.size()));
  }
}

static uint8_t roundToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

static Image resampleColumns(const Image &image, int width, Filter filter) {
  WindowTable windows(image.width, width, filter);
  Image result{image.height, width, {}};
  result.rgb.resize(size_t{3} * image.height * width);
  for (int y = 0; y < image.height; ++y) {
    const uint8_t *source = &image.rgb[size_t{3} * image.width * y];
    uint8_t *target = &result.rgb[size_t{3} * width * y];
    for (int x = 0; x < width; ++x, target += 3) {
      Window window = windows[x];
      const uint8_t *pixel = source + 3 * window.first;
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int i = 0; i < window.count; ++i, pixel += 3) {
        int32_t weight = window.weights[i];
        red += pixel[0] * weight;
        green += pixel[1] * weight;
        blue += pixel[2] * weight;
      }
      target[0] = roundToByte(red);
      target[1] = roundToByte(green);
      target[2] = roundToByte(blue);
    }
  }
  return result;
}

static Image resampleRows(const Image &image, int height, Filter filter) {
  WindowTable windows(image.height, height, filter);
  Image result{height, image.width, {}};
  size_t rowSize = size_t{3} * image.width;
  result.rgb.resize(rowSize * height);
  std::vector<int32_t> sums(rowSize);
  for (int y = 0; y < height; ++y) {
    Window window = windows[y];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int i = 0; i < window.count; ++i) {
      const uint8_t *source = &image.rgb[rowSize * (window.first + i)];
      int32_t weight = window.weights[i];
      for (size_t x = 0; x < rowSize; ++x)
        sums[x] += source[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), &result.rgb[rowSize * y],
                   roundToByte);
  }
  return result;
}

/// For each pixel along one side the source pixel that holds its centre. The
/// position is accumulated, as Pillow does, and so may end past the last
/// pixel by a rounding error: -1.
static std::vector<int> nearestPixels(int inSize, int outSize) {
  double scale = static_cast<double>(inSize) / outSize;
  double position = scale * 0.5;
  std::vector<int> pixels(outSize);
  for (int &pixel : pixels) {
    pixel = static_cast<int>(position);
    if (pixel >= inSize)
      pixel = -1;
    position += scale;
  }
  return pixels;
}

static Image pickNearest(const Image &image, int height, int width) {
  std::vector<int> rows = nearestPixels(image.height, height);
  std::vector<int> columns = nearestPixels(image.width, width);
  Image result{height, width, {}};
  result.rgb.resize(size_t{3} * height * width);
  for (int y = 0; y < height; ++y) {
    if (rows[y] < 0)
      continue;
    const uint8_t *source = &image.rgb[size_t{3} * image.width * rows[y]];
    uint8_t *target = &result.rgb[size_t{3} * width * y];
    for (int x = 0; x < width; ++x)
      if (columns[x] >= 0)
        std::copy_n(source + 3 * columns[x], 3, target + 3 * x);
  }
  return result;
}

/// The order of the passes shows in the last bit. Pillow 13 and newer start
/// with the rows when that drops far more of them than of the columns; before,
/// the columns always came first.
static bool resamplesRowsFirst(const Image &image, int height, int width) {
  int64_t fewerRows = int64_t{image.height} - height;
  int64_t fewerColumns = int64_t{image.width} - width;
  return fewerRows > 0 && fewerRows > 2 * fewerColumns;
}

Image vitc::rt::resample(const Image &image, int height, int width,
                         Interpolation interpolation) {
  if (width == image.width && height == image.height)
    return image;
  if (interpolation == Interpolation::Nearest)
    return pickNearest(image, height, width);
  Filter filter = getFilter(interpolation);
  if (width == image.width)
    return resampleRows(image, height, filter);
  if (height == image.height)
    return resampleColumns(image, width, filter);
  if (resamplesRowsFirst(image, height, width))
    return resampleColumns(resampleRows(image, height, filter), width, filter);
  return resampleRows(resampleColumns(image, width, filter), height, filter);
}
