//===- GenerationAnswers.cpp - What was generated for items ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/GenerationAnswers.h"

#include "Program/BatchFiles.h"
#include "Program/PictureFiles.h"

#include <fmt/format.h>

using namespace vitc::rt;

std::vector<NamedItem> vitc::rt::listItems(const Options &options) {
  std::vector<NamedItem> items;
  auto add = [&](const PictureFile *file, const std::string *text) {
    NamedItem item;
    item.hasPicture = file;
    item.hasText = text;
    if (file) {
      item.picture = file->path;
      item.name = file->name;
    }
    if (text)
      item.text = *text;
    if (text && (!file || options.texts.size() > 1))
      item.name += fmt::format("{}text-{:02}", file ? "." : "",
                               text - options.texts.data());
    items.push_back(std::move(item));
  };
  for (const PictureFile &file : listPictures(options.images)) {
    for (const std::string &text : options.texts)
      add(&file, &text);
    if (options.texts.empty())
      add(&file, nullptr);
  }
  if (options.images.empty())
    for (const std::string &text : options.texts)
      add(nullptr, &text);
  return items;
}

void GenerationAnswers::add(NamedItem item) {
  waiting.push_back(std::move(item));
  if (waiting.size() == together)
    flush();
}

void GenerationAnswers::flush() {
  std::vector<NamedItem> items = std::move(waiting);
  waiting.clear();
  if (items.empty())
    return;
  try {
    return runOn(items);
  } catch (const Failure &failure) {
    if (!leaveOut || !isOfItem(failure))
      throw;
  }
  // One of them is at fault.
  for (const NamedItem &item : items) {
    try {
      runOn({item});
    } catch (const Failure &failure) {
      if (!isOfItem(failure))
        throw;
      leaveOut(item, failure);
    }
  }
}

void GenerationAnswers::runOn(const std::vector<NamedItem> &items) {
  std::vector<GenerationItem> views;
  for (const NamedItem &item : items)
    views.push_back(item.view());
  std::vector<Generated> results = run.run(views);
  for (size_t i = 0; i < items.size(); ++i)
    answer(run, items[i], results[i]);
}

std::string vitc::rt::formatTitle(const NamedItem &item) {
  return item.hasPicture ? item.picture + ": " : "";
}

void vitc::rt::addGenerated(const GenerationRun &run, const NamedItem &item,
                            const Generated &generated, JsonWriter &json) {
  if (item.hasPicture)
    json.key("image").value(item.picture);
  if (item.hasText)
    json.key("text").value(item.text);
  json.key("generated").value(run.formatTokens(generated.tokens));
  json.key("score").value(static_cast<double>(generated.score));
  json.key("tokens").beginArray();
  for (int64_t token : generated.tokens)
    json.value(token);
  json.endArray();
  json.key("token_scores").beginArray();
  for (float score : generated.tokenScores)
    json.value(static_cast<double>(score));
  json.endArray();
  if (generated.endScore)
    json.key("end_score").value(static_cast<double>(*generated.endScore));
}
