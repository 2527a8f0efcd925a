//===- GenerationAnswers.h - What was generated for items ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_GENERATIONANSWERS_H
#define VITC_LIB_RUNTIME_PROGRAM_GENERATIONANSWERS_H

#include "Json.h"
#include "Program/GenerationRun.h"
#include "Status.h"

#include <functional>

namespace vitc::rt {

/// A picture, a text, or both, and the name of its results among all items.
struct NamedItem {
  std::string picture, text, name;
  bool hasPicture = false, hasText = false;

  GenerationItem view() const {
    return {hasPicture ? &picture : nullptr, hasText ? &text : nullptr};
  }
};

/// Each picture of the options, with each text if there are some; without a
/// picture each text.
std::vector<NamedItem> listItems(const Options &options);

/// Runs on items, as many together as the model takes, and hands on what was
/// generated, in their order.
class GenerationAnswers {
public:
  using AnswerFn = std::function<void(GenerationRun &run, const NamedItem &item,
                                      const Generated &generated)>;
  using FailureFn =
      std::function<void(const NamedItem &item, const Failure &failure)>;

  /// Without `leaveOut` the first failure ends the run; with it, an item whose
  /// own it is is handed to that, and those with it run without it.
  GenerationAnswers(const vitc_model &model, const Options &options,
                    ItemCounts counts, AnswerFn answer,
                    FailureFn leaveOut = nullptr)
      : run(model, options, counts.batch), together(counts.together),
        answer(std::move(answer)), leaveOut(std::move(leaveOut)) {}

  void add(NamedItem item);
  /// Runs on the items that are left.
  void flush();

private:
  void runOn(const std::vector<NamedItem> &items);

  GenerationRun run;
  size_t together;
  AnswerFn answer;
  FailureFn leaveOut;
  std::vector<NamedItem> waiting;
};

/// What a line about the item begins with.
std::string formatTitle(const NamedItem &item);

/// Adds what was generated to an object: "image", "text", "generated", "score",
/// "tokens", "token_scores", "end_score".
void addGenerated(const GenerationRun &run, const NamedItem &item,
                  const Generated &generated, JsonWriter &json);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_GENERATIONANSWERS_H
