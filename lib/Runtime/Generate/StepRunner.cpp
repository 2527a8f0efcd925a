//===- StepRunner.cpp - Run a model token by token ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/StepRunner.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;

/// The number of rows that an entry is compiled for, -1: any.
static int64_t getFixedRows(const EntryDescriptor &entry, int32_t token) {
  return entry.inputs[token].dims[0];
}

StepRunner::StepRunner(vitc_session &session,
                       const std::vector<NpyArray> &encodeInputs,
                       const std::vector<NpyArray> &encodeOutputs,
                       int64_t items, int64_t rowsPerItem,
                       const AttentionRequest *request)
    : session(session), entry(session.getModel().step), request(request),
      generation(session.getModel().descriptor.generation) {
  const EntryDescriptor &step = *entry.descriptor;
  int64_t rows = items * rowsPerItem;
  int64_t fixed = getFixedRows(step, generation.token);
  if (fixed != -1 && fixed != rows)
    throw Failure(VITC_UNSUPPORTED,
                  "{} items with {} beams are {} rows; the model was compiled "
                  "for a batch of {}",
                  items, rowsPerItem, rows, fixed);
  for (int32_t i = 0; i < step.numInputs; ++i)
    inputs.push_back(makeArray(step.inputs[i], rows));
  for (int32_t i = 0; i < step.numOutputs; ++i)
    outputs.push_back(makeArray(step.outputs[i], rows));
  for (int32_t i = 0; i < generation.numMemories; ++i) {
    const MemoryDescriptor &memory = generation.memories[i];
    fillRows(inputs[memory.input],
             memory.output >= 0 ? encodeOutputs[memory.output]
                                : encodeInputs[memory.source],
             step.inputs[memory.input], items);
  }
  for (int32_t i = 0; i < generation.numStates; ++i) {
    const StateDescriptor &state = generation.states[i];
    if (state.initial >= 0)
      fillRows(inputs[state.input], encodeOutputs[state.initial],
               step.inputs[state.input], items);
    states.push_back({state, {}});
  }
}

void StepRunner::fillRows(NpyArray &rows, const NpyArray &source,
                          const TensorDescriptor &tensor, int64_t items) const {
  bool hasRows = tensor.rank > 0 && tensor.dims[0] == -1;
  if (!hasRows) {
    rows.bytes = source.bytes;
    return;
  }
  int64_t found = source.dims[0];
  if (found != items && found != 1)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "'{}' has {} items; the batch has {}, needs as many, or 1 "
                  "for all",
                  tensor.name, found, items);
  int64_t rowsPerItem = rows.dims[0] / found;
  size_t bytes = source.bytes.size() / found;
  for (int64_t row = 0; row < rows.dims[0]; ++row)
    std::memcpy(rows.bytes.data() + row * bytes,
                source.bytes.data() + row / rowsPerItem * bytes, bytes);
}

int64_t StepRunner::getVocabularySize() const {
  return outputs[generation.scores].dims.back();
}

/// Writes integers to an array of i32 or i64.
static void writeIntegers(NpyArray &array, const int64_t *values,
                          size_t count) {
  for (size_t i = 0; i < count; ++i) {
    auto narrow = static_cast<int32_t>(values[i]);
    if (array.dtype == VITC_I32)
      std::memcpy(array.bytes.data() + i * sizeof(narrow), &narrow,
                  sizeof(narrow));
    else
      std::memcpy(array.bytes.data() + i * sizeof(int64_t), values + i,
                  sizeof(int64_t));
  }
}

const float *StepRunner::run(const std::vector<int64_t> &tokens) {
  writeIntegers(inputs[generation.token], tokens.data(), tokens.size());
  if (generation.position >= 0)
    writeIntegers(inputs[generation.position], &position, 1);
  std::vector<vitc_tensor_t> in, out;
  for (NpyArray &input : inputs)
    in.push_back(input.tensor());
  for (NpyArray &output : outputs)
    out.push_back(output.tensor());
  const vitc_model &model = session.getModel();
  session.run(request ? model.attention : entry, in.data(), out.data(),
              request);
  // What is returned is what the next step takes.
  for (const State &state : states)
    if (state.descriptor.output >= 0)
      inputs[state.descriptor.input].bytes.swap(
          outputs[state.descriptor.output].bytes);
  ++position;
  return reinterpret_cast<const float *>(
      outputs[generation.scores].bytes.data());
}

void StepRunner::reorder(const std::vector<int64_t> &sources) {
  bool isIdentity = true;
  for (size_t row = 0; row < sources.size(); ++row)
    isIdentity &= sources[row] == static_cast<int64_t>(row);
  if (isIdentity)
    return;
  for (State &state : states)
    reorder(state, sources);
}

/// Whether a state is a cache [rows, tokens, channels] that began as zeros, has
/// room for the tokens one by one and no more, and is behind the last token
/// zeros still.
bool StepRunner::isFilledByPosition(const StateDescriptor &state) const {
  const std::vector<int64_t> &dims = inputs[state.input].dims;
  return state.output < 0 && state.initial < 0 && generation.position >= 0 &&
         dims.size() == 3 && dims[1] == generation.maxLength;
}

void StepRunner::reorder(State &state, const std::vector<int64_t> &sources) {
  NpyArray &current = inputs[state.descriptor.input];
  if (state.next.bytes.empty())
    state.next = current;
  size_t bytes = current.bytes.size() / sources.size(), used = bytes;
  if (isFilledByPosition(state.descriptor))
    used = std::min(bytes,
                    bytes / current.dims[1] * static_cast<size_t>(position));
  for (size_t row = 0; row < sources.size(); ++row)
    std::memcpy(state.next.bytes.data() + row * bytes,
                current.bytes.data() + sources[row] * bytes, used);
  current.bytes.swap(state.next.bytes);
}
