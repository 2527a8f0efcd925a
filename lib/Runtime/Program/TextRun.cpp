//===- TextRun.cpp - Texts in, embeddings or classes out ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"
#include "Program/TextInput.h"
#include "Ranking.h"
#include "Status.h"

#include <cstring>

using namespace vitc::rt;

/// Row `index` of an output as numbers.
static std::vector<double> readRow(const NpyArray &output, int64_t index) {
  NpyArray numbers = convertNpy(output, VITC_F64, "an output");
  size_t rowBytes = numbers.bytes.size() / numbers.dims[0];
  std::vector<double> row(rowBytes / sizeof(double));
  std::memcpy(row.data(), numbers.bytes.data() + index * rowBytes, rowBytes);
  return row;
}

/// A file for each output, with a row for each text.
static void writeRows(const TextInput &input,
                      const std::vector<NpyArray> &outputs,
                      const Options &options, Output &output) {
  const EntryDescriptor &entry = input.getDescriptor();
  JsonWriter json;
  json.beginObject();
  json.key("texts").value(int64_t(options.texts.size()));
  json.key("files").beginArray();
  for (int32_t i = 0; i < entry.numOutputs; ++i) {
    std::string path =
        joinPath(options.outputDir, fileNameOf(entry.outputs[i].name) + ".npy");
    output.addFile(path, formatNpy(outputs[i]));
    json.value(path);
    if (!options.json)
      output.print(path + "\n");
  }
  json.endArray();
  json.endObject();
  if (options.json)
    output.print(json.text());
}

static void printClasses(const vitc_model &model,
                         const std::vector<NpyArray> &outputs,
                         const Options &options, Output &output) {
  int32_t logits = findLogits(model);
  JsonWriter json;
  json.beginArray();
  for (size_t i = 0; i < options.texts.size(); ++i) {
    json.beginObject();
    json.key("text").value(options.texts[i]);
    Answer answer{json, nullptr};
    addClasses(model, readRow(outputs[logits], i), options.topK, answer);
    json.endObject();
    for (const std::string &line : answer.lines)
      if (!options.json)
        output.print(fmt::format("{}: {}\n", options.texts[i], line));
  }
  json.endArray();
  if (options.json)
    output.print(json.text());
}

void vitc::rt::runTexts(const vitc_model &model, const Options &options,
                        Output &output) {
  TextInput input(model);
  auto task = static_cast<Task>(model.descriptor.task);
  bool classifies = task == Task::Classification;
  bool fillsMasks = task == Task::FillMask;
  if ((classifies || fillsMasks) && !options.outputDir.empty())
    throw UsageError(fmt::format("--output-dir was given with --text; this "
                                 "model prints {} and writes no file",
                                 classifies ? "its classes" : "tokens"));
  if (!options.pairs.empty() && options.pairs.size() != options.texts.size())
    throw UsageError(fmt::format("--text was given {} times and --text-pair "
                                 "{}; needs a second text for each or none",
                                 options.texts.size(), options.pairs.size()));
  std::vector<NpyArray> outputs = input.run(options.texts, options.pairs);
  if (classifies)
    printClasses(model, outputs, options, output);
  else if (fillsMasks)
    printMasked(model, input, outputs, options, output);
  else
    writeRows(input, outputs, options, output);
}

//===----------------------------------------------------------------------===//
// Texts for a picture
//===----------------------------------------------------------------------===//

AnswerFn vitc::rt::makeRankingAnswer(const vitc_model &model,
                                     const Options &options) {
  TextInput input(model);
  NpyArray texts = input.run(options.texts).front();
  return
      [&model, &options, texts](const PictureResult &result, Answer &answer) {
        NpyArray image = firstOfBatch(result.input.getTensors().outputs[0]);
        image.dims.insert(image.dims.begin(), 1);
        std::vector<double> scores =
            readRow(computeScores(model.descriptor.ranking, image, texts), 0);
        std::vector<double> probabilities = scores;
        makeProbabilities(model, probabilities.data(), probabilities.size());
        answer.json.key("texts").beginArray();
        for (int64_t index : rankClasses(scores, options.topK)) {
          answer.lines.push_back(fmt::format(
              "{} {:.1f} %", options.texts[index], 100 * probabilities[index]));
          answer.json.beginObject();
          answer.json.key("index").value(index);
          answer.json.key("text").value(options.texts[index]);
          answer.json.key("probability").value(probabilities[index]);
          answer.json.key("score").value(scores[index]);
          answer.json.endObject();
        }
        answer.json.endArray();
      };
}
