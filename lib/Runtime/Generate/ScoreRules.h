//===- ScoreRules.h - What changes the scores of tokens ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_SCORERULES_H
#define VITC_LIB_RUNTIME_GENERATE_SCORERULES_H

#include "vitc/Runtime/Descriptor.h"

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// How tokens are chosen: the model's own way, of which a caller may change
/// some.
struct GenerationOptions {
  explicit GenerationOptions(const GenerationDescriptor &model)
      : beams(model.beams), minLength(model.minLength),
        maxLength(model.maxLength), lengthPenalty(model.lengthPenalty),
        earlyStopping(static_cast<EarlyStopping>(model.earlyStopping)) {}

  int32_t beams;
  int64_t minLength, maxLength; // tokens, the prompt's included
  double lengthPenalty;
  EarlyStopping earlyStopping;
};

/// Replaces the scores by their log softmax.
void makeLogProbabilities(float *scores, int64_t count);

/// The rules of #vit.generation, in its order.
class ScoreRules {
public:
  ScoreRules(const GenerationDescriptor &model,
             const GenerationOptions &options, int64_t promptLength)
      : model(model), options(options), promptLength(promptLength) {}

  /// Changes the scores of what may follow `tokens`.
  void apply(float *scores, int64_t count,
             const std::vector<int64_t> &tokens) const;
  /// Whether generation is over behind `tokens`, the last of them generated.
  bool isEnd(const std::vector<int64_t> &tokens) const;

  int64_t countEndTokens() const { return model.end.count; }
  int64_t getPromptLength() const { return promptLength; }
  const GenerationOptions &getOptions() const { return options; }

private:
  void penalizeRepetition(float *scores, int64_t count,
                          const std::vector<int64_t> &tokens) const;
  void forbidRepeatedNgrams(float *scores, int64_t count,
                            const std::vector<int64_t> &tokens) const;

  const GenerationDescriptor &model;
  GenerationOptions options;
  int64_t promptLength;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_SCORERULES_H
