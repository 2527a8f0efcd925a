//===- SearchTest.cpp - Greedy and beam search ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Against transformers' generate() on a toy model, which generation_cases.py
// recorded.
//
//===----------------------------------------------------------------------===//

#include "Generate/Search.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace vitc::rt;

static constexpr int64_t kVocabulary = 11, kMaxLength = 12;
static constexpr float kNoScore = 1;

namespace {
struct Case {
  int64_t seed;
  std::vector<int64_t> prompt, end, suppressed, beginSuppressed;
  int32_t beams;
  EarlyStopping earlyStopping;
  int64_t minLength, noRepeatNgram, forcedFirst, forcedLast;
  bool renormalize;
  double lengthPenalty, repetitionPenalty;
  // What transformers generates behind the prompt, and its score with beams.
  std::vector<int64_t> tokens;
  float score;
};
} // namespace

static const Case kCases[] = {
#include "GenerationCases.inc"
};

static TokenList listOf(const std::vector<int64_t> &tokens) {
  return {tokens.data(), static_cast<int32_t>(tokens.size())};
}

static GenerationDescriptor makeDescriptor(const Case &c) {
  GenerationDescriptor model = {};
  model.start = listOf(c.prompt);
  model.end = listOf(c.end);
  model.suppressed = listOf(c.suppressed);
  model.beginSuppressed = listOf(c.beginSuppressed);
  model.maxLength = kMaxLength;
  model.minLength = c.minLength;
  model.forcedFirst = c.forcedFirst;
  model.forcedLast = c.forcedLast;
  model.noRepeatNgram = c.noRepeatNgram;
  model.beams = c.beams;
  model.earlyStopping = static_cast<int32_t>(c.earlyStopping);
  model.renormalize = c.renormalize;
  model.lengthPenalty = c.lengthPenalty;
  model.repetitionPenalty = c.repetitionPenalty;
  return model;
}

/// The toy's logits behind `tokens`.
static void addLogits(int64_t seed, const std::vector<int64_t> &tokens,
                      std::vector<float> &logits) {
  int64_t place = static_cast<int64_t>(tokens.size()) - 1;
  for (int64_t token = 0; token < kVocabulary; ++token) {
    int64_t number = seed * 15485863 + place * 1299709 + tokens.back() * 7919 +
                     token * 104729;
    logits.push_back(static_cast<float>(number % 1009 / 100.0));
  }
}

static Hypothesis search(const Case &c) {
  GenerationDescriptor model = makeDescriptor(c);
  ScoreRules rules(model, GenerationOptions(model),
                   static_cast<int64_t>(c.prompt.size()));
  std::unique_ptr<Search> search = makeSearch(rules, c.prompt);
  while (!search->isDone()) {
    std::vector<float> logits;
    for (const Hypothesis &row : search->getRows())
      addLogits(c.seed, row.tokens, logits);
    search->advance(logits.data(), kVocabulary);
  }
  Hypothesis best = search->getBest();
  best.tokens.erase(best.tokens.begin(), best.tokens.begin() + c.prompt.size());
  return best;
}

TEST(Search, ChoosesWhatTransformersDoes) {
  for (const Case &c : kCases) {
    Hypothesis best = search(c);
    size_t number = &c - kCases;
    EXPECT_EQ(best.tokens, c.tokens) << "case " << number;
    if (c.score != kNoScore)
      EXPECT_NEAR(best.score, c.score, 1e-5 * std::fabs(c.score))
          << "case " << number;
  }
}

TEST(Search, TokensHaveTheScoresThatTheirSumIsMadeOf) {
  for (const Case &c : kCases) {
    Hypothesis best = search(c);
    size_t number = &c - kCases;
    ASSERT_EQ(best.tokenScores.size(), best.tokens.size()) << "case " << number;
    double sum = 0;
    for (float score : best.tokenScores)
      sum += score;
    if (!std::isfinite(sum))
      continue; // all tokens were forbidden
    double penalty = std::pow(best.tokens.size(), c.lengthPenalty);
    EXPECT_NEAR(best.score, sum / penalty, 1e-4 * std::fabs(sum / penalty))
        << "case " << number;
  }
}

// The model's scores may leave one token alone.
TEST(Search, BeamsGoOnWithOneToken) {
  Case c = kCases[0];
  c.beams = 3;
  c.suppressed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(search(c).tokens, std::vector<int64_t>(11, 10));
}

// Nothing ended before no row could become better: all tokens are forbidden, or
// the penalty makes every score too low.
TEST(Search, BeamsEndWithoutAHypothesis) {
  Case c = kCases[0];
  c.beams = 3;
  c.suppressed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_FALSE(search(c).tokens.empty());
  c.suppressed = {};
  c.lengthPenalty = -60;
  EXPECT_FALSE(search(c).tokens.empty());
}

// A row's source is the row whose tokens it begins with.
TEST(Search, BeamsTellTheirSources) {
  Case c = kCases[0];
  c.beams = 3;
  GenerationDescriptor model = makeDescriptor(c);
  ScoreRules rules(model, GenerationOptions(model), 1);
  std::unique_ptr<Search> search = makeSearch(rules, c.prompt);
  while (true) {
    std::vector<Hypothesis> before = search->getRows();
    std::vector<float> logits;
    for (const Hypothesis &row : before)
      addLogits(c.seed, row.tokens, logits);
    search->advance(logits.data(), kVocabulary);
    if (search->isDone())
      break;
    for (size_t row = 0; row < before.size(); ++row) {
      std::vector<int64_t> tokens = search->getRows()[row].tokens;
      tokens.pop_back();
      EXPECT_EQ(tokens, before[search->getSources()[row]].tokens);
    }
  }
}
