//===- EntryTensors.cpp - Memory for a run's tensors ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/EntryTensors.h"

#include "Program/Options.h"
#include "Status.h"
#include "Tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

using namespace vitc::rt;

static std::vector<NpyArray> makeArrays(const TensorDescriptor *tensors,
                                        int32_t count, int64_t batch) {
  std::vector<NpyArray> arrays;
  for (int32_t i = 0; i < count; ++i)
    arrays.push_back(makeArray(tensors[i], batch));
  return arrays;
}

EntryTensors::EntryTensors(const EntryDescriptor &entry, int64_t batch)
    : inputs(makeArrays(entry.inputs, entry.numInputs, batch)),
      outputs(makeArrays(entry.outputs, entry.numOutputs, batch)) {}

/// Copies `value` into every element.
template <typename T> static void fill(std::vector<uint8_t> &bytes, T value) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T))
    std::memcpy(bytes.data() + i, &value, sizeof(T));
}

template <typename T>
static void fillRandom(std::vector<uint8_t> &bytes, std::mt19937 &engine) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    // 24 bits fit a float exactly.
    T value = static_cast<T>(engine() >> 8) / (1 << 23) - 1;
    std::memcpy(bytes.data() + i, &value, sizeof(T));
  }
}

void EntryTensors::fillSynthetic() {
  std::mt19937 engine; // its default seed is fixed by the standard
  for (NpyArray &input : inputs) {
    switch (input.dtype) {
    case VITC_F32:
      fillRandom<float>(input.bytes, engine);
      break;
    case VITC_F64:
      fillRandom<double>(input.bytes, engine);
      break;
    case VITC_F16:
      fill<uint16_t>(input.bytes, 0x3800); // 0.5
      break;
    case VITC_BF16:
      fill<uint16_t>(input.bytes, 0x3F00); // 0.5
      break;
    case VITC_I8:
    case VITC_U8:
    case VITC_BOOL:
      fill<uint8_t>(input.bytes, 1);
      break;
    case VITC_I16:
    case VITC_U16:
      fill<uint16_t>(input.bytes, 1);
      break;
    case VITC_I32:
    case VITC_U32:
      fill<uint32_t>(input.bytes, 1);
      break;
    case VITC_I64:
    case VITC_U64:
      fill<uint64_t>(input.bytes, 1);
      break;
    }
  }
}

void EntryTensors::run(vitc_session &session, const AttentionRequest *request) {
  const vitc_model &model = session.getModel();
  run(session, request ? model.requireAttention() : model.main, request);
}

void EntryTensors::run(vitc_session &session, const vitc_model::Entry &entry,
                       const AttentionRequest *request) {
  std::vector<vitc_tensor_t> inputViews, outputViews;
  for (NpyArray &input : inputs)
    inputViews.push_back(input.tensor());
  for (NpyArray &output : outputs)
    outputViews.push_back(output.tensor());
  session.run(entry, inputViews.data(), outputViews.data(), request);
}

/// The first `count` positions of a dimension.
static NpyArray takeFirst(const NpyArray &array, int32_t dim, int64_t count) {
  NpyArray result{array.dtype, array.dims, {}};
  result.dims[dim] = count;
  size_t outer = 1, position = dtypeBytes(array.dtype);
  for (size_t i = 0; i < array.dims.size(); ++i)
    (int32_t(i) < dim ? outer : position) *=
        int32_t(i) == dim ? 1 : array.dims[i];
  size_t stride = position * array.dims[dim];
  for (size_t i = 0; i < outer; ++i) {
    auto begin = array.bytes.begin() + i * stride;
    result.bytes.insert(result.bytes.end(), begin, begin + count * position);
  }
  return result;
}

NpyArray EntryTensors::getFilled(const EntryDescriptor &entry,
                                 int32_t output) const {
  const TensorDescriptor &descriptor = entry.outputs[output];
  const NpyArray &array = outputs[output];
  if (descriptor.countOutput < 0)
    return array;
  int64_t count = 0;
  std::memcpy(&count, outputs[descriptor.countOutput].bytes.data(),
              sizeof count);
  int64_t size = array.dims[descriptor.countedDim];
  return takeFirst(array, descriptor.countedDim,
                   std::clamp<int64_t>(count, 0, size));
}

const vitc_model::Entry &vitc::rt::requireEntry(const vitc_model &model,
                                                const std::string &name) {
  if (name.empty())
    return model.main;
  try {
    return model.requireEntry(name);
  } catch (const Failure &failure) {
    throw UsageError(fmt::format("--{}", failure.what()));
  }
}

int64_t vitc::rt::fixedBatch(const EntryDescriptor &entry) {
  for (int32_t i = 0; i < entry.numInputs; ++i) {
    const TensorDescriptor &input = entry.inputs[i];
    if (std::find(input.dims, input.dims + input.rank, -1) !=
        input.dims + input.rank)
      return -1;
  }
  const TensorDescriptor *first = entry.numInputs ? entry.inputs : nullptr;
  return first && first->rank > 0 ? first->dims[0] : 1;
}

int64_t vitc::rt::chooseBatch(const EntryDescriptor &entry, int64_t wanted) {
  int64_t fixed = fixedBatch(entry);
  if (wanted == 0)
    return fixed == -1 ? 1 : fixed;
  if (fixed == -1 || wanted == fixed)
    return wanted;
  throw UsageError(fmt::format("--batch is {}; the model was compiled for a "
                               "batch of {}",
                               wanted, fixed));
}
