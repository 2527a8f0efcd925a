//===- Tasks.h - What the outputs mean ------------------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_TASKS_H
#define VITC_LIB_RUNTIME_PROGRAM_TASKS_H

#include "Json.h"
#include "Program/Options.h"
#include "Program/Output.h"
#include "Program/PictureInput.h"

#include <functional>
#include <string>
#include <vector>

namespace vitc::rt {

/// A picture that the model has run on.
struct PictureResult {
  std::string path; // as it was given
  std::string base; // what the names of its files begin with
  PictureInput &input;
};

/// What a picture gave: members of its JSON object, lines of text and files.
struct Answer {
  JsonWriter &json;
  Output *output; // null: no files are written
  std::vector<std::string> lines = {}, files = {};

  void addFile(const std::string &path, std::string contents);
  void addPng(const std::string &path, const Image &image);
};

using AnswerFn = std::function<void(const PictureResult &, Answer &)>;

// A function for each task. They throw Failure where the outputs are not what
// #vit.model says of the task.

AnswerFn makeClassAnswer(const vitc_model &model, const Options &options);
AnswerFn makeEmbeddingAnswer(const vitc_model &model);
AnswerFn makeSegmentationAnswer(const vitc_model &model,
                                const Options &options);
AnswerFn makeDetectionAnswer(const vitc_model &model, const Options &options);
AnswerFn makePictureAnswer(const vitc_model &model);

/// How well the texts of --text fit, which it runs the model on at once.
AnswerFn makeRankingAnswer(const vitc_model &model, const Options &options);

/// The function of the model's task; throws UsageError for a model of tensors.
AnswerFn makeAnswer(const vitc_model &model, const Options &options);

/// The output that holds a score for each class: [batch, classes].
int32_t findLogits(const vitc_model &model);

/// The numbers of the `topK` greatest scores, the greatest first.
std::vector<int64_t> rankClasses(const std::vector<double> &scores,
                                 int32_t topK);

/// Adds the `topK` likeliest classes to an answer.
void addClasses(const vitc_model &model, const std::vector<double> &scores,
                int32_t topK, Answer &answer);

/// The name of class `index`, or "class 7" for want of one.
std::string getLabel(const vitc_model &model, int64_t index);

/// Replaces scores by probabilities, by a softmax or, where the model says so,
/// by sigmoids. Throws Failure unless all are finite.
void makeProbabilities(const vitc_model &model, double *scores, int64_t count);

/// The index of the first output that passes `test`, or -1.
int32_t findOutput(const vitc_model &model,
                   const std::function<bool(const TensorDescriptor &)> &test);

/// The picture's part of an output. In a fixed batch every picture is the same.
std::vector<double> readOutput(const PictureResult &result, int32_t index);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_TASKS_H
