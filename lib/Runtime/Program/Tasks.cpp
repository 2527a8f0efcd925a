//===- Tasks.cpp - What the outputs mean ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

#include "Status.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vitc::rt;

void Answer::addFile(const std::string &path, std::string contents) {
  if (!output)
    return;
  output->addFile(path, std::move(contents));
  files.push_back(path);
}

void Answer::addPng(const std::string &path, const Image &image) {
  if (!output)
    return;
  output->addPng(path, image);
  files.push_back(path);
}

std::string vitc::rt::getLabel(const vitc_model &model, int64_t index) {
  return index < model.descriptor.numLabels ? model.descriptor.labels[index]
                                            : fmt::format("class {}", index);
}

void vitc::rt::makeProbabilities(const vitc_model &model, double *scores,
                                 int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(scores[i]))
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the model's score of class {} is {}; needs a finite "
                    "number",
                    i, scores[i]);
  if (model.descriptor.sigmoid) {
    for (int64_t i = 0; i < count; ++i)
      scores[i] = 1 / (1 + std::exp(-scores[i]));
    return;
  }
  double greatest = *std::max_element(scores, scores + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += scores[i] = std::exp(scores[i] - greatest);
  for (int64_t i = 0; i < count; ++i)
    scores[i] /= sum;
}

int32_t vitc::rt::findOutput(
    const vitc_model &model,
    const std::function<bool(const TensorDescriptor &)> &test) {
  const EntryDescriptor &entry = *model.main.descriptor;
  for (int32_t i = 0; i < entry.numOutputs; ++i)
    if (test(entry.outputs[i]))
      return i;
  return -1;
}

std::vector<double> vitc::rt::readOutput(const PictureResult &result,
                                         int32_t index) {
  const NpyArray &output = result.input.getTensors().outputs[index];
  NpyArray first = convertNpy(firstOfBatch(output), VITC_F64, "an output");
  std::vector<double> values(first.bytes.size() / sizeof(double));
  std::memcpy(values.data(), first.bytes.data(), first.bytes.size());
  return values;
}

AnswerFn vitc::rt::makeAnswer(const vitc_model &model, const Options &options) {
  bool ranks = static_cast<Task>(model.descriptor.task) == Task::Ranking;
  if (!options.texts.empty() && !ranks)
    throw UsageError("--text was given with pictures; needs a model that ranks "
                     "texts for a picture");
  switch (static_cast<Task>(model.descriptor.task)) {
  case Task::Classification:
    return makeClassAnswer(model, options);
  case Task::Embedding:
    return makeEmbeddingAnswer(model);
  case Task::Segmentation:
    return makeSegmentationAnswer(model, options);
  case Task::Detection:
    return makeDetectionAnswer(model, options);
  case Task::Picture:
    return makePictureAnswer(model);
  case Task::Ranking:
    return options.texts.empty() ? makeEmbeddingAnswer(model)
                                 : makeRankingAnswer(model, options);
  case Task::FillMask:
  case Task::Generation:
  case Task::Tensor:
    break;
  }
  throw UsageError("pictures were given and the model has no picture task; "
                   "needs --input NAME=FILE.npy and --output-dir DIR");
}
