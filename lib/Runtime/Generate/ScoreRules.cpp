//===- ScoreRules.cpp - What changes the scores of tokens -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/ScoreRules.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace vitc::rt;

static constexpr float kForbidden = -std::numeric_limits<float>::infinity();

static void forbid(float *scores, int64_t count, TokenList list) {
  for (int32_t i = 0; i < list.count; ++i)
    if (list.tokens[i] < count)
      scores[list.tokens[i]] = kForbidden;
}

static void force(float *scores, int64_t count, int64_t token) {
  std::fill(scores, scores + count, kForbidden);
  if (token < count)
    scores[token] = 0;
}

void vitc::rt::makeLogProbabilities(float *scores, int64_t count) {
  float greatest = *std::max_element(scores, scores + count);
  if (greatest == kForbidden)
    return;
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(scores[i] - greatest);
  auto logSum = static_cast<float>(std::log(sum));
  for (int64_t i = 0; i < count; ++i)
    scores[i] = scores[i] - greatest - logSum;
}

void ScoreRules::penalizeRepetition(float *scores, int64_t count,
                                    const std::vector<int64_t> &tokens) const {
  auto penalty = static_cast<float>(model.repetitionPenalty);
  std::vector<int64_t> seen = tokens;
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (int64_t token : seen)
    if (token < count)
      scores[token] =
          scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty;
}

/// Forbids each token that followed the last n - 1 tokens before.
void ScoreRules::forbidRepeatedNgrams(
    float *scores, int64_t count, const std::vector<int64_t> &tokens) const {
  int64_t before = model.noRepeatNgram - 1;
  auto length = static_cast<int64_t>(tokens.size());
  for (int64_t begin = 0; begin + before < length; ++begin) {
    int64_t next = tokens[begin + before];
    if (next < count &&
        std::equal(tokens.end() - before, tokens.end(), tokens.begin() + begin))
      scores[next] = kForbidden;
  }
}

void ScoreRules::apply(float *scores, int64_t count,
                       const std::vector<int64_t> &tokens) const {
  auto length = static_cast<int64_t>(tokens.size());
  if (model.repetitionPenalty != 1)
    penalizeRepetition(scores, count, tokens);
  if (model.noRepeatNgram > 0)
    forbidRepeatedNgrams(scores, count, tokens);
  forbid(scores, count, model.suppressed);
  if (length < options.minLength)
    forbid(scores, count, model.end);
  if (model.forcedFirst >= 0 && length == 1)
    force(scores, count, model.forcedFirst);
  if (model.forcedLast >= 0 && length == options.maxLength - 1)
    force(scores, count, model.forcedLast);
  bool isFirstForced = model.forcedFirst >= 0 && promptLength == 1;
  if (length == promptLength + isFirstForced)
    forbid(scores, count, model.beginSuppressed);
  if (model.renormalize)
    makeLogProbabilities(scores, count);
}

bool ScoreRules::isEnd(const std::vector<int64_t> &tokens) const {
  const int64_t *end = model.end.tokens + model.end.count;
  return static_cast<int64_t>(tokens.size()) >= options.maxLength ||
         std::find(model.end.tokens, end, tokens.back()) != end;
}
