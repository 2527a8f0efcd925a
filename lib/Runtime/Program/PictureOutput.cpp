//===- PictureOutput.cpp - A picture from a picture -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The output is turned back into pixels: the normalisation of the input is
// undone, values beyond the range of pixels are cut off, and what the padding
// of the input became is left out.
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

#include "Image/Codec.h"
#include "Program/Tiles.h"
#include "Status.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace vitc::rt;

/// The first output [batch, 1 or 3, height, width].
static int32_t findPicture(const vitc_model &model) {
  int32_t index = findOutput(model, [](const TensorDescriptor &output) {
    return output.rank == 4 && (output.dims[1] == 1 || output.dims[1] == 3);
  });
  if (index < 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has no output [batch, 1 or 3, height, width]; use "
                  "--input and --output-dir");
  return index;
}

namespace {
/// Pixels [begin, end) of a side of the output.
struct Range {
  int64_t begin, end;
};
} // namespace

/// What of a side of the output shows the picture, which is `resized` pixels
/// from `first` on of the input's.
static Range findRange(int first, int resized, int input, int64_t output) {
  int64_t begin = std::max(first, 0);
  int64_t end = std::min(first + resized, input);
  return {begin * output / input, end * output / input};
}

static uint8_t makePixel(const PreprocessDescriptor &preprocess, int channel,
                         double value) {
  if (preprocess.doNormalize)
    value = value * preprocess.std[channel] + preprocess.mean[channel];
  if (preprocess.doRescale)
    value /= preprocess.rescaleFactor;
  return static_cast<uint8_t>(std::nearbyint(std::clamp(value, 0.0, 255.0)));
}

/// What the last run made of the picture, or of a tile of it: the output's
/// values, in the order of red, green and blue.
static TileValues readPart(const vitc_model &model, const PictureResult &result,
                           int32_t index) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  const Placement &placement = result.input.getPlacement();
  const std::vector<int64_t> &dims =
      result.input.getTensors().outputs[index].dims;
  std::vector<double> values = readOutput(result, index);
  if (std::any_of(values.begin(), values.end(),
                  [](double value) { return std::isnan(value); }))
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{}: the model's picture has a pixel that is no number",
                  result.path);
  int64_t numChannels = dims[1];
  Range rows =
      findRange(placement.top, placement.height, preprocess.height, dims[2]);
  Range columns =
      findRange(placement.left, placement.width, preprocess.width, dims[3]);
  TileValues part{rows.end - rows.begin, columns.end - columns.begin, {}};
  part.values.reserve(3 * part.height * part.width);
  for (int64_t y = rows.begin; y < rows.end; ++y)
    for (int64_t x = columns.begin; x < columns.end; ++x)
      for (int c = 0; c < 3; ++c) {
        int channel = numChannels == 1 ? 0 : preprocess.bgr ? 2 - c : c;
        part.values.push_back(values[(channel * dims[2] + y) * dims[3] + x]);
      }
  return part;
}

/// Runs the model on all tiles of a picture that is larger than its input.
static TileValues runTiles(const vitc_model &model, const PictureResult &result,
                           int32_t index) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  const Image &picture = result.input.getPicture();
  const int64_t *dims = model.main.descriptor->outputs[index].dims;
  auto scaleRow = [&](int64_t row) {
    return row * dims[2] / preprocess.height;
  };
  auto scaleColumn = [&](int64_t column) {
    return column * dims[3] / preprocess.width;
  };
  int64_t height = scaleRow(picture.height), width = scaleColumn(picture.width);
  std::string message;
  if (!checkPixelCount(height, width, message))
    throw Failure(VITC_INVALID_ARGUMENT, "{}: the model's picture: {}",
                  result.path, message);
  TileCanvas canvas(height, width);
  for (int top : getTileBegins(picture.height, preprocess.height))
    for (int left : getTileBegins(picture.width, preprocess.width)) {
      result.input.runTile(top, left);
      canvas.add(readPart(model, result, index), scaleRow(top),
                 scaleColumn(left));
    }
  return canvas.finish();
}

static Image makePicture(const vitc_model &model, const PictureResult &result,
                         int32_t index) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  TileValues whole = result.input.isTiled() ? runTiles(model, result, index)
                                            : readPart(model, result, index);
  Image image{
      static_cast<int>(whole.height), static_cast<int>(whole.width), {}};
  image.rgb.reserve(whole.values.size());
  bool isGrey = model.main.descriptor->outputs[index].dims[1] == 1;
  for (size_t i = 0; i < whole.values.size(); ++i) {
    int c = static_cast<int>(i % 3);
    int channel = isGrey ? 0 : preprocess.bgr ? 2 - c : c;
    image.rgb.push_back(makePixel(preprocess, channel, whole.values[i]));
  }
  return image;
}

AnswerFn vitc::rt::makePictureAnswer(const vitc_model &model) {
  int32_t index = findPicture(model);
  return [&model, index](const PictureResult &result, Answer &answer) {
    Image image = makePicture(model, result, index);
    answer.json.key("height").value(image.height);
    answer.json.key("width").value(image.width);
    std::string path = result.base + ".png";
    std::error_code absent;
    if (answer.output && std::filesystem::equivalent(path, result.path, absent))
      throw UsageError(fmt::format("the picture made of '{}' would replace it; "
                                   "needs -o DIR, another folder",
                                   result.path));
    answer.addPng(path, image);
    answer.lines.push_back(
        fmt::format("{} ({} x {})", path, image.height, image.width));
  };
}
