//===- AttentionTrace.cpp - What generated tokens attend to ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/AttentionTrace.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;

static bool contains(const std::function<bool(int64_t)> &numbers,
                     int64_t number) {
  return !numbers || numbers(number);
}

static int64_t countKeys(const TokenGrid &grid) {
  return grid.prefix + int64_t{grid.height} * grid.width;
}

/// Of the output of "step" that says how much each key counts.
static AttentionSource getOutputSource(const vitc_model &model) {
  const GenerationDescriptor &generation = model.descriptor.generation;
  const TensorDescriptor &output =
      model.step.descriptor->outputs[generation.attention];
  int64_t patches = countKeys(generation.attentionGrid), trailing = 1;
  for (int32_t d = output.rank - 1; d > 0 && trailing < patches; --d)
    trailing *= output.dims[d];
  if (patches > 0 && trailing == patches)
    return {patches, generation.attentionGrid};
  AttentionSource source{1, {}};
  for (int32_t d = 1; d < output.rank; ++d)
    if (output.dims[d] != 1)
      source.keys = output.dims[d];
  return source;
}

AttentionSource vitc::rt::getAttentionSource(const vitc_model &model,
                                             const AttentionChoice &choice) {
  if (model.descriptor.generation.attention >= 0)
    return getOutputSource(model);
  const AttentionDescriptor &attention = model.descriptor.attention;
  if (attention.numLayers == 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's step attends to no source; needs one that does, "
                  "compiled with its attention maps");
  const AttentionLayerDescriptor *first = nullptr;
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    if (!contains(choice.layers, layer.number))
      continue;
    first = first ? first : &layer;
    if (layer.projection >= 0 || layer.windows != 1)
      throw Failure(VITC_UNSUPPORTED,
                    "attention layer {} has projected keys or {} windows; "
                    "needs one that attends to the whole source",
                    layer.number, layer.windows);
    if (layer.keys != first->keys)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "attention layer {} has {} keys and layer {} has {}; needs "
                    "layers with the same",
                    layer.number, layer.keys, first->number, first->keys);
  }
  if (!first)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "none of the {} attention layers was chosen; needs one",
                  attention.numLayers);
  if (countKeys(first->keyGrid) > first->keys)
    return {first->keys, {}};
  return {first->keys, first->keyGrid};
}

namespace {
/// Runs the steps again and collects what they attend to.
class AttentionTrace {
public:
  AttentionTrace(vitc_session &session, const GenerationInput &input,
                 const GenerationOptions &options,
                 const AttentionChoice &choice);

  std::vector<NpyArray> run(const std::vector<Generated> &generated);

private:
  void allocateMaps(int64_t rows);
  /// Adds heads [heads, keys], one behind the other, to `sums`.
  int64_t addHeads(const float *maps, int64_t heads,
                   std::vector<double> &sums) const;
  /// What row `row` attended to in the last step.
  std::vector<float> readRow(int64_t row) const;

  const vitc_model &model;
  const AttentionChoice &choice;
  AttentionSource source;
  std::vector<int64_t> prompt;
  int64_t items, rowsPerItem;
  std::vector<NpyArray> maps; // of the layers
  std::vector<vitc_selection_t> selections;
  std::vector<vitc_tensor_t> tensors;
  AttentionRequest request = {};
  StepRunner steps;
};
} // namespace

/// All beams of an item would go the same way: one is enough, unless the step
/// is compiled for the rows of the search.
static int64_t countRowsPerItem(const vitc_model &model,
                                const GenerationOptions &options) {
  int32_t token = model.descriptor.generation.token;
  bool takesAny = model.step.descriptor->inputs[token].dims[0] == -1;
  return takesAny ? 1 : options.beams;
}

AttentionTrace::AttentionTrace(vitc_session &session,
                               const GenerationInput &input,
                               const GenerationOptions &options,
                               const AttentionChoice &choice)
    : model(session.getModel()), choice(choice),
      source(getAttentionSource(model, choice)),
      prompt(makePrompt(model.descriptor.generation, input.prompt)),
      items(input.items), rowsPerItem(countRowsPerItem(model, options)),
      steps(session, input.inputs, input.outputs, items, rowsPerItem,
            model.descriptor.generation.attention >= 0 ? nullptr : &request) {
  if (model.descriptor.generation.attention < 0)
    allocateMaps(items * rowsPerItem);
}

void AttentionTrace::allocateMaps(int64_t rows) {
  const AttentionDescriptor &attention = model.descriptor.attention;
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    bool isChosen = contains(choice.layers, layer.number);
    selections.push_back({isChosen ? layer.queries - 1 : 0, isChosen});
    int64_t dims[] = {rows, layer.windows, layer.heads, isChosen, layer.keys};
    maps.push_back(makeArray({layer.name, dims, 5, VITC_F32}, rows));
  }
  for (NpyArray &map : maps)
    tensors.push_back(map.tensor());
  request = {selections.data(), tensors.data()};
}

int64_t AttentionTrace::addHeads(const float *heads, int64_t numHeads,
                                 std::vector<double> &sums) const {
  int64_t added = 0;
  for (int64_t head = 0; head < numHeads; ++head) {
    if (!contains(choice.heads, head))
      continue;
    const float *map = heads + head * source.keys;
    for (int64_t key = 0; key < source.keys; ++key)
      sums[key] += map[key];
    ++added;
  }
  return added;
}

std::vector<float> AttentionTrace::readRow(int64_t row) const {
  std::vector<double> sums(source.keys);
  int64_t added = 0;
  auto add = [&](const NpyArray &array, int64_t rows, int64_t numHeads) {
    const auto *values = reinterpret_cast<const float *>(
        array.bytes.data() + array.bytes.size() / rows * row);
    added += addHeads(values, numHeads, sums);
  };
  const AttentionDescriptor &attention = model.descriptor.attention;
  if (int32_t output = model.descriptor.generation.attention; output >= 0) {
    const NpyArray &array = steps.getOutput(output);
    int64_t rows = array.dims[0];
    int64_t size = array.bytes.size() / sizeof(float) / rows;
    add(array, rows, size / source.keys);
  } else {
    for (int32_t i = 0; i < attention.numLayers; ++i)
      if (selections[i].count > 0)
        add(maps[i], items * rowsPerItem, attention.layers[i].heads);
  }
  if (added == 0)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "none of the attention heads was chosen; needs one");
  std::vector<float> mean;
  for (double sum : sums)
    mean.push_back(static_cast<float>(sum / static_cast<double>(added)));
  return mean;
}

std::vector<NpyArray>
AttentionTrace::run(const std::vector<Generated> &generated) {
  if (static_cast<int64_t>(generated.size()) != items)
    throw Failure(VITC_INTERNAL,
                  "{} texts were generated for {} items; needs one for each",
                  generated.size(), items);
  auto before = static_cast<int64_t>(prompt.size()) - 1;
  int64_t longest = 0;
  std::vector<NpyArray> results;
  for (const Generated &item : generated) {
    auto length = static_cast<int64_t>(item.tokens.size());
    longest = std::max(longest, length);
    results.push_back({VITC_F32, {length, source.keys}, {}});
  }
  auto getToken = [&](const Generated &item, int64_t position) {
    if (position <= before)
      return prompt[position];
    auto index = static_cast<size_t>(position - before - 1);
    return index < item.tokens.size() ? item.tokens[index]
                                      : model.descriptor.generation.pad;
  };
  for (int64_t position = 0; position < before + longest; ++position) {
    std::vector<int64_t> tokens;
    for (const Generated &item : generated)
      tokens.insert(tokens.end(), rowsPerItem, getToken(item, position));
    steps.run(tokens);
    for (int64_t item = 0; position >= before && item < items; ++item) {
      NpyArray &result = results[item];
      if (position - before >= result.dims[0])
        continue;
      std::vector<float> row = readRow(item * rowsPerItem);
      const auto *bytes = reinterpret_cast<const uint8_t *>(row.data());
      result.bytes.insert(result.bytes.end(), bytes,
                          bytes + row.size() * sizeof(float));
    }
  }
  return results;
}

std::vector<NpyArray>
vitc::rt::traceAttention(vitc_session &session, const GenerationInput &input,
                         const GenerationOptions &options,
                         const std::vector<Generated> &generated,
                         const AttentionChoice &choice) {
  return AttentionTrace(session, input, options, choice).run(generated);
}
