//===- Generation.cpp - Captions, answers, translations -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/GenerationAnswers.h"
#include "Program/TokenText.h"
#include "Status.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace vitc::rt;

static void checkOptions(const Options &options) {
  if (!options.outputDir.empty())
    throw UsageError("--output-dir was given; the model generates text and "
                     "writes no file");
  if (!options.pairs.empty())
    throw UsageError("--text-pair was given; a model that generates text takes "
                     "--text alone");
}

/// Whether somebody reads along: standard output is no file.
static bool isReadAlong() {
  struct stat status;
  return ::fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
}

/// Writes the words of the only item as they come.
static void stream(const vitc_model &model, const Options &options,
                   const NamedItem &item, Output &output) {
  GenerationRun run(model, options);
  bool isFirst = true;
  WordStream words(
      [&](const std::vector<int64_t> &tokens) {
        return run.formatTokens(tokens);
      },
      [&](const std::string &text) {
        output.printNow(isFirst ? formatTitle(item) + text : text);
        isFirst = false;
      });
  run.run({item.view()}, [&](int64_t token) { words.add(token); });
  words.finish();
}

void vitc::rt::runGeneration(const vitc_model &model, const Options &options,
                             Output &output) {
  checkOptions(options);
  std::vector<NamedItem> items = listItems(options);
  ItemCounts counts = countItems(model, options, items.size());
  if (items.size() == 1 && counts.batch == 1 &&
      countBeams(model, options) == 1 && !options.json && isReadAlong())
    return stream(model, options, items.front(), output);
  JsonWriter json;
  json.beginArray();
  GenerationAnswers answers(model, options, counts,
                            [&](GenerationRun &run, const NamedItem &item,
                                const Generated &generated) {
                              if (!options.json)
                                return output.print(
                                    formatTitle(item) +
                                    run.formatTokens(generated.tokens) + "\n");
                              json.beginObject();
                              addGenerated(run, item, generated, json);
                              json.endObject();
                            });
  for (NamedItem &item : items)
    answers.add(std::move(item));
  answers.flush();
  json.endArray();
  if (options.json)
    output.print(json.text());
}

template <typename Value> static void append(NpyArray &array, Value value) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
  array.bytes.insert(array.bytes.end(), bytes, bytes + sizeof(value));
}

/// Traces [tokens, keys] as one array [items, longest, keys], zeros behind the
/// last token of an item.
static NpyArray stackTraces(const std::vector<NpyArray> &traces,
                            int64_t longest) {
  int64_t keys = traces.front().dims[1];
  NpyArray stack = {
      VITC_F32, {static_cast<int64_t>(traces.size()), longest, keys}, {}};
  for (const NpyArray &trace : traces) {
    size_t end = stack.bytes.size() + sizeof(float) * longest * keys;
    stack.bytes.insert(stack.bytes.end(), trace.bytes.begin(),
                       trace.bytes.end());
    stack.bytes.resize(end);
  }
  return stack;
}

void vitc::rt::runGenerationTensors(const vitc_model &model,
                                    const Options &options,
                                    std::vector<NpyArray> inputs, int64_t items,
                                    Output &output) {
  AttentionChoice choice = makeChoice(options.attention);
  if (options.attention.matrix)
    getAttentionSource(model, choice);
  GenerationRun run(model, options, items);
  std::vector<Generated> generated = run.run(std::move(inputs), items);
  size_t longest = 0;
  for (const Generated &item : generated)
    longest = std::max(longest, item.tokens.size());
  auto length = static_cast<int64_t>(longest);
  auto addFile = [&](const char *name, const NpyArray &array) {
    output.addFile(joinPath(options.outputDir, name), formatNpy(array));
  };
  if (options.attention.matrix)
    addFile("attention.npy",
            stackTraces(run.traceAttention(generated, choice), length));
  NpyArray tokens = {VITC_I64, {items, length}, {}};
  NpyArray scores = {VITC_F32, {items}, {}};
  for (Generated &item : generated) {
    item.tokens.resize(longest, model.descriptor.generation.pad);
    for (int64_t token : item.tokens)
      append(tokens, token);
    append(scores, item.score);
  }
  addFile("tokens.npy", tokens);
  addFile("scores.npy", scores);
}
