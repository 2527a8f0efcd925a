//===- Generator.cpp - Generate tokens ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/Generator.h"

#include "Status.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;

void vitc::rt::runEncoder(vitc_session &session, GenerationInput &input) {
  const vitc_model::Entry &entry = session.getModel().main;
  const EntryDescriptor &encode = *entry.descriptor;
  input.outputs.clear();
  std::vector<vitc_tensor_t> inputs, outputs;
  for (NpyArray &array : input.inputs)
    inputs.push_back(array.tensor());
  for (int32_t i = 0; i < encode.numOutputs; ++i)
    outputs.push_back(
        input.outputs
            .emplace_back(makeKept(session, encode.outputs[i], input.items))
            .view);
  session.run(entry, inputs.data(), outputs.data(), nullptr);
}

std::vector<int64_t> vitc::rt::makePrompt(const GenerationDescriptor &model,
                                          const std::vector<int64_t> &text) {
  std::vector<int64_t> prompt(model.start.tokens,
                              model.start.tokens + model.start.count);
  if (model.promptReplacesStart && !text.empty())
    prompt.clear();
  prompt.insert(prompt.end(), text.begin(), text.end());
  return prompt;
}

void vitc::rt::checkGeneration(const GenerationDescriptor &model,
                               const GenerationOptions &options,
                               const std::vector<int64_t> &prompt) {
  if (options.beams < 1 || options.beams > kMaxBeams)
    throw Failure(VITC_INVALID_ARGUMENT, "beams are {}; needs 1 to {}",
                  options.beams, kMaxBeams);
  if (options.maxLength < 1 || options.maxLength > model.maxLength)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the maximum length is {} tokens; the model needs 1 to {}",
                  options.maxLength, model.maxLength);
  if (options.minLength < 0 || options.minLength > options.maxLength)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the minimum length is {} tokens; needs 0 to {}, the maximum",
                  options.minLength, options.maxLength);
  size_t length = makePrompt(model, prompt).size();
  if (static_cast<int64_t>(length) >= options.maxLength)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "generation starts with {} tokens; needs less than {}, the "
                  "maximum length",
                  length, options.maxLength);
}

void vitc::rt::checkPrompt(const vitc_model &model,
                           const std::vector<int64_t> &prompt) {
  const TensorDescriptor &scores =
      model.step.descriptor->outputs[model.descriptor.generation.scores];
  int64_t vocabulary = scores.dims[scores.rank - 1];
  for (int64_t token : prompt)
    if (token < 0 || token >= vocabulary)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the prompt has token {}; needs 0 to {}", token,
                    vocabulary - 1);
}

int64_t vitc::rt::countRows(const GenerationOptions &options, int64_t items) {
  return items * options.beams;
}

/// Scores may forbid a token by -inf, and must leave one.
static void checkScores(const float *scores, int64_t count) {
  bool anyFinite = false;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(scores[i]) || scores[i] == HUGE_VALF)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the model's score of token {} is {}; needs a finite "
                    "number, or -inf",
                    i, scores[i]);
    anyFinite |= std::isfinite(scores[i]);
  }
  if (!anyFinite)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the model's score of every token is -inf; needs one that is "
                  "finite");
}

namespace {
/// Steps of the model for the searches of all items, each with as many rows.
class Generator {
public:
  Generator(vitc_session &session, const GenerationInput &input,
            const GenerationOptions &options);

  std::vector<Generated> run(const TokenFn &onToken);

private:
  bool isDone() const {
    return std::all_of(searches.begin(), searches.end(),
                       [](const auto &search) { return search->isDone(); });
  }
  /// The last token of each row.
  std::vector<int64_t> getLastTokens() const;
  void advance(const float *logits);

  const GenerationDescriptor &model;
  std::vector<int64_t> prompt;
  int64_t beams;
  StepRunner steps;
  std::vector<std::unique_ptr<Search>> searches;
};
} // namespace

Generator::Generator(vitc_session &session, const GenerationInput &input,
                     const GenerationOptions &options)
    : model(session.getModel().descriptor.generation),
      prompt(makePrompt(model, input.prompt)), beams(options.beams),
      steps(session, input.inputs, input.outputs, input.items, options.beams) {
  ScoreRules rules(model, options, static_cast<int64_t>(prompt.size()));
  for (int64_t item = 0; item < input.items; ++item)
    searches.push_back(makeSearch(rules, prompt));
}

std::vector<int64_t> Generator::getLastTokens() const {
  std::vector<int64_t> tokens;
  for (const auto &search : searches)
    for (const Hypothesis &row : search->getRows())
      tokens.push_back(search->isDone() ? model.pad : row.tokens.back());
  return tokens;
}

void Generator::advance(const float *logits) {
  int64_t count = steps.getVocabularySize();
  std::vector<int64_t> sources;
  for (const auto &search : searches) {
    auto first = static_cast<int64_t>(sources.size());
    bool goesOn = !search->isDone();
    // What follows the padding behind a text that ended means nothing.
    for (int64_t row = first; goesOn && row < first + beams; ++row)
      checkScores(logits + row * count, count);
    if (goesOn)
      search->advance(logits + first * count, count);
    for (int64_t row = 0; row < beams; ++row)
      sources.push_back(first + (goesOn ? search->getSources()[row] : row));
  }
  if (!isDone())
    steps.reorder(sources);
}

std::vector<Generated> Generator::run(const TokenFn &onToken) {
  // All rows begin with the same tokens.
  auto rows = searches.size() * beams;
  for (size_t i = 0; i + 1 < prompt.size(); ++i)
    steps.run(std::vector<int64_t>(rows, prompt[i]));
  auto isEnd = [&](int64_t token) {
    const int64_t *end = model.end.tokens + model.end.count;
    return std::find(model.end.tokens, end, token) != end;
  };
  bool streams = onToken && searches.size() == 1 && beams == 1;
  while (!isDone()) {
    advance(steps.run(getLastTokens()));
    int64_t token = searches.front()->getRows().front().tokens.back();
    if (streams && !isEnd(token))
      onToken(token);
  }
  std::vector<Generated> results;
  for (const auto &search : searches) {
    Hypothesis best = search->getBest();
    Generated result;
    result.tokens.assign(best.tokens.begin() + prompt.size(),
                         best.tokens.end());
    result.score = best.score;
    result.tokenScores = best.tokenScores;
    if (!result.tokens.empty() && isEnd(result.tokens.back())) {
      result.tokens.pop_back();
      result.endScore = result.tokenScores.back();
      result.tokenScores.pop_back();
    }
    results.push_back(std::move(result));
  }
  if (onToken && !streams && results.size() == 1)
    std::for_each(results[0].tokens.begin(), results[0].tokens.end(), onToken);
  return results;
}

std::vector<Generated> vitc::rt::generate(vitc_session &session,
                                          const GenerationInput &input,
                                          const GenerationOptions &options,
                                          const TokenFn &onToken) {
  checkGeneration(session.getModel().descriptor.generation, options,
                  input.prompt);
  checkPrompt(session.getModel(), input.prompt);
  return Generator(session, input, options).run(onToken);
}
