//===- StepRunner.h - Run a model token by token -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H
#define VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H

#include "Npy.h"
#include "Session.h"

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// The entry "step" with its states and the encoder's results for some rows.
class StepRunner {
public:
  /// The arrays are the inputs and outputs of a run of "encode", both empty for
  /// a model without it. Each of its items becomes `rowsPerItem` rows, the
  /// states their first ones. Where there is a `request`, which must outlive
  /// this, it is the entry "attention" that runs. Throws Failure.
  StepRunner(vitc_session &session, const std::vector<NpyArray> &inputs,
             const std::vector<NpyArray> &outputs, int64_t items,
             int64_t rowsPerItem, const AttentionRequest *request = nullptr);

  /// Feeds a token for each row; returns the logits, `getVocabularySize()` for
  /// each row, of what follows. Valid until the next step.
  const float *run(const std::vector<int64_t> &tokens);
  /// Lets row i go on from the states of row sources[i].
  void reorder(const std::vector<int64_t> &sources);

  int64_t getVocabularySize() const;
  /// An output of the last step.
  const NpyArray &getOutput(int32_t index) const { return outputs[index]; }

private:
  /// A state and memory for the next one, or for a copy in another order.
  struct State {
    StateDescriptor descriptor;
    NpyArray next;
  };

  /// `source`, of as many items or of one for all, for the rows of each item.
  void fillRows(NpyArray &rows, const NpyArray &source,
                const TensorDescriptor &tensor, int64_t items) const;
  bool isFilledByPosition(const StateDescriptor &state) const;
  void reorder(State &state, const std::vector<int64_t> &sources);

  vitc_session &session;
  const vitc_model::Entry &entry; // "step"
  const AttentionRequest *request;
  const GenerationDescriptor &generation;
  int64_t position = 0;
  std::vector<NpyArray> inputs, outputs;
  std::vector<State> states;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H
