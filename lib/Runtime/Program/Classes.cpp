//===- Classes.cpp - The likeliest classes --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

#include "Status.h"

#include <algorithm>
#include <numeric>

using namespace vitc::rt;

int32_t vitc::rt::findLogits(const vitc_model &model) {
  int32_t numLabels = model.descriptor.numLabels;
  int32_t index = findOutput(model, [&](const TensorDescriptor &output) {
    return output.rank == 2 && (numLabels == 0 || output.dims[1] == numLabels);
  });
  if (index < 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has no output [batch, classes] of {} classes; use "
                  "--input and --output-dir",
                  numLabels);
  return index;
}

std::vector<int64_t> vitc::rt::rankClasses(const std::vector<double> &scores,
                                           int32_t topK) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  int64_t kept = std::min<int64_t>(topK, order.size());
  std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                    [&](int64_t a, int64_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b]
                                                    : a < b;
                    });
  order.resize(kept);
  return order;
}

void vitc::rt::addClasses(const vitc_model &model,
                          const std::vector<double> &scores, int32_t topK,
                          Answer &answer) {
  // Logits are ranked: of probabilities many may be 0 or 1.
  std::vector<double> probabilities = scores;
  makeProbabilities(model, probabilities.data(), probabilities.size());
  answer.json.key("classes").beginArray();
  for (int64_t index : rankClasses(scores, topK)) {
    std::string label = getLabel(model, index);
    answer.lines.push_back(
        fmt::format("{} {:.1f} %", label, 100 * probabilities[index]));
    answer.json.beginObject();
    answer.json.key("index").value(index);
    answer.json.key("label").value(label);
    answer.json.key("probability").value(probabilities[index]);
    answer.json.endObject();
  }
  answer.json.endArray();
}

AnswerFn vitc::rt::makeClassAnswer(const vitc_model &model,
                                   const Options &options) {
  if (!options.outputDir.empty())
    throw UsageError("--output-dir was given with pictures; a classifier "
                     "prints its classes and writes no file");
  int32_t logits = findLogits(model);
  return [&model, logits, topK = options.topK](const PictureResult &result,
                                               Answer &answer) {
    addClasses(model, readOutput(result, logits), topK, answer);
  };
}
