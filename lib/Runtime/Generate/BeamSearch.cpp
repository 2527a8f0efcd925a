//===- BeamSearch.cpp - The likeliest continuations of all rows -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of all tokens behind all rows, the best few go on, or end and become
// hypotheses. Scores are f32 and -1e9 marks what is out of the question, as in
// transformers' generate, so that both choose the same.
//
//===----------------------------------------------------------------------===//

#include "Generate/Search.h"

#include <algorithm>
#include <cmath>

using namespace vitc::rt;

static constexpr float kImpossible = -1e9F;

BeamSearch::BeamSearch(const ScoreRules &rules,
                       const std::vector<int64_t> &prompt)
    : Search(rules) {
  int32_t beams = rules.getOptions().beams;
  // The first step goes on from row 0 alone: all are equal.
  rows.assign(beams, {prompt, kImpossible});
  rows.front().score = 0;
  sources.assign(beams, 0);
}

float BeamSearch::normalize(float score, int64_t length) const {
  return score / static_cast<float>(std::pow(static_cast<double>(length),
                                             rules.getOptions().lengthPenalty));
}

/// The best continuations of all rows, the best first: so many that enough are
/// left when some end.
std::vector<BeamSearch::Candidate>
BeamSearch::chooseCandidates(const float *logits, int64_t count) {
  auto isBetter = [](const Candidate &a, const Candidate &b) {
    if (a.score != b.score)
      return a.score > b.score;
    return std::pair(a.row, a.token) < std::pair(b.row, b.token);
  };
  auto kept = static_cast<size_t>(
      std::max<int64_t>(2, 1 + rules.countEndTokens()) * rows.size());
  std::vector<Candidate> candidates; // a heap, the worst first
  std::vector<float> scores(count);
  for (size_t row = 0; row < rows.size(); ++row) {
    std::copy_n(logits + row * count, count, scores.begin());
    makeLogProbabilities(scores.data(), count);
    rules.apply(scores.data(), count, rows[row].tokens);
    for (int64_t token = 0; token < count; ++token) {
      Candidate candidate = {static_cast<int32_t>(row), token, scores[token],
                             scores[token] + rows[row].score};
      if (candidates.size() == kept) {
        if (!isBetter(candidate, candidates.front()))
          continue;
        std::pop_heap(candidates.begin(), candidates.end(), isBetter);
        candidates.pop_back();
      }
      candidates.push_back(candidate);
      std::push_heap(candidates.begin(), candidates.end(), isBetter);
    }
  }
  std::sort_heap(candidates.begin(), candidates.end(), isBetter);
  for (Candidate &candidate : candidates) {
    std::vector<int64_t> tokens = rows[candidate.row].tokens;
    tokens.push_back(candidate.token);
    candidate.ends = rules.isEnd(tokens);
  }
  return candidates;
}

Hypothesis BeamSearch::extend(const Candidate &candidate) const {
  Hypothesis hypothesis = rows[candidate.row];
  hypothesis.tokens.push_back(candidate.token);
  hypothesis.tokenScores.push_back(candidate.tokenScore);
  hypothesis.score = candidate.score;
  return hypothesis;
}

void BeamSearch::finish(const std::vector<Candidate> &candidates) {
  if (isFull() && rules.getOptions().earlyStopping == EarlyStopping::On)
    return;
  // The others are there to go on when these end.
  for (size_t i = 0; i < std::min(rows.size(), candidates.size()); ++i) {
    const Candidate &candidate = candidates[i];
    if (!candidate.ends)
      continue;
    Hypothesis hypothesis = extend(candidate);
    auto length = static_cast<int64_t>(hypothesis.tokens.size());
    hypothesis.score =
        normalize(hypothesis.score, length - rules.getPromptLength());
    auto place = std::upper_bound(finished.begin(), finished.end(), hypothesis,
                                  [](const Hypothesis &a, const Hypothesis &b) {
                                    return a.score > b.score;
                                  });
    finished.insert(place, std::move(hypothesis));
  }
  finished.resize(std::min(finished.size(), rows.size()));
}

void BeamSearch::goOn(const std::vector<Candidate> &candidates) {
  // What ends comes last: it is there for want of others alone.
  std::vector<Candidate> ordered;
  for (bool ends : {false, true})
    for (const Candidate &candidate : candidates)
      if (candidate.ends == ends) {
        ordered.push_back(candidate);
        ordered.back().score += ends ? kImpossible : 0;
      }
  std::vector<Hypothesis> next;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Candidate &candidate = ordered[std::min(i, ordered.size() - 1)];
    next.push_back(extend(candidate));
    sources[i] = candidate.row;
  }
  rows = std::move(next);
}

/// Whether the best row could become better than the worst hypothesis. As
/// transformers has it, `off` asks for its score now, though a longer one may
/// have a better score.
bool BeamSearch::canImprove() const {
  const GenerationOptions &options = rules.getOptions();
  auto length = static_cast<int64_t>(rows.front().tokens.size());
  if (options.earlyStopping == EarlyStopping::Never &&
      options.lengthPenalty > 0)
    length = options.maxLength;
  float best = normalize(rows.front().score, length - rules.getPromptLength());
  return best > (isFull() ? finished.back().score : kImpossible);
}

/// Without a hypothesis that ended, the row that stands best.
Hypothesis BeamSearch::getBest() const {
  if (!finished.empty())
    return finished.front();
  Hypothesis best = rows.front();
  auto length = static_cast<int64_t>(best.tokens.size());
  best.score = normalize(best.score, length - rules.getPromptLength());
  return best;
}

void BeamSearch::advance(const float *logits, int64_t count) {
  std::vector<Candidate> candidates = chooseCandidates(logits, count);
  finish(candidates);
  bool allEnd = std::all_of(candidates.begin(), candidates.end(),
                            [](const Candidate &c) { return c.ends; });
  goOn(candidates);
  bool stopsEarly =
      isFull() && rules.getOptions().earlyStopping == EarlyStopping::On;
  done = allEnd || stopsEarly || !canImprove();
}
