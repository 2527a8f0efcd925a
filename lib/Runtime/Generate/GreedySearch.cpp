//===- GreedySearch.cpp - The likeliest token each time -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/Search.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;

GreedySearch::GreedySearch(const ScoreRules &rules,
                           const std::vector<int64_t> &prompt)
    : Search(rules) {
  rows = {{prompt, 0}};
  sources = {0};
}

void GreedySearch::advance(const float *logits, int64_t count) {
  Hypothesis &row = rows.front();
  std::vector<float> scores(logits, logits + count);
  rules.apply(scores.data(), count, row.tokens);
  auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  std::vector<float> probabilities(logits, logits + count);
  makeLogProbabilities(probabilities.data(), count);
  row.score += probabilities[best];
  row.tokenScores.push_back(probabilities[best]);
  row.tokens.push_back(best);
  done = rules.isEnd(row.tokens);
}

Hypothesis GreedySearch::getBest() const {
  Hypothesis best = rows.front();
  auto length =
      static_cast<double>(best.tokens.size() - rules.getPromptLength());
  best.score /=
      static_cast<float>(std::pow(length, rules.getOptions().lengthPenalty));
  return best;
}

std::unique_ptr<Search>
vitc::rt::makeSearch(const ScoreRules &rules,
                     const std::vector<int64_t> &prompt) {
  if (rules.getOptions().beams == 1)
    return std::make_unique<GreedySearch>(rules, prompt);
  return std::make_unique<BeamSearch>(rules, prompt);
}
