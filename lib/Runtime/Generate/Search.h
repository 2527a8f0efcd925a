//===- Search.h - Which tokens follow ------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_SEARCH_H
#define VITC_LIB_RUNTIME_GENERATE_SEARCH_H

#include "Generate/ScoreRules.h"

#include <memory>

namespace vitc::rt {

/// Tokens, the prompt's first, and how likely they are: the sum of the log
/// probabilities of what was generated, divided by its length to the power of
/// the length penalty.
struct Hypothesis {
  std::vector<int64_t> tokens;
  float score = 0;
  /// The log probability of each token behind the prompt.
  std::vector<float> tokenScores = {};
};

/// Chooses the tokens of one item. Each step of the model gives scores for each
/// of the search's rows, of which each has its own tokens so far.
class Search {
public:
  virtual ~Search() = default;

  /// Chooses what follows, given `count` logits for each row.
  virtual void advance(const float *logits, int64_t count) = 0;
  virtual bool isDone() const = 0;
  /// The likeliest tokens, once the search is done.
  virtual Hypothesis getBest() const = 0;

  /// The tokens of each row. A search that is done has rows of no meaning.
  const std::vector<Hypothesis> &getRows() const { return rows; }
  /// The row that each row went on from in the last step.
  const std::vector<int32_t> &getSources() const { return sources; }

protected:
  explicit Search(ScoreRules rules) : rules(std::move(rules)) {}

  ScoreRules rules;
  std::vector<Hypothesis> rows;
  std::vector<int32_t> sources;
};

/// Takes the likeliest token each time.
class GreedySearch final : public Search {
public:
  GreedySearch(const ScoreRules &rules, const std::vector<int64_t> &prompt);

  void advance(const float *logits, int64_t count) override;
  bool isDone() const override { return done; }
  Hypothesis getBest() const override;

private:
  bool done = false;
};

/// Keeps the likeliest continuations of all rows.
class BeamSearch final : public Search {
public:
  BeamSearch(const ScoreRules &rules, const std::vector<int64_t> &prompt);

  void advance(const float *logits, int64_t count) override;
  bool isDone() const override { return done; }
  Hypothesis getBest() const override;

private:
  /// A row and the token that goes on from it.
  struct Candidate {
    int32_t row;
    int64_t token;
    float tokenScore; // of the token alone
    float score;
    bool ends = false;
  };

  std::vector<Candidate> chooseCandidates(const float *logits, int64_t count);
  /// Keeps the best hypotheses among those known and those that end.
  void finish(const std::vector<Candidate> &candidates);
  void goOn(const std::vector<Candidate> &candidates);
  /// The candidate's row and token.
  Hypothesis extend(const Candidate &candidate) const;
  bool canImprove() const;
  bool isFull() const { return finished.size() == rows.size(); }
  /// Divides by the length penalty of `length` tokens behind the prompt.
  float normalize(float score, int64_t length) const;

  std::vector<Hypothesis> finished; // the best first
  bool done = false;
};

/// The search for the number of beams in the options.
std::unique_ptr<Search> makeSearch(const ScoreRules &rules,
                                   const std::vector<int64_t> &prompt);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_SEARCH_H
