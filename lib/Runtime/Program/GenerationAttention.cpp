//===- GenerationAttention.cpp - What generated words attend to -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files of an item, BASE being DIR and the picture's name, or text-NN:
//   BASE.attention.npy   [tokens, keys], the mean over layers and heads
// of a picture
//   BASE.words.npy       [words, height, width], the mean over a word's tokens
//   BASE.word-NN.png     the same of word NN, over the picture
// of a text
//   BASE.attention.png   the matrix, a row for each token
//
//===----------------------------------------------------------------------===//

#include "Program/GenerationAnswers.h"
#include "Program/TokenText.h"
#include "Status.h"

#include <fmt/format.h>

#include <cstring>

using namespace vitc::rt;

namespace {
/// Writes what one item's tokens attended to.
class TraceWriter {
public:
  TraceWriter(GenerationRun &run, const AttentionSource &source, bool isText,
              std::string base, Output &output, JsonWriter &json)
      : run(run), source(source), isText(isText), base(std::move(base)),
        output(output), json(json) {}

  void write(const Generated &generated, const AttentionChoice &choice);

private:
  void writeNpy(const std::string &name, std::vector<int64_t> dims,
                const std::vector<float> &values);
  void writeWords(const Generated &generated);
  void writeMatrix(const Generated &generated);
  void addTokens(const char *key, const std::vector<std::string> &tokens);

  GenerationRun &run;
  const AttentionSource &source;
  bool isText; // keys are the text's tokens
  std::string base;
  Output &output;
  JsonWriter &json;
  std::vector<float> trace; // [tokens, keys]
  int64_t keys = 0;
};
} // namespace

void TraceWriter::writeNpy(const std::string &name, std::vector<int64_t> dims,
                           const std::vector<float> &values) {
  NpyArray array{VITC_F32, std::move(dims), {}};
  array.bytes.resize(values.size() * sizeof(float));
  if (!values.empty())
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  output.addFile(name, formatNpy(array));
}

void TraceWriter::addTokens(const char *key,
                            const std::vector<std::string> &tokens) {
  json.key(key).beginArray();
  for (const std::string &token : tokens)
    json.value(token);
  json.endArray();
}

/// The maps of the words, the mean over the tokens of each.
void TraceWriter::writeWords(const Generated &generated) {
  const TokenGrid &grid = source.grid;
  int64_t patches = int64_t{grid.height} * grid.width;
  std::vector<GeneratedWord> words =
      findWords(generated.tokens, [&](const std::vector<int64_t> &tokens) {
        return run.formatTokens(tokens);
      });
  std::vector<float> maps;
  json.key("words").beginArray();
  for (size_t i = 0; i < words.size(); ++i) {
    const GeneratedWord &word = words[i];
    std::vector<float> map(patches);
    auto count = static_cast<float>(word.end - word.begin);
    for (size_t token = word.begin; token < word.end; ++token)
      for (int64_t patch = 0; patch < patches; ++patch)
        map[patch] += trace[token * keys + grid.prefix + patch] / count;
    maps.insert(maps.end(), map.begin(), map.end());
    std::string path = fmt::format("{}.word-{:02}.png", base, i);
    Image picture =
        overlayHeatMap(run.getView(), map.data(), grid.height, grid.width);
    drawLabel(picture, {0, 0, double(picture.width), double(picture.height)},
              word.text, getClassColour(0));
    output.addPng(path, picture);
    json.beginObject();
    json.key("word").value(word.text);
    json.key("first_token").value(static_cast<int64_t>(word.begin));
    json.key("tokens").value(static_cast<int64_t>(word.end - word.begin));
    json.key("file").value(path);
    json.endObject();
  }
  json.endArray();
  writeNpy(base + ".words.npy",
           {static_cast<int64_t>(words.size()), grid.height, grid.width}, maps);
}

/// The alignment of the output's tokens with the source's.
void TraceWriter::writeMatrix(const Generated &generated) {
  auto rows = static_cast<int64_t>(generated.tokens.size());
  if (rows > 0 && keys > 0)
    output.addPng(base + ".attention.png",
                  drawMatrix(trace.data(), static_cast<int>(rows),
                             static_cast<int>(keys)));
  std::vector<std::string> target, read;
  for (int64_t token : generated.tokens)
    target.push_back(run.spellToken(token));
  addTokens("target", target);
  if (!isText)
    return;
  for (uint32_t token : run.getTextTokens())
    read.push_back(run.spellTextToken(token));
  addTokens("source", read);
}

void TraceWriter::write(const Generated &generated,
                        const AttentionChoice &choice) {
  NpyArray array = run.traceAttention({generated}, choice).front();
  int64_t tokens = array.dims[0];
  // Padding is masked.
  keys =
      isText ? static_cast<int64_t>(run.getTextTokens().size()) : source.keys;
  const auto *values = reinterpret_cast<const float *>(array.bytes.data());
  for (int64_t token = 0; token < tokens; ++token)
    trace.insert(trace.end(), values + token * source.keys,
                 values + token * source.keys + keys);
  writeNpy(base + ".attention.npy", {tokens, keys}, trace);
  if (source.grid.height > 0)
    writeWords(generated);
  else
    writeMatrix(generated);
}

AttentionChoice vitc::rt::makeChoice(const AttentionOptions &options) {
  return {
      [&options](int64_t number) { return options.layers.contains(number); },
      [&options](int64_t number) { return options.heads.contains(number); }};
}

void vitc::rt::runGenerationAttention(const vitc_model &model,
                                      const Options &options, Output &output) {
  const AttentionOptions &attention = options.attention;
  if (attention.hasQuery || attention.matrix || attention.rollout)
    throw UsageError("--attention-query, --attention-matrix or "
                     "--attention-rollout was given; generated text has the "
                     "attention of its tokens alone");
  AttentionChoice choice = makeChoice(attention);
  AttentionSource source = getAttentionSource(model, choice);
  std::vector<NamedItem> items = listItems(options);
  const TextDescriptor &text = model.descriptor.text;
  bool isText = source.grid.height == 0 && text.ids >= 0 && !text.isPrompt &&
                text.maxLength == source.keys;
  ItemCounts counts = countItems(model, options, /*items=*/1);
  JsonWriter json;
  json.beginArray();
  GenerationAnswers answers(
      model, options, counts,
      [&](GenerationRun &run, const NamedItem &item,
          const Generated &generated) {
        json.beginObject();
        addGenerated(run, item, generated, json);
        TraceWriter(run, source, isText, joinPath(options.outputDir, item.name),
                    output, json)
            .write(generated, choice);
        json.endObject();
        if (!options.json)
          output.print(formatTitle(item) + run.formatTokens(generated.tokens) +
                       "\n");
      });
  for (NamedItem &item : items)
    answers.add(std::move(item));
  json.endArray();
  if (options.json)
    output.print(json.text());
}
