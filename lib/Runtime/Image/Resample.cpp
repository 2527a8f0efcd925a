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

#include "Image/Codec.h"

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

/// The slope at 1 of the filters of Pillow, and of PyTorch and OpenCV.
static constexpr double kPillowSlope = -0.5, kTorchSlope = -0.75;

template <const double &a> static double evaluateBicubic(double x) {
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

static Filter getFilter(Interpolation interpolation, bool antialias) {
  switch (interpolation) {
  case Interpolation::Box:
    return {evaluateBox, 0.5};
  case Interpolation::Hamming:
    return {evaluateHamming, 1.0};
  case Interpolation::Bicubic:
    return {antialias ? evaluateBicubic<kPillowSlope>
                      : evaluateBicubic<kTorchSlope>,
            2.0};
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
  WindowTable(int inSize, int outSize, Filter filter, bool antialias);

  Window operator[](int i) const {
    return {firsts[i], offsets[i + 1] - offsets[i], &weights[offsets[i]]};
  }

private:
  void add(int first, const std::vector<double> &exact);

  std::vector<int> firsts, offsets = {0};
  std::vector<int32_t> weights;
};
} // namespace

/// Normalises the weights, in the order in which Pillow sums them.
void WindowTable::add(int first, const std::vector<double> &exact) {
  double sum = 0.0;
  for (double weight : exact)
    sum += weight;
  for (double weight : exact) {
    if (sum != 0.0)
      weight /= sum;
    weights.push_back(static_cast<int32_t>(weight * (1 << kWeightBits) +
                                           (weight < 0 ? -0.5 : 0.5)));
  }
  firsts.push_back(first);
  offsets.push_back(static_cast<int>(weights.size()));
}

WindowTable::WindowTable(int inSize, int outSize, Filter filter,
                         bool antialias) {
  double scale = static_cast<double>(inSize) / outSize;
  double filterScale = antialias ? std::max(scale, 1.0) : 1.0;
  double support = filter.support * filterScale;
  for (int i = 0; i < outSize; ++i) {
    double center = (i + 0.5) * scale;
    int begin = static_cast<int>(std::floor(center - support + 0.5));
    int end = static_cast<int>(std::floor(center + support + 0.5));
    int first = std::clamp(begin, 0, inSize - 1);
    int last = std::clamp(end, first + 1, inSize);
    std::vector<double> exact(last - first);
    for (int j = begin; j < end; ++j) {
      bool isInside = j >= first && j < last;
      if (isInside || !antialias)
        exact[std::clamp(j, first, last - 1) - first] +=
            filter.evaluate((j - center + 0.5) * (1.0 / filterScale));
    }
    add(first, exact);
  }
}

static uint8_t roundToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

namespace {
/// Bytes [height, width, channels].
struct Plane {
  int height, width;
  std::vector<uint8_t> bytes;
};

/// How sides are resized.
struct Resize {
  Filter filter;
  bool antialias;
};
} // namespace

template <int C>
static Plane resampleColumns(const Plane &plane, int width, Resize resize) {
  WindowTable windows(plane.width, width, resize.filter, resize.antialias);
  Plane result{plane.height, width, {}};
  result.bytes.resize(size_t{C} * plane.height * width);
  for (int y = 0; y < plane.height; ++y) {
    const uint8_t *source = &plane.bytes[size_t{C} * plane.width * y];
    uint8_t *target = &result.bytes[size_t{C} * width * y];
    for (int x = 0; x < width; ++x, target += C) {
      Window window = windows[x];
      const uint8_t *pixel = source + C * window.first;
      int32_t sums[C];
      std::fill_n(sums, C, kHalf);
      for (int i = 0; i < window.count; ++i, pixel += C)
        for (int c = 0; c < C; ++c)
          sums[c] += pixel[c] * window.weights[i];
      std::transform(sums, sums + C, target, roundToByte);
    }
  }
  return result;
}

template <int C>
static Plane resampleRows(const Plane &plane, int height, Resize resize) {
  WindowTable windows(plane.height, height, resize.filter, resize.antialias);
  Plane result{height, plane.width, {}};
  size_t rowSize = size_t{C} * plane.width;
  result.bytes.resize(rowSize * height);
  std::vector<int32_t> sums(rowSize);
  for (int y = 0; y < height; ++y) {
    Window window = windows[y];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int i = 0; i < window.count; ++i) {
      const uint8_t *source = &plane.bytes[rowSize * (window.first + i)];
      int32_t weight = window.weights[i];
      for (size_t x = 0; x < rowSize; ++x)
        sums[x] += source[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), &result.bytes[rowSize * y],
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

template <int C>
static Plane pickNearest(const Plane &plane, int height, int width) {
  std::vector<int> rows = nearestPixels(plane.height, height);
  std::vector<int> columns = nearestPixels(plane.width, width);
  Plane result{height, width, {}};
  result.bytes.resize(size_t{C} * height * width);
  for (int y = 0; y < height; ++y) {
    if (rows[y] < 0)
      continue;
    const uint8_t *source = &plane.bytes[size_t{C} * plane.width * rows[y]];
    uint8_t *target = &result.bytes[size_t{C} * width * y];
    for (int x = 0; x < width; ++x)
      if (columns[x] >= 0)
        std::copy_n(source + C * columns[x], C, target + C * x);
  }
  return result;
}

/// The order of the passes shows in the last bit. Pillow 13 and newer start
/// with the rows when that drops far more of them than of the columns; before,
/// the columns always came first.
static bool resamplesRowsFirst(const Plane &plane, int height, int width) {
  int64_t fewerRows = int64_t{plane.height} - height;
  int64_t fewerColumns = int64_t{plane.width} - width;
  return fewerRows > 0 && fewerRows > 2 * fewerColumns;
}

template <int C>
static Plane resamplePlane(Plane plane, int height, int width,
                           Interpolation interpolation, bool antialias) {
  if (interpolation == Interpolation::Nearest)
    return pickNearest<C>(plane, height, width);
  Resize resize{getFilter(interpolation, antialias), antialias};
  bool rowsFirst = resamplesRowsFirst(plane, height, width);
  if (height != plane.height && (rowsFirst || width == plane.width))
    plane = resampleRows<C>(plane, height, resize);
  if (width != plane.width)
    plane = resampleColumns<C>(plane, width, resize);
  if (height != plane.height)
    plane = resampleRows<C>(plane, height, resize);
  return plane;
}

/// As Pillow's convert("RGBa").
static void multiplyByAlpha(Image &image) {
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = multiplyBytes(image.rgb[i], image.alpha[i / 3]);
}

/// As Pillow's convert("RGBA") of that.
static void divideByAlpha(Image &image) {
  for (size_t i = 0; i < image.rgb.size(); ++i)
    if (int alpha = image.alpha[i / 3]; alpha != 0)
      image.rgb[i] = std::min(255, 255 * image.rgb[i] / alpha);
}

Image vitc::rt::resample(const Image &image, int height, int width,
                         Interpolation interpolation, bool antialias) {
  if (width == image.width && height == image.height)
    return image;
  auto resamplePixels = [&](Image pixels) {
    Plane rgb{image.height, image.width, std::move(pixels.rgb)};
    Plane alpha{image.height, image.width, std::move(pixels.alpha)};
    Image result{height, width, {}};
    result.rgb = resamplePlane<3>(std::move(rgb), height, width, interpolation,
                                  antialias)
                     .bytes;
    if (!alpha.bytes.empty())
      result.alpha = resamplePlane<1>(std::move(alpha), height, width,
                                      interpolation, antialias)
                         .bytes;
    return result;
  };
  // Colours that cannot be seen must not bleed into those beside them.
  bool premultiplies =
      !image.alpha.empty() && interpolation != Interpolation::Nearest;
  if (!premultiplies)
    return resamplePixels(image);
  Image pixels = image;
  multiplyByAlpha(pixels);
  Image result = resamplePixels(std::move(pixels));
  divideByAlpha(result);
  return result;
}
