//===- Run.cpp - Pictures in, classes or embeddings out -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Json.h"
#include "Program/PictureInput.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace vitc::rt;

namespace {
struct ClassScore {
  int64_t index;
  double probability;
};
} // namespace

/// The output that holds a score for each class: [batch, classes].
static int32_t findLogits(const vitc_model &model) {
  const EntryDescriptor &entry = *model.forward.descriptor;
  int32_t numLabels = model.descriptor.numLabels;
  for (int32_t i = 0; i < entry.numOutputs; ++i) {
    const TensorDescriptor &output = entry.outputs[i];
    if (output.rank == 2 && (numLabels == 0 || output.dims[1] == numLabels))
      return i;
  }
  throw Failure(VITC_UNSUPPORTED,
                "the model has no output [batch, classes] of {} classes; use "
                "--input and --output-dir",
                numLabels);
}

/// Softmax over `logits`; the `topK` likeliest classes, likeliest first.
static std::vector<ClassScore> rankClasses(const double *logits, int64_t count,
                                           int32_t topK) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(logits[i]))
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the model's score of class {} is {}; needs a finite "
                    "number",
                    i, logits[i]);
  double greatest = *std::max_element(logits, logits + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(logits[i] - greatest);
  int64_t kept = std::min<int64_t>(topK, count);
  std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                    [&](int64_t a, int64_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b]
                                                    : a < b;
                    });
  std::vector<ClassScore> scores;
  for (int64_t i = 0; i < kept; ++i)
    scores.push_back({order[i], std::exp(logits[order[i]] - greatest) / sum});
  return scores;
}

static std::string labelOf(const vitc_model &model, int64_t index) {
  return index < model.descriptor.numLabels ? model.descriptor.labels[index]
                                            : fmt::format("class {}", index);
}

static void classify(const vitc_model &model, const Options &options,
                     Output &output) {
  if (!options.outputDir.empty())
    throw UsageError("--output-dir was given with pictures; a classifier "
                     "prints its classes and writes no file");
  int32_t logitsIndex = findLogits(model);
  PictureInput pictures(model);
  JsonWriter json;
  json.beginArray();
  for (const std::string &path : options.images) {
    EntryTensors &tensors = pictures.run(path);
    NpyArray logits =
        convertNpy(tensors.outputs[logitsIndex], VITC_F64, "logits");
    // Only the first picture of a fixed batch is ours.
    int64_t count = logits.dims.back();
    std::vector<double> scores(count);
    std::memcpy(scores.data(), logits.bytes.data(), count * sizeof(double));
    json.beginObject();
    json.key("image").value(path);
    json.key("classes").beginArray();
    for (ClassScore score : rankClasses(scores.data(), count, options.topK)) {
      std::string label = labelOf(model, score.index);
      if (!options.json)
        output.print(fmt::format("{}: {} {:.1f} %\n", path, label,
                                 100 * score.probability));
      json.beginObject();
      json.key("index").value(score.index);
      json.key("label").value(label);
      json.key("probability").value(score.probability);
      json.endObject();
    }
    json.endArray();
    json.endObject();
  }
  json.endArray();
  if (options.json)
    output.print(json.text());
}

static void embed(const vitc_model &model, const Options &options,
                  Output &output) {
  PictureInput pictures(model);
  const EntryDescriptor &entry = *model.forward.descriptor;
  JsonWriter json;
  json.beginArray();
  for (const std::string &path : options.images) {
    EntryTensors &tensors = pictures.run(path);
    json.beginObject();
    json.key("image").value(path);
    json.key("files").beginArray();
    for (int32_t i = 0; i < entry.numOutputs; ++i) {
      std::string name = pathStem(path);
      if (entry.numOutputs > 1)
        name += "." + fileNameOf(entry.outputs[i].name);
      std::string file = joinPath(options.outputDir, name + ".npy");
      output.addFile(file, formatNpy(firstOfBatch(tensors.outputs[i])));
      json.value(file);
      if (!options.json)
        output.print(fmt::format("{}: {}\n", path, file));
    }
    json.endArray();
    json.endObject();
  }
  json.endArray();
  if (options.json)
    output.print(json.text());
}

void vitc::rt::runImages(const vitc_model &model, const Options &options,
                         Output &output) {
  switch (static_cast<Task>(model.descriptor.task)) {
  case Task::Classification:
    return classify(model, options, output);
  case Task::Embedding:
    return embed(model, options, output);
  case Task::Tensor:
    break;
  }
  throw UsageError("pictures were given and the model has no picture task; "
                   "needs --input NAME=FILE.npy and --output-dir DIR");
}
