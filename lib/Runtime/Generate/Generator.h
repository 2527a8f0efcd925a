//===- Generator.h - Generate tokens -------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_GENERATOR_H
#define VITC_LIB_RUNTIME_GENERATE_GENERATOR_H

#include "Generate/Search.h"
#include "Generate/StepRunner.h"

#include <functional>
#include <optional>

namespace vitc::rt {

/// What was generated for one item.
struct Generated {
  std::vector<int64_t> tokens; // behind the prompt; without the end token
  float score = 0;             // of Hypothesis
  /// The log probability of each token, and of the end token where one ends it:
  /// the score is their sum, divided by its length penalty.
  std::vector<float> tokenScores = {};
  std::optional<float> endScore = {};
};

/// Called with each token that is certain, of the only item.
using TokenFn = std::function<void(int64_t token)>;

/// What generation starts from.
struct GenerationInput {
  /// Of a run of "encode"; empty for a model without it.
  std::vector<NpyArray> inputs;
  std::vector<KeptTensor> outputs;
  int64_t items = 1;
  /// Tokens of the user's text, the same for all items.
  std::vector<int64_t> prompt = {};
};

/// Runs "encode", of a model that has it, on input.inputs of input.items and
/// makes input.outputs.
void runEncoder(vitc_session &session, GenerationInput &input);

/// All tokens that are fed before the first is chosen: the model's own, those
/// of the user's text.
std::vector<int64_t> makePrompt(const GenerationDescriptor &model,
                                const std::vector<int64_t> &text);

/// Throws Failure(VITC_INVALID_ARGUMENT) unless the model can generate so many
/// tokens from such a prompt with as many beams.
void checkGeneration(const GenerationDescriptor &model,
                     const GenerationOptions &options,
                     const std::vector<int64_t> &prompt);

/// Throws Failure(VITC_INVALID_ARGUMENT) unless the model knows these tokens.
void checkPrompt(const vitc_model &model, const std::vector<int64_t> &prompt);

/// The rows of the largest step.
int64_t countRows(const GenerationOptions &options, int64_t items);

/// Generates tokens for each item; the session's batch is countRows at least.
/// `onToken` may be null; beams tell their tokens at the end.
std::vector<Generated> generate(vitc_session &session,
                                const GenerationInput &input,
                                const GenerationOptions &options,
                                const TokenFn &onToken);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_GENERATOR_H
