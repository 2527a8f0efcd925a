//===- Detection.cpp - Boxes around things --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As transformers' post_process_object_detection: of each box the likeliest
// class, the last standing for nothing; with sigmoids every class of a box for
// itself. Boxes are parts of the resized picture, whatever surrounds it.
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

#include "Status.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace vitc::rt;

namespace {
struct Detection {
  int64_t query, label;
  double score;
  double left, top, right, bottom; // pixels of the picture
};

/// The outputs [batch, queries, classes] and [batch, queries, 4].
struct DetectionOutputs {
  int32_t scores, boxes;
  int64_t queries, classes;
};
} // namespace

static DetectionOutputs findOutputs(const vitc_model &model) {
  const EntryDescriptor &entry = *model.main.descriptor;
  for (int32_t i = 0; i < entry.numOutputs; ++i)
    for (int32_t j = 0; j < entry.numOutputs; ++j) {
      const TensorDescriptor &scores = entry.outputs[i];
      const TensorDescriptor &boxes = entry.outputs[j];
      if (i != j && scores.rank == 3 && boxes.rank == 3 && boxes.dims[2] == 4 &&
          boxes.dims[1] == scores.dims[1])
        return {i, j, scores.dims[1], scores.dims[2]};
    }
  throw Failure(VITC_UNSUPPORTED,
                "the model has no outputs [batch, boxes, classes] and [batch, "
                "boxes, 4]; use --input and --output-dir");
}

/// Puts the box [4], centre and size as parts of what the model saw of the
/// picture, into its pixels.
static void placeBox(const Placement &placement,
                     const PreprocessDescriptor &preprocess, const double *box,
                     Detection &detection) {
  // A crop is smaller than the resized picture, padding lies around it.
  auto place = [](double part, int first, int resized, int input, int picture) {
    double begin = std::max(0, -first);
    double size = std::min(resized, input);
    return (begin + part * size) * picture / resized;
  };
  auto placeX = [&](double x) {
    return place(x, placement.left, placement.width, preprocess.width,
                 placement.pictureWidth);
  };
  auto placeY = [&](double y) {
    return place(y, placement.top, placement.height, preprocess.height,
                 placement.pictureHeight);
  };
  detection.left = placeX(box[0] - box[2] / 2);
  detection.right = placeX(box[0] + box[2] / 2);
  detection.top = placeY(box[1] - box[3] / 2);
  detection.bottom = placeY(box[1] + box[3] / 2);
}

/// What scores more than `threshold`, the best first.
static std::vector<Detection> detect(const vitc_model &model,
                                     const PictureResult &result,
                                     const DetectionOutputs &outputs,
                                     double threshold) {
  std::vector<double> scores = readOutput(result, outputs.scores);
  std::vector<double> boxes = readOutput(result, outputs.boxes);
  bool isSigmoid = model.descriptor.sigmoid != 0;
  std::vector<Detection> detections;
  for (int64_t query = 0; query < outputs.queries; ++query) {
    double *row = &scores[query * outputs.classes];
    const double *box = &boxes[4 * query];
    if (!std::all_of(box, box + 4, [](double x) { return std::isfinite(x); }))
      throw Failure(VITC_INVALID_ARGUMENT,
                    "{}: box {} of the model is {}, {}, {}, {}; needs finite "
                    "numbers",
                    result.path, query, box[0], box[1], box[2], box[3]);
    makeProbabilities(model, row, outputs.classes);
    const double *end = row + outputs.classes - (isSigmoid ? 0 : 1);
    const double *best = std::max_element(row, const_cast<double *>(end));
    for (const double *score = row; score != end; ++score) {
      if ((!isSigmoid && score != best) || !(*score > threshold))
        continue;
      Detection detection{query, score - row, *score, 0, 0, 0, 0};
      placeBox(result.input.getPlacement(), model.descriptor.preprocess, box,
               detection);
      detections.push_back(detection);
    }
  }
  std::sort(detections.begin(), detections.end(),
            [](const Detection &a, const Detection &b) {
              return std::tuple(-a.score, a.query, a.label) <
                     std::tuple(-b.score, b.query, b.label);
            });
  return detections;
}

static void writeJson(const vitc_model &model,
                      const std::vector<Detection> &detections,
                      JsonWriter &json) {
  json.key("objects").beginArray();
  for (const Detection &detection : detections) {
    json.beginObject();
    json.key("index").value(detection.label);
    json.key("label").value(getLabel(model, detection.label));
    json.key("score").value(detection.score);
    json.key("box").beginObject();
    json.key("xmin").value(detection.left);
    json.key("ymin").value(detection.top);
    json.key("xmax").value(detection.right);
    json.key("ymax").value(detection.bottom);
    json.endObject();
    json.endObject();
  }
  json.endArray();
}

static Image drawDetections(const vitc_model &model, const Image &picture,
                            const std::vector<Detection> &detections) {
  Image drawn{picture.height, picture.width, picture.rgb};
  // The best lies on top.
  for (auto detection = detections.rbegin(); detection != detections.rend();
       ++detection) {
    Box box{detection->left, detection->top, detection->right,
            detection->bottom};
    Colour colour = getClassColour(detection->label + 1);
    drawBox(drawn, box, colour);
    drawLabel(drawn, box,
              fmt::format("{} {:.0f} %", getLabel(model, detection->label),
                          100 * detection->score),
              colour);
  }
  return drawn;
}

AnswerFn vitc::rt::makeDetectionAnswer(const vitc_model &model,
                                       const Options &options) {
  DetectionOutputs outputs = findOutputs(model);
  return [&model, outputs, threshold = options.threshold](
             const PictureResult &result, Answer &answer) {
    std::vector<Detection> detections =
        detect(model, result, outputs, threshold);
    writeJson(model, detections, answer.json);
    for (const Detection &detection : detections)
      answer.lines.push_back(fmt::format(
          "{} {:.1f} % at {:.0f},{:.0f} to {:.0f},{:.0f}",
          getLabel(model, detection.label), 100 * detection.score,
          detection.left, detection.top, detection.right, detection.bottom));
    if (!answer.output)
      return;
    JsonWriter json;
    json.beginObject();
    json.key("image").value(result.path);
    writeJson(model, detections, json);
    json.endObject();
    answer.addFile(result.base + ".json", json.text());
    answer.addPng(result.base + ".boxes.png",
                  drawDetections(model, result.input.getPicture(), detections));
  };
}
