//===- AttentionRun.cpp - The attention maps of one run -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/AttentionRun.h"

#include "Status.h"
#include "Tensor.h"

#include <fmt/format.h>

using namespace vitc::rt;

/// The most bytes of maps in one run.
static constexpr int64_t kMaxMapBytes = int64_t(8) << 30;

AttentionRun::AttentionRun(const AttentionDescriptor &attention,
                           const AttentionOptions &options, int64_t batch)
    : attention(attention), layers(options.layers), places(attention.numLayers),
      selections(attention.numLayers) {
  checkNumbers(options);
  if (options.rollout)
    checkRollout();
  const AttentionLayerDescriptor *first = nullptr;
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    if (isShown(i)) {
      first = first ? first : &layer;
      places[i] = findShown(layer, *first, options);
    }
    if (options.rollout || (isShown(i) && options.matrix))
      selections[i] = {0, layer.queries};
    else if (isShown(i))
      selections[i] = {places[i].query, 1};
  }
  allocate(batch);
}

bool AttentionRun::isShown(int32_t index) const {
  return layers.contains(attention.layers[index].number);
}

bool AttentionRun::isWhole(int32_t index) const {
  const vitc_selection_t &selection = selections[index];
  return selection.first == 0 &&
         selection.count == attention.layers[index].queries;
}

/// All numbers must be there: a layer that is not would be missed silently.
void AttentionRun::checkNumbers(const AttentionOptions &options) const {
  std::string compiled;
  int32_t numHeads = 0;
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    compiled += fmt::format("{}{}", i ? "," : "", layer.number);
    if (isShown(i))
      numHeads = numHeads ? std::min(numHeads, layer.heads) : layer.heads;
  }
  for (auto [begin, end] : options.layers.ranges)
    for (int64_t number = begin; number <= end; ++number) {
      bool isThere = false;
      for (int32_t i = 0; i < attention.numLayers; ++i)
        isThere |= attention.layers[i].number == number;
      if (!isThere)
        throw UsageError(fmt::format("--attention-layers names layer {}; the "
                                     "program has maps of {}",
                                     number, compiled));
    }
  if (options.heads.last() >= numHeads)
    throw UsageError(fmt::format("--attention-heads names head {}; the layers "
                                 "have {}, from 0 on",
                                 options.heads.last(), numHeads));
}

/// Rollout multiplies matrices over the same tokens, of all layers from the
/// first.
void AttentionRun::checkRollout() const {
  const AttentionLayerDescriptor &first = attention.layers[0];
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    const char *reason = nullptr;
    if (layer.number != i)
      reason = "the layers before it were not compiled in";
    else if (isWindowed(layer))
      reason = "it attends within windows";
    else if (layer.projection >= 0)
      reason = "its keys are projections";
    else if (layer.queries != layer.keys || layer.keys != first.keys)
      reason = "its queries and keys are not the first layer's tokens";
    else if (!layer.keyGrid.classToken)
      reason = "it has no class token";
    if (reason)
      throw UsageError(fmt::format("--attention-rollout was given; layer {} "
                                   "has none: {}",
                                   layer.number, reason));
  }
}

QueryPlace AttentionRun::findShown(const AttentionLayerDescriptor &layer,
                                   const AttentionLayerDescriptor &first,
                                   const AttentionOptions &options) const {
  const TokenGrid &grid = layer.queryGrid, &finest = first.queryGrid;
  if (!options.hasQuery)
    return {0, grid.classToken ? 0 : VITC_MEAN_QUERIES};
  if (grid.height == 0)
    throw UsageError(fmt::format("--attention-query was given; the queries of "
                                 "layer {} are no patches",
                                 layer.number));
  if (options.queryRow >= finest.height || options.queryColumn >= finest.width)
    throw UsageError(
        fmt::format("--attention-query is {},{}; layer {} has {} x {} patches",
                    options.queryRow, options.queryColumn, first.number,
                    finest.height, finest.width));
  // The patch of this layer over the middle of the first layer's.
  return findQuery(
      layer, (2 * options.queryRow + 1) * grid.height / (2 * finest.height),
      (2 * options.queryColumn + 1) * grid.width / (2 * finest.width));
}

void AttentionRun::allocate(int64_t batch) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    arrays.push_back(
        {VITC_F32,
         {batch, layer.windows, layer.heads, selections[i].count, layer.keys},
         {}});
  }
  for (int32_t i = 0; i < attention.numProjections; ++i) {
    const AttentionLayerDescriptor &layer = findProjected(attention, i);
    arrays.push_back({VITC_F32, {layer.keys, layer.tokens}, {}});
  }
  std::vector<int64_t> sizes;
  for (const NpyArray &array : arrays) {
    int64_t size = 4 * countElements(array.dims.data(), array.dims.size(), 1);
    sizes.push_back(size);
    if (size > kMaxMapBytes || (bytes += size) > kMaxMapBytes)
      throw Failure(VITC_OUT_OF_MEMORY,
                    "the attention maps take more than {} GiB; needs fewer "
                    "layers (--attention-layers) or no whole matrices",
                    kMaxMapBytes >> 30);
  }
  for (size_t i = 0; i < arrays.size(); ++i) {
    arrays[i].bytes.resize(sizes[i]);
    tensors.push_back(arrays[i].tensor());
  }
}

AttentionRequest AttentionRun::getRequest() {
  return {selections.data(), tensors.data()};
}

const float *AttentionRun::getMap(int32_t index) const {
  return reinterpret_cast<const float *>(arrays[index].bytes.data());
}

const float *
AttentionRun::getProjection(const AttentionLayerDescriptor &layer) const {
  return layer.projection < 0 ? nullptr
                              : getMap(attention.numLayers + layer.projection);
}
