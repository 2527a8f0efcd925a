//===- Segmentation.cpp - A class for each pixel --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The scores are resized to the picture as transformers'
// post_process_semantic_segmentation does, bilinear between their cells'
// centres, and the greatest is taken. Pixels that the model has not seen, which
// a crop cut off, have no class.
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

#include "Status.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace vitc::rt;

static constexpr int32_t kUnseen = -1;
/// Of a pixel in the overlay.
static constexpr int kColourPercent = 50;

namespace {
/// A row or column of pixels between two of scores: (1 - fraction) of `low`,
/// the rest of `high`.
struct Blend {
  int64_t low, high;
  float fraction;
  bool isSeen;
};

/// One side of the picture, the input and the scores.
struct Side {
  int picture;        // pixels of the file
  int resized, first; // as Placement says
  int input;
  int64_t cells; // scores

  std::vector<Blend> locate() const;
};

/// Scores, f32 [classes, height, width], over a picture.
struct ScoreMap {
  const float *scores;
  int64_t classes;
  int64_t height, width;
  std::vector<Blend> rows, columns;
  int32_t *result; // [rows, columns]
};
} // namespace

std::vector<Blend> Side::locate() const {
  std::vector<Blend> blends(picture);
  for (int i = 0; i < picture; ++i) {
    double place = (i + 0.5) * resized / picture + first;
    double cell = place * static_cast<double>(cells) / input - 0.5;
    cell = std::clamp(cell, 0.0, static_cast<double>(cells - 1));
    auto low = static_cast<int64_t>(cell);
    blends[i] = {low, std::min(low + 1, cells - 1),
                 static_cast<float>(cell - static_cast<double>(low)),
                 place >= 0 && place < input};
  }
  return blends;
}

static float mix(float low, float high, float fraction) {
  return low * (1.0f - fraction) + high * fraction;
}

/// Classifies the rows [begin, end).
static void classifyRows(const void *argument, int64_t begin, int64_t end,
                         void *) {
  const auto &map = *static_cast<const ScoreMap *>(argument);
  size_t numColumns = map.columns.size();
  std::vector<float> cells(map.width), best(numColumns);
  for (int64_t y = begin; y < end; ++y) {
    const Blend &row = map.rows[y];
    int32_t *result = map.result + y * numColumns;
    std::fill(best.begin(), best.end(),
              -std::numeric_limits<float>::infinity());
    for (int64_t c = 0; c < map.classes; ++c) {
      const float *scores = map.scores + c * map.height * map.width;
      for (int64_t x = 0; x < map.width; ++x)
        cells[x] = mix(scores[row.low * map.width + x],
                       scores[row.high * map.width + x], row.fraction);
      for (size_t x = 0; x < numColumns; ++x) {
        const Blend &column = map.columns[x];
        float score =
            mix(cells[column.low], cells[column.high], column.fraction);
        if (score > best[x]) {
          best[x] = score;
          result[x] = static_cast<int32_t>(c);
        }
      }
    }
    for (size_t x = 0; x < numColumns; ++x)
      if (!row.isSeen || !map.columns[x].isSeen)
        result[x] = kUnseen;
  }
}

/// The first output [batch, classes, height, width].
static int32_t findScores(const vitc_model &model) {
  int32_t index = findOutput(model, [](const TensorDescriptor &output) {
    return output.rank == 4 && output.dims[1] > 0;
  });
  if (index < 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has no output [batch, classes, height, width]; "
                  "use --input and --output-dir");
  return index;
}

static std::vector<int32_t> classifyPixels(const vitc_model &model,
                                           const PictureResult &result,
                                           int32_t index) {
  NpyArray scores =
      convertNpy(firstOfBatch(result.input.getTensors().outputs[index]),
                 VITC_F32, "the scores");
  const auto *values = reinterpret_cast<const float *>(scores.bytes.data());
  const float *end = values + scores.bytes.size() / sizeof(float);
  const float *odd = std::find_if(
      values, end, [](float score) { return !std::isfinite(score); });
  if (odd != end)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{}: score {} of the model is {}; needs a finite number",
                  result.path, odd - values, *odd);
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  const Placement &placement = result.input.getPlacement();
  Side rows{placement.pictureHeight, placement.height, placement.top,
            preprocess.height, scores.dims[1]};
  Side columns{placement.pictureWidth, placement.width, placement.left,
               preprocess.width, scores.dims[2]};
  std::vector<int32_t> classes(size_t(placement.pictureHeight) *
                               placement.pictureWidth);
  ScoreMap map{values,        scores.dims[0],   scores.dims[1], scores.dims[2],
               rows.locate(), columns.locate(), classes.data()};
  // Not from a kernel, so it runs at once.
  ThreadPool::Lease lease(model.runtime.pool);
  (void)model.runtime.pool.parallel(classifyRows, &map,
                                    placement.pictureHeight);
  return classes;
}

static Image overlayClasses(const Image &picture,
                            const std::vector<int32_t> &classes) {
  Image overlay{picture.height, picture.width, picture.rgb};
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == kUnseen)
      continue;
    Colour colour = getClassColour(classes[i]);
    for (int c = 0; c < 3; ++c)
      overlay.rgb[3 * i + c] =
          (overlay.rgb[3 * i + c] * (100 - kColourPercent) +
           colour.rgb[c] * kColourPercent + 50) /
          100;
  }
  return overlay;
}

static void writeFiles(const PictureResult &result,
                       const std::vector<int32_t> &classes, Answer &answer) {
  const Image &picture = result.input.getPicture();
  std::string png, message;
  if (!encodeIndexPng(classes.data(), picture.height, picture.width, png,
                      message))
    throw Failure(VITC_IO, "{}: {}", result.path, message);
  answer.addFile(result.base + ".mask.png", std::move(png));
  answer.addPng(result.base + ".overlay.png", overlayClasses(picture, classes));
  NpyArray array{VITC_I32, {picture.height, picture.width}, {}};
  array.bytes.resize(classes.size() * sizeof(int32_t));
  std::memcpy(array.bytes.data(), classes.data(), array.bytes.size());
  answer.addFile(result.base + ".npy", formatNpy(array));
}

/// The classes that the picture has, of the most pixels first.
static void describeShares(const vitc_model &model,
                           const std::vector<int32_t> &classes, int32_t topK,
                           Answer &answer) {
  int32_t greatest = *std::max_element(classes.begin(), classes.end());
  std::vector<std::pair<int64_t, int32_t>> counts(greatest + 1);
  for (int32_t i = 0; i <= greatest; ++i)
    counts[i] = {0, i};
  for (int32_t index : classes)
    if (index != kUnseen)
      --counts[index].first;
  std::sort(counts.begin(), counts.end());
  answer.json.key("classes").beginArray();
  for (auto [negativeCount, index] : counts) {
    if (negativeCount == 0)
      break;
    double share = static_cast<double>(-negativeCount) /
                   static_cast<double>(classes.size());
    std::string label = getLabel(model, index);
    if (static_cast<int32_t>(answer.lines.size()) < topK)
      answer.lines.push_back(fmt::format("{} {:.1f} %", label, 100 * share));
    answer.json.beginObject();
    answer.json.key("index").value(index);
    answer.json.key("label").value(label);
    answer.json.key("pixels").value(-negativeCount);
    answer.json.key("share").value(share);
    answer.json.endObject();
  }
  answer.json.endArray();
}

AnswerFn vitc::rt::makeSegmentationAnswer(const vitc_model &model,
                                          const Options &options) {
  int32_t scores = findScores(model);
  return [&model, scores, topK = options.topK](const PictureResult &result,
                                               Answer &answer) {
    std::vector<int32_t> classes = classifyPixels(model, result, scores);
    describeShares(model, classes, topK, answer);
    if (answer.output)
      writeFiles(result, classes, answer);
  };
}
