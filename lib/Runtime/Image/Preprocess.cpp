//===- Preprocess.cpp - From a picture to a model's input -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resize, centre crop, rescale, normalise, pad: the steps, their order and
// their arithmetic are those of Hugging Face's numpy image processors.
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"
#include "Image/Resample.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

using namespace vitc::rt;

/// Luma of ITU-R BT.601 in fixed point, as PIL's convert("L"), in all channels.
static Image convertToLuma(Image image) {
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    uint8_t *pixel = &image.rgb[i];
    int luma =
        (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
    std::fill_n(pixel, 3, static_cast<uint8_t>(luma));
  }
  return image;
}

namespace {
struct Size {
  int64_t height, width;
};
} // namespace

/// The largest size within `outer` of the picture's aspect ratio, rounded as
/// Hugging Face's get_size_with_aspect_ratio.
static Size getInsideSize(Size outer, const Image &image) {
  double heightScale = double(outer.height) / image.height;
  double widthScale = double(outer.width) / image.width;
  bool fillsHeight = heightScale <= widthScale;
  double exact =
      fillsHeight ? image.width * heightScale : image.height * widthScale;
  bool fillsShortest = fillsHeight == (image.height <= image.width);
  // The other side; a product such as 800 * (4 / 3) may miss the integer.
  int64_t other = fillsShortest
                      ? (fillsHeight ? outer.height * image.width / image.height
                                     : outer.width * image.height / image.width)
                      : static_cast<int64_t>(std::nearbyint(exact));
  other = std::max<int64_t>(other, 1);
  return fillsHeight ? Size{outer.height, other} : Size{other, outer.width};
}

static Size getResizedSize(const PreprocessDescriptor &preprocess,
                           const Image &image) {
  if (!preprocess.doResize)
    return {image.height, image.width};
  int64_t shortEdge = preprocess.resizeHeight;
  Size both{preprocess.resizeHeight, preprocess.resizeWidth};
  if (preprocess.resizeInside)
    return getInsideSize(both, image);
  if (preprocess.resizeWidth != 0)
    return both;
  if (image.width <= image.height)
    return {shortEdge * image.height / image.width, shortEdge};
  return {shortEdge, shortEdge * image.width / image.height};
}

/// Half the difference, rounded down: -3 gives -2.
static int centerOffset(int inSize, int outSize) {
  return static_cast<int>(std::floor((inSize - outSize) / 2.0));
}

/// Index i of `size` pixels that repeat in reverse at each end.
static int mirror(int i, int size) {
  i %= 2 * size;
  i = i < 0 ? i + 2 * size : i;
  return i < size ? i : 2 * size - 1 - i;
}

/// height x width pixels that start at row `top` and column `left` of `image`;
/// what lies outside of it is black, or its mirror.
static Image cut(const Image &image, int top, int left, int height, int width,
                 bool mirrors = false) {
  if (top == 0 && left == 0 && height == image.height && width == image.width)
    return image;
  Image result{height, width, {}};
  result.rgb.resize(size_t{3} * height * width);
  result.alpha.resize(image.alpha.empty() ? 0 : size_t(height) * width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      int row = y + top, column = x + left;
      if (mirrors) {
        row = mirror(row, image.height);
        column = mirror(column, image.width);
      }
      if (row < 0 || row >= image.height || column < 0 || column >= image.width)
        continue;
      size_t source = size_t(image.width) * row + column;
      size_t target = size_t(width) * y + x;
      std::copy_n(&image.rgb[3 * source], 3, &result.rgb[3 * target]);
      if (!image.alpha.empty())
        result.alpha[target] = image.alpha[source];
    }
  return result;
}

/// Cuts the middle out of `image`, as `placement` then says.
static Image cropCenter(const PreprocessDescriptor &preprocess,
                        const Image &image, Placement &placement) {
  int top = centerOffset(image.height, preprocess.cropHeight);
  int left = centerOffset(image.width, preprocess.cropWidth);
  placement.top -= top;
  placement.left -= left;
  return cut(image, top, left, preprocess.cropHeight, preprocess.cropWidth);
}

/// Fills the model's input around `image`, as `placement` then says.
static Image pad(const PreprocessDescriptor &preprocess, const Image &image,
                 Placement &placement) {
  auto padding = static_cast<Padding>(preprocess.padding);
  int top = 0, left = 0;
  if (padding == Padding::Center) {
    top = (preprocess.height - image.height) / 2;
    left = (preprocess.width - image.width) / 2;
  }
  placement.top += top;
  placement.left += left;
  return cut(image, -top, -left, preprocess.height, preprocess.width,
             /*mirrors=*/padding == Padding::Mirror);
}

/// Says why pictures of this size do not fit.
static std::string describeSize(const PreprocessDescriptor &preprocess,
                                const Image &image) {
  bool pads = preprocess.padding != static_cast<int32_t>(Padding::None);
  return fmt::format(
      "picture has {} x {} pixels{}; the model needs {}{} x {}", image.height,
      image.width, preprocess.doResize ? " after its resize" : "",
      pads ? "at most " : "", preprocess.height, preprocess.width);
}

/// Whether `image` is what the model takes, or less where that is padded.
static bool fits(const PreprocessDescriptor &preprocess, const Image &image) {
  if (preprocess.padding == static_cast<int32_t>(Padding::None))
    return image.height == preprocess.height && image.width == preprocess.width;
  return image.height <= preprocess.height && image.width <= preprocess.width;
}

bool vitc::rt::preprocessToView(const PreprocessDescriptor &preprocess,
                                const Image &image, Image &view,
                                Placement &placement, std::string &error) try {
  if (!checkPixelCount(image.height, image.width, error))
    return false;
  Size size = getResizedSize(preprocess, image);
  if (!checkPixelCount(size.height, size.width, error)) {
    error = fmt::format("picture of {} x {} pixels, resized: {}", image.height,
                        image.width, error);
    return false;
  }
  Placement place{image.height,
                  image.width,
                  static_cast<int>(size.height),
                  static_cast<int>(size.width),
                  0,
                  0};
  bool isGrey = preprocess.channels <= 2;
  bool dropsAlpha = preprocess.channels % 2 == 1 && !image.alpha.empty();
  Image changed;
  if (isGrey || dropsAlpha)
    changed = isGrey ? convertToLuma(image) : image;
  if (dropsAlpha)
    changed.alpha.clear();
  Image result = resample(isGrey || dropsAlpha ? changed : image, place.height,
                          place.width,
                          static_cast<Interpolation>(preprocess.interpolation),
                          preprocess.antialias != 0);
  if (preprocess.doCenterCrop)
    result = cropCenter(preprocess, result, place);
  if (!fits(preprocess, result)) {
    error = describeSize(preprocess, result);
    return false;
  }
  view = pad(preprocess, result, place);
  placement = place;
  return true;
} catch (const std::bad_alloc &) {
  error = fmt::format("not enough memory to resize {} x {} pixels",
                      image.height, image.width);
  return false;
}

/// Where a model keeps the values of a channel: `pixel` points to the first.
static const uint8_t *findChannel(const PreprocessDescriptor &preprocess,
                                  const Image &view, int channel, int &stride) {
  bool isAlpha =
      preprocess.channels % 2 == 0 && channel == preprocess.channels - 1;
  stride = isAlpha ? 1 : 3;
  if (isAlpha)
    return view.alpha.empty() ? nullptr : view.alpha.data();
  return &view.rgb[preprocess.bgr && preprocess.channels >= 3 ? 2 - channel
                                                              : channel];
}

/// Sets to 0 what lies around the picture in a channel.
static void clearPadding(const PreprocessDescriptor &preprocess,
                         const Placement &placement, float *channel) {
  for (int y = 0; y < preprocess.height; ++y) {
    float *row = channel + size_t(preprocess.width) * y;
    bool isRow = y >= placement.top && y < placement.top + placement.height;
    for (int x = 0; x < preprocess.width; ++x)
      if (!isRow || x < placement.left || x >= placement.left + placement.width)
        row[x] = 0.0f;
  }
}

void vitc::rt::normalizeView(const PreprocessDescriptor &preprocess,
                             const Image &view, const Placement &placement,
                             float *pixels) {
  size_t numPixels = view.rgb.size() / 3;
  auto padding = static_cast<Padding>(preprocess.padding);
  bool clears = padding == Padding::Zero || padding == Padding::Center;
  for (int c = 0; c < preprocess.channels; ++c, pixels += numPixels) {
    float table[256];
    for (int value = 0; value < 256; ++value) {
      table[value] = static_cast<float>(value);
      if (preprocess.doRescale)
        table[value] = static_cast<float>(value * preprocess.rescaleFactor);
      if (preprocess.doNormalize)
        table[value] = (table[value] - preprocess.mean[c]) / preprocess.std[c];
    }
    int stride;
    const uint8_t *values = findChannel(preprocess, view, c, stride);
    for (size_t i = 0; i < numPixels; ++i)
      pixels[i] = table[values ? values[stride * i] : 255];
    if (clears)
      clearPadding(preprocess, placement, pixels);
  }
}

bool vitc::rt::preprocessImage(const PreprocessDescriptor &preprocess,
                               const char *path, float *pixels,
                               std::string &error) {
  Image image, view;
  Placement placement;
  if (!readImage(path, image, error))
    return false;
  if (!preprocessToView(preprocess, image, view, placement, error)) {
    error = fmt::format("{}: {}", path, error);
    return false;
  }
  normalizeView(preprocess, view, placement, pixels);
  return true;
}
