//===- TokenMaps.h - Attention on the picture's patches ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row of attention probabilities is over keys; what a picture can show is
// over its patches. Keys are patches behind a few other tokens, or the tokens
// of one window of a map that was padded and rolled (Liu et al. 2021, Swin,
// figure 4), or projections of all tokens (Wang et al. 2020, Linformer, eq.
// (7)).
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_TOKENMAPS_H
#define VITC_LIB_RUNTIME_PROGRAM_TOKENMAPS_H

#include "vitc/Runtime/Descriptor.h"

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// A number for each patch of a grid, row-major.
struct PatchMap {
  int32_t height = 0, width = 0;
  std::vector<float> values;
};

/// A query of a layer: of which window, and which one in it.
struct QueryPlace {
  int64_t window = 0, query = 0;
};

bool isWindowed(const AttentionLayerDescriptor &layer);

/// Whether the keys lie on the picture, so that a map can be drawn.
bool hasPatches(const AttentionLayerDescriptor &layer);

/// A map of zeros over the patches that the layer's keys are.
PatchMap makePatchMap(const AttentionLayerDescriptor &layer);

/// The query that patch (row, column) of the layer's query grid is.
QueryPlace findQuery(const AttentionLayerDescriptor &layer, int64_t row,
                     int64_t column);

/// Adds `weight` times the probabilities [keys] that a query of `window` has to
/// `map`. `projection` is [keys, tokens] where the layer has one: a token gets
/// the sum over keys of probability times the weight's absolute value.
void addToPatches(const AttentionLayerDescriptor &layer, int64_t window,
                  const float *probabilities, const float *projection,
                  float weight, PatchMap &map);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_TOKENMAPS_H
