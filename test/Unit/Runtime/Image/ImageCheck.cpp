//===- ImageCheck.cpp - Pixels of a picture as raw bytes, for tests -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vitc-image-check IMAGE OUT [options]: writes the picture's pixels to OUT,
// uint8 [height, width, 3], and prints "height width".
//   --view H W       what a model of this input size sees
//   --resize H W     resize to this size first; W 0: shorter edge to H
//   --filter N       Pillow's number of the filter, default 2, bilinear
//   --inside         resize to the largest size within --resize's
//   --plain          a filter that does not widen where a side shrinks
//   --crop           centre crop to the view's size
//   --pad N          vitc::rt::Padding, to the view's size
//   --channels N     for a model of 1 to 4 channels, default 3; --gray is 1
//   --bgr            blue first
//   --pixels FACTOR MEAN STD
//                    the model's input instead, f32 [channels, height, width];
//                    a factor of 0 or a deviation of 0 leaves out that step
//
//===----------------------------------------------------------------------===//

#include "Image/Image.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

using namespace vitc::rt;

namespace {
/// The words after the picture and OUT.
class Arguments {
public:
  Arguments(int argc, char **argv) : next(argv), end(argv + argc) {}

  bool isEmpty() const { return next == end; }
  const char *take() {
    if (isEmpty()) {
      fmt::print(stderr, "vitc-image-check: error: an option lacks a value\n");
      std::exit(2);
    }
    return *next++;
  }
  int takeInt() { return std::atoi(take()); }
  double takeDouble() { return std::atof(take()); }

private:
  char **next, **end;
};

struct Options {
  PreprocessDescriptor preprocess = {};
  bool wantsView = false, wantsPixels = false;
};
} // namespace

static Options parseOptions(Arguments arguments) {
  Options options;
  PreprocessDescriptor &preprocess = options.preprocess;
  preprocess.channels = 3;
  preprocess.interpolation = static_cast<int>(Interpolation::Bilinear);
  preprocess.antialias = 1;
  while (!arguments.isEmpty()) {
    std::string option = arguments.take();
    if (option == "--view") {
      options.wantsView = true;
      preprocess.cropHeight = preprocess.height = arguments.takeInt();
      preprocess.cropWidth = preprocess.width = arguments.takeInt();
    } else if (option == "--resize") {
      preprocess.doResize = 1;
      preprocess.resizeHeight = arguments.takeInt();
      preprocess.resizeWidth = arguments.takeInt();
    } else if (option == "--filter") {
      preprocess.interpolation = arguments.takeInt();
    } else if (option == "--crop") {
      preprocess.doCenterCrop = 1;
    } else if (option == "--inside") {
      preprocess.resizeInside = 1;
    } else if (option == "--plain") {
      preprocess.antialias = 0;
    } else if (option == "--pad") {
      preprocess.padding = arguments.takeInt();
    } else if (option == "--channels") {
      preprocess.channels = arguments.takeInt();
    } else if (option == "--bgr") {
      preprocess.bgr = 1;
    } else if (option == "--gray") {
      preprocess.channels = 1;
    } else if (option == "--pixels") {
      options.wantsPixels = true;
      preprocess.rescaleFactor = arguments.takeDouble();
      preprocess.doRescale = preprocess.rescaleFactor != 0;
      std::fill_n(preprocess.mean, 4, arguments.takeDouble());
      std::fill_n(preprocess.std, 4, arguments.takeDouble());
      preprocess.doNormalize = preprocess.std[0] != 0;
    } else {
      fmt::print(stderr, "vitc-image-check: error: unknown option '{}'\n",
                 option);
      std::exit(2);
    }
  }
  return options;
}

static int fail(const std::string &error) {
  fmt::print(stderr, "vitc-image-check: error: {}\n", error);
  return 1;
}

static int writeBytes(const char *path, const void *bytes, size_t size) {
  std::FILE *file = std::fopen(path, "wb");
  bool written = file && std::fwrite(bytes, 1, size, file) == size;
  bool closed = file && std::fclose(file) == 0;
  return written && closed ? 0 : fail(fmt::format("{}: cannot write", path));
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: vitc-image-check IMAGE OUT [options]\n");
    return 2;
  }
  const char *path = argv[1], *out = argv[2];
  Options options = parseOptions(Arguments(argc - 3, argv + 3));
  const PreprocessDescriptor &preprocess = options.preprocess;
  std::string error;
  if (options.wantsPixels) {
    std::vector<float> pixels(static_cast<size_t>(preprocess.channels) *
                              preprocess.height * preprocess.width);
    if (!preprocessImage(preprocess, path, pixels.data(), error))
      return fail(error);
    fmt::print("{} {}\n", preprocess.height, preprocess.width);
    return writeBytes(out, pixels.data(), pixels.size() * sizeof(float));
  }
  Image image, view;
  Placement placement;
  if (!readImage(path, image, error))
    return fail(error);
  if (options.wantsView &&
      !preprocessToView(preprocess, image, view, placement, error))
    return fail(fmt::format("{}: {}", path, error));
  const Image &result = options.wantsView ? view : image;
  fmt::print("{} {}\n", result.height, result.width);
  return writeBytes(out, result.rgb.data(), result.rgb.size());
}
