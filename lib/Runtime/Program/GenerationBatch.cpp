//===- GenerationBatch.cpp - Text for many items in one file --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A journal holds what was generated until all is there, as for the results of
// pictures: a run that ends early is continued.
//
//===----------------------------------------------------------------------===//

#include "Program/BatchFiles.h"
#include "Program/GenerationAnswers.h"
#include "Program/Journal.h"
#include "Program/Progress.h"
#include "Status.h"

#include <fmt/format.h>

#include <algorithm>

using namespace vitc::rt;

namespace {
/// Runs on what is not in the journal yet.
class GenerationBatch {
public:
  GenerationBatch(const vitc_model &model, const Options &options,
                  size_t numItems);

  void add(const NamedItem &item);
  void flush() { answers.flush(); }
  /// Writes all results in the order of the items; returns their number.
  size_t write(const std::vector<NamedItem> &items);

private:
  bool isText() const { return endsWith(options.outputFile, ".txt"); }
  /// The name of an item's record.
  static std::string getKey(const NamedItem &item) {
    return fmt::format("{} {}", item.picture, item.name);
  }
  std::string format(const GenerationRun &run, const NamedItem &item,
                     const Generated &generated) const;
  void leaveOut(const NamedItem &item, const Failure &failure);

  const Options &options;
  GenerationAnswers answers;
  Journal journal;
  Progress progress;
  int64_t numDone = 0;
};
} // namespace

/// A number for texts, FNV-1a.
static uint64_t hashTexts(const std::vector<std::string> &texts) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::string &text : texts)
    for (size_t i = 0; i <= text.size(); ++i)
      hash = (hash ^ static_cast<uint8_t>(text.c_str()[i])) * 0x100000001b3;
  return hash;
}

/// What a journal's records depend on beside their names.
static std::string describeRun(const vitc_model_descriptor_t &model,
                               const Options &options) {
  return fmt::format(
      "vitc generation 1: {} {}, {}, beams {}, lengths {} to {}, texts {:x}",
      model.modelName, model.sourceHash,
      options.outputFile.substr(options.outputFile.rfind('.')), options.beams,
      options.minLength.value_or(-1), options.maxLength,
      hashTexts(options.texts));
}

GenerationBatch::GenerationBatch(const vitc_model &model,
                                 const Options &options, size_t numItems)
    : options(options),
      answers(
          model, options, countItems(model, options, numItems),
          [this](GenerationRun &run, const NamedItem &item,
                 const Generated &generated) {
            journal.append(getKey(item), format(run, item, generated));
          },
          [this](const NamedItem &item, const Failure &failure) {
            leaveOut(item, failure);
          }),
      journal(options.outputFile + ".partial",
              describeRun(model.descriptor, options)),
      progress(static_cast<int64_t>(numItems),
               options.images.empty() ? "texts" : "pictures") {}

std::string GenerationBatch::format(const GenerationRun &run,
                                    const NamedItem &item,
                                    const Generated &generated) const {
  if (!isText()) {
    JsonWriter json(/*compact=*/true);
    json.beginObject();
    addGenerated(run, item, generated, json);
    json.endObject();
    return json.text();
  }
  std::string text = run.formatTokens(generated.tokens);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + "\n";
}

void GenerationBatch::leaveOut(const NamedItem &item, const Failure &failure) {
  progress.print(fmt::format("warning: {}{}; left out",
                             item.hasPicture ? "" : item.name + ": ",
                             failure.what()));
}

void GenerationBatch::add(const NamedItem &item) {
  progress.update(numDone++);
  if (!journal.contains(getKey(item)))
    answers.add(item);
}

size_t GenerationBatch::write(const std::vector<NamedItem> &items) {
  auto isThere = [&](const NamedItem &item) {
    return journal.contains(getKey(item));
  };
  size_t count = std::count_if(items.begin(), items.end(), isThere);
  if (count == 0)
    throw Failure(VITC_IO, "nothing could be generated for {} items",
                  items.size());
  NewFile file(options.outputFile);
  for (const NamedItem &item : items) {
    if (isThere(item))
      file.write(journal.read(getKey(item)));
    else if (isText())
      file.write("\n"); // each line is of the text in the same line
  }
  file.commit();
  journal.remove();
  return count;
}

void vitc::rt::runGenerationBatch(const vitc_model &model,
                                  const Options &options, Output &output) {
  const std::string &path = options.outputFile;
  bool isText = endsWith(path, ".txt");
  if (!isText && !endsWith(path, ".jsonl"))
    throw UsageError(fmt::format("the output file is '{}'; generated text "
                                 "needs one that ends in .jsonl or .txt",
                                 path));
  if (isText && !options.images.empty())
    throw UsageError(fmt::format("the output file is '{}'; texts of pictures "
                                 "need one that ends in .jsonl",
                                 path));
  std::vector<NamedItem> items = listItems(options);
  size_t count = 0;
  {
    GenerationBatch batch(model, options, items.size());
    for (const NamedItem &item : items)
      batch.add(item);
    batch.flush();
    count = batch.write(items);
  }
  std::string text = fmt::format("{}: {} texts", path, count);
  if (count < items.size())
    text += fmt::format(", {} left out", items.size() - count);
  output.print(text + "\n");
}
