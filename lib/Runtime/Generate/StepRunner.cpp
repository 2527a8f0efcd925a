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
                       const std::vector<KeptTensor> &encodeOutputs,
                       int64_t items, int64_t rowsPerItem,
                       const AttentionRequest *request)
    : session(session), entry(session.getModel().step), request(request),
      generation(session.getModel().descriptor.generation) {
  int64_t rows = items * rowsPerItem;
  int64_t fixed = getFixedRows(*entry.descriptor, generation.token);
  if (fixed != -1 && fixed != rows)
    throw Failure(VITC_UNSUPPORTED,
                  "{} items with {} beams are {} rows; the model was compiled "
                  "for a batch of {}",
                  items, rowsPerItem, rows, fixed);
  makeTensors(rows);
  for (int32_t i = 0; i < generation.numMemories; ++i) {
    const MemoryDescriptor &memory = generation.memories[i];
    fillMemory(memory,
               memory.output >= 0 ? encodeOutputs[memory.output]
                                  : keep(session, encodeInputs[memory.source]),
               items, rows);
  }
  for (int32_t i = 0; i < generation.numStates; ++i) {
    const StateDescriptor &state = generation.states[i];
    const TensorDescriptor &tensor = entry.descriptor->inputs[state.input];
    KeptTensor &kept = inputs[state.input].kept;
    kept = makeKept(session, tensor, rows);
    if (state.initial >= 0)
      copyRows(kept, encodeOutputs[state.initial], tensor, items);
    if (state.output >= 0)
      outputs[state.output].kept =
          makeKept(session, entry.descriptor->outputs[state.output], rows);
    states.push_back({state, {}});
  }
}

/// Arrays for what is not kept.
void StepRunner::makeTensors(int64_t rows) {
  const EntryDescriptor &step = *entry.descriptor;
  std::vector<bool> keptInputs(step.numInputs), keptOutputs(step.numOutputs);
  for (int32_t i = 0; i < generation.numMemories; ++i)
    keptInputs[generation.memories[i].input] = true;
  for (int32_t i = 0; i < generation.numStates; ++i) {
    const StateDescriptor &state = generation.states[i];
    keptInputs[state.input] = true;
    if (state.output >= 0)
      keptOutputs[state.output] = true;
  }
  inputs.resize(step.numInputs);
  outputs.resize(step.numOutputs);
  for (int32_t i = 0; i < step.numInputs; ++i)
    if (!keptInputs[i])
      inputs[i].array = makeArray(step.inputs[i], rows);
  for (int32_t i = 0; i < step.numOutputs; ++i)
    if (!keptOutputs[i])
      outputs[i].array = makeArray(step.outputs[i], rows);
}

static bool hasRows(const TensorDescriptor &tensor) {
  return tensor.rank > 0 && tensor.dims[0] == -1;
}

/// Steps only read a memory: one that fits is not copied.
void StepRunner::fillMemory(const MemoryDescriptor &memory,
                            const KeptTensor &source, int64_t items,
                            int64_t rows) {
  const TensorDescriptor &tensor = entry.descriptor->inputs[memory.input];
  KeptTensor &kept = inputs[memory.input].kept;
  if (!hasRows(tensor) || (source.view.dims[0] == rows && items == rows)) {
    kept = share(source, tensor, rows);
    return;
  }
  kept = makeKept(session, tensor, rows);
  copyRows(kept, source, tensor, items);
}

void StepRunner::copyRows(const KeptTensor &rows, const KeptTensor &source,
                          const TensorDescriptor &tensor, int64_t items) const {
  Executor &executor = session.getExecutor();
  if (!hasRows(tensor)) {
    KeptTensor whole = share(source, tensor, /*batch=*/1);
    return executor.copy(*rows.buffer, 0, *whole.buffer, 0, whole.bytes);
  }
  int64_t found = source.view.dims[0];
  if (found != items && found != 1)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "'{}' has {} items; the batch has {}, needs as many, or 1 "
                  "for all",
                  tensor.name, found, items);
  int64_t numRows = rows.view.dims[0], rowsPerItem = numRows / found;
  int64_t bytes = source.bytes / found;
  for (int64_t row = 0; row < numRows; ++row)
    executor.copy(*rows.buffer, row * bytes, *source.buffer,
                  row / rowsPerItem * bytes, bytes);
}

int64_t StepRunner::getVocabularySize() const {
  return outputs[generation.scores].array.dims.back();
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
  writeIntegers(inputs[generation.token].array, tokens.data(), tokens.size());
  if (generation.position >= 0)
    writeIntegers(inputs[generation.position].array, &position, 1);
  std::vector<vitc_tensor_t> in, out;
  for (StepTensor &input : inputs)
    in.push_back(input.view());
  for (StepTensor &output : outputs)
    out.push_back(output.view());
  const vitc_model &model = session.getModel();
  session.run(request ? model.attention : entry, in.data(), out.data(),
              request);
  // What is returned is what the next step takes.
  for (const State &state : states)
    if (state.descriptor.output >= 0)
      std::swap(inputs[state.descriptor.input].kept,
                outputs[state.descriptor.output].kept);
  ++position;
  return reinterpret_cast<const float *>(
      outputs[generation.scores].array.bytes.data());
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
  const vitc_tensor_t &view = inputs[state.input].kept.view;
  return state.output < 0 && state.initial < 0 && generation.position >= 0 &&
         view.rank == 3 && view.dims[1] == generation.maxLength;
}

void StepRunner::reorder(State &state, const std::vector<int64_t> &sources) {
  Executor &executor = session.getExecutor();
  KeptTensor &current = inputs[state.descriptor.input].kept;
  auto numRows = static_cast<int64_t>(sources.size());
  int64_t bytes = current.bytes / numRows, used = bytes;
  // Behind what is used both are zeros.
  if (isFilledByPosition(state.descriptor))
    used = std::min(bytes, bytes / current.view.dims[1] * position);
  if (!state.next.buffer)
    state.next =
        makeKept(session, entry.descriptor->inputs[state.descriptor.input],
                 current.view.dims[0]);
  for (int64_t row = 0; row < numRows; ++row)
    executor.copy(*state.next.buffer, row * bytes, *current.buffer,
                  sources[row] * bytes, used);
  std::swap(current, state.next);
}
