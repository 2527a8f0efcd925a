//===- Preprocess.cpp - From a picture to a model's input -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resize, centre crop, rescale, normalise: the steps, their order and their
// arithmetic are those of Hugging Face's numpy image processors.
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

static Size getResizedSize(const PreprocessDescriptor &preprocess,
                           const Image &image) {
  int64_t shortEdge = preprocess.resizeHeight;
  if (preprocess.resizeWidth != 0)
    return {preprocess.resizeHeight, preprocess.resizeWidth};
  if (image.width <= image.height)
    return {shortEdge * image.height / image.width, shortEdge};
  return {shortEdge, shortEdge * image.width / image.height};
}

/// Half the difference, rounded down: -3 gives -2.
static int centerOffset(int inSize, int outSize) {
  return static_cast<int>(std::floor((inSize - outSize) / 2.0));
}

/// Cuts height x width out of the middle; what lies outside of `image` is
/// black.
static Image cropCenter(const Image &image, int height, int width) {
  Image result{height, width, {}};
  result.rgb.resize(size_t{3} * height * width);
  int top = centerOffset(image.height, height);
  int left = centerOffset(image.width, width);
  int firstColumn = std::max(0, -left);
  int lastColumn = std::min(width, image.width - left);
  for (int y = std::max(0, -top); y < std::min(height, image.height - top); ++y)
    std::copy_n(
        &image.rgb[3 * (size_t(image.width) * (y + top) + left + firstColumn)],
        3 * (lastColumn - firstColumn),
        &result.rgb[3 * (size_t(width) * y + firstColumn)]);
  return result;
}

bool vitc::rt::preprocessToView(const PreprocessDescriptor &preprocess,
                                const Image &image, Image &view,
                                std::string &error) try {
  if (!checkPixelCount(image.height, image.width, error))
    return false;
  Image luma;
  if (preprocess.channels == 1)
    luma = convertToLuma(image);
  const Image &source = preprocess.channels == 1 ? luma : image;

  Size size = {image.height, image.width};
  if (preprocess.doResize)
    size = getResizedSize(preprocess, image);
  if (!checkPixelCount(size.height, size.width, error)) {
    error = fmt::format("picture of {} x {} pixels, resized: {}", image.height,
                        image.width, error);
    return false;
  }
  Image result = resample(source, static_cast<int>(size.height),
                          static_cast<int>(size.width),
                          static_cast<Interpolation>(preprocess.interpolation));
  if (preprocess.doCenterCrop)
    result = cropCenter(result, preprocess.height, preprocess.width);
  if (result.height != preprocess.height || result.width != preprocess.width) {
    error = fmt::format("picture has {} x {} pixels{}; the model needs {} x {}",
                        result.height, result.width,
                        preprocess.doResize ? " after its resize" : "",
                        preprocess.height, preprocess.width);
    return false;
  }
  view = std::move(result);
  return true;
} catch (const std::bad_alloc &) {
  error = fmt::format("not enough memory to resize {} x {} pixels",
                      image.height, image.width);
  return false;
}

void vitc::rt::normalizeView(const PreprocessDescriptor &preprocess,
                             const Image &view, float *pixels) {
  size_t numPixels = view.rgb.size() / 3;
  for (int c = 0; c < preprocess.channels; ++c) {
    float table[256];
    for (int value = 0; value < 256; ++value) {
      table[value] = static_cast<float>(value);
      if (preprocess.doRescale)
        table[value] = static_cast<float>(value * preprocess.rescaleFactor);
      if (preprocess.doNormalize)
        table[value] = (table[value] - preprocess.mean[c]) / preprocess.std[c];
    }
    for (size_t i = 0; i < numPixels; ++i)
      *pixels++ = table[view.rgb[3 * i + c]];
  }
}

bool vitc::rt::preprocessImage(const PreprocessDescriptor &preprocess,
                               const char *path, float *pixels,
                               std::string &error) {
  Image image, view;
  if (!readImage(path, image, error))
    return false;
  if (!preprocessToView(preprocess, image, view, error)) {
    error = fmt::format("{}: {}", path, error);
    return false;
  }
  normalizeView(preprocess, view, pixels);
  return true;
}
