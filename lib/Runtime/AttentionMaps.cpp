//===- AttentionMaps.cpp - What a run is asked for of attention -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionMaps.h"

#include "Model.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

const AttentionLayerDescriptor &
vitc::rt::findProjected(const AttentionDescriptor &attention,
                        int32_t projection) {
  const AttentionLayerDescriptor *end = attention.layers + attention.numLayers;
  const AttentionLayerDescriptor *layer =
      std::find_if(attention.layers, end, [&](const auto &layer) {
        return layer.projection == projection;
      });
  if (layer == end)
    throw Failure(
        VITC_UNSUPPORTED,
        "no attention layer has projection {} of {}; needs one for each",
        projection, attention.numProjections);
  return *layer;
}

void vitc::rt::checkAttentionEntry(const AttentionDescriptor &attention,
                                   const EntryDescriptor &shown,
                                   const EntryDescriptor &entry) {
  int32_t numOutputs =
      shown.numOutputs + attention.numLayers + attention.numProjections;
  if (entry.numInputs != shown.numInputs + 1 || entry.numOutputs != numOutputs)
    throw Failure(VITC_UNSUPPORTED,
                  "entry 'attention' has {} inputs and {} outputs; needs {} "
                  "and {}",
                  entry.numInputs, entry.numOutputs, shown.numInputs + 1,
                  numOutputs);
  for (int32_t i = 0; i < attention.numProjections; ++i)
    (void)findProjected(attention, i);
}

static void checkSelection(const AttentionLayerDescriptor &layer,
                           const vitc_selection_t &selection) {
  if (selection.count == 0)
    return;
  bool isMean = selection.first == VITC_MEAN_QUERIES && selection.count == 1;
  bool isRange = selection.first >= 0 && selection.count > 0 &&
                 selection.count <= layer.queries &&
                 selection.first <= layer.queries - selection.count;
  if (!isMean && !isRange)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "attention layer {} is asked for {} queries from {} on; it "
                  "has {}",
                  layer.number, selection.count, selection.first,
                  layer.queries);
}

void vitc::rt::checkRequest(const AttentionDescriptor &attention,
                            const AttentionRequest &request, int64_t batch) {
  BatchCheck check{batch};
  for (int32_t i = 0; i < attention.numLayers; ++i) {
    const AttentionLayerDescriptor &layer = attention.layers[i];
    const vitc_selection_t &selection = request.selections[i];
    checkSelection(layer, selection);
    if (selection.count == 0)
      continue;
    int64_t dims[] = {batch, layer.windows, layer.heads, selection.count,
                      layer.keys};
    checkTensor("map", {layer.name, dims, 5, VITC_F32}, request.maps[i], check);
  }
  for (int32_t i = 0; i < attention.numProjections; ++i) {
    const AttentionLayerDescriptor &layer = findProjected(attention, i);
    int64_t dims[] = {layer.keys, layer.tokens};
    checkTensor("projection", {layer.name, dims, 2, VITC_F32},
                request.maps[attention.numLayers + i], check);
  }
}

//===----------------------------------------------------------------------===//
// C ABI
//===----------------------------------------------------------------------===//

int32_t vitc_model_num_attention_layers(const vitc_model_t *model) {
  return model ? model->descriptor.attention.numLayers : 0;
}

int32_t vitc_model_num_attention_projections(const vitc_model_t *model) {
  return model ? model->descriptor.attention.numProjections : 0;
}

vitc_status_t vitc_model_attention_layer(const vitc_model_t *model,
                                         int32_t index,
                                         vitc_attention_layer_t *layer,
                                         vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(layer, "layer");
    const AttentionDescriptor &attention = model->descriptor.attention;
    if (index < 0 || index >= attention.numLayers)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "attention layer index is {}; the model has {}", index,
                    attention.numLayers);
    const AttentionLayerDescriptor &found = attention.layers[index];
    *layer = {found.name,       found.number,  found.windows,
              found.heads,      found.queries, found.keys,
              found.projection, found.tokens,  found.queryGrid.classToken};
  });
}
