//===- StepRunner.h - Run a model token by token -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H
#define VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H

#include "Generate/KeptTensor.h"

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// The entry "step" with its states and the encoder's results for some rows,
/// which stay where the session's kernels run. The session must outlive it.
class StepRunner {
public:
  /// `encodeInputs` and `encodeOutputs` are of a run of "encode", both empty
  /// for a model without it. Each of its items becomes `rowsPerItem` rows, the
  /// states their first ones. Where there is a `request`, which must outlive
  /// this, it is the entry "attention" that runs. Throws Failure.
  StepRunner(vitc_session &session, const std::vector<NpyArray> &encodeInputs,
             const std::vector<KeptTensor> &encodeOutputs, int64_t items,
             int64_t rowsPerItem, const AttentionRequest *request = nullptr);

  /// Feeds a token for each row; returns the logits, `getVocabularySize()` for
  /// each row, of what follows. Valid until the next step.
  const float *run(const std::vector<int64_t> &tokens);
  /// Lets row i go on from the states of row sources[i].
  void reorder(const std::vector<int64_t> &sources);

  int64_t getVocabularySize() const;
  /// An output of the last step that is no state.
  const NpyArray &getOutput(int32_t index) const {
    return outputs[index].array;
  }

private:
  /// An input or output of the entry: what passes from one step to the next is
  /// kept, the rest is an array.
  struct StepTensor {
    vitc_tensor_t view() { return kept.buffer ? kept.view : array.tensor(); }

    NpyArray array;
    KeptTensor kept;
  };
  /// A state and memory for a copy of it in another order.
  struct State {
    StateDescriptor descriptor;
    KeptTensor next;
  };

  void makeTensors(int64_t rows);
  void fillMemory(const MemoryDescriptor &memory, const KeptTensor &source,
                  int64_t items, int64_t rows);
  /// Copies items, as many or one for all, to the rows of each.
  void copyRows(const KeptTensor &rows, const KeptTensor &source,
                const TensorDescriptor &tensor, int64_t items) const;
  bool isFilledByPosition(const StateDescriptor &state) const;
  void reorder(State &state, const std::vector<int64_t> &sources);

  vitc_session &session;
  const vitc_model::Entry &entry; // "step"
  const AttentionRequest *request;
  const GenerationDescriptor &generation;
  int64_t position = 0;
  std::vector<StepTensor> inputs, outputs;
  std::vector<State> states;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_STEPRUNNER_H
