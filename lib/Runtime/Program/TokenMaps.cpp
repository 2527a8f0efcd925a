//===- TokenMaps.cpp - Attention on the picture's patches -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/TokenMaps.h"

#include <cmath>

using namespace vitc::rt;

bool vitc::rt::isWindowed(const AttentionLayerDescriptor &layer) {
  return layer.window[0] > 0;
}

bool vitc::rt::hasPatches(const AttentionLayerDescriptor &layer) {
  return layer.keyGrid.height > 0;
}

PatchMap vitc::rt::makePatchMap(const AttentionLayerDescriptor &layer) {
  const TokenGrid &grid = layer.keyGrid;
  return {grid.height, grid.width,
          std::vector<float>(size_t(grid.height) * grid.width)};
}

QueryPlace vitc::rt::findQuery(const AttentionLayerDescriptor &layer,
                               int64_t row, int64_t column) {
  const TokenGrid &grid = layer.queryGrid;
  if (!isWindowed(layer))
    return {0, grid.prefix + row * grid.width + column};
  // Where the patch is after the shift: the map is rolled back.
  int64_t y = (row - layer.shift[0] + layer.size[0]) % layer.size[0];
  int64_t x = (column - layer.shift[1] + layer.size[1]) % layer.size[1];
  int64_t across = layer.size[1] / layer.window[1];
  return {y / layer.window[0] * across + x / layer.window[1],
          y % layer.window[0] * layer.window[1] + x % layer.window[1]};
}

/// Keys of a window go to where its tokens come from; what is padding goes
/// nowhere.
static void addWindow(const AttentionLayerDescriptor &layer, int64_t window,
                      const float *probabilities, float weight, PatchMap &map) {
  int64_t across = layer.size[1] / layer.window[1];
  int64_t top = window / across * layer.window[0];
  int64_t left = window % across * layer.window[1];
  for (int64_t key = 0; key < layer.keys; ++key) {
    int64_t y = top + key / layer.window[1], x = left + key % layer.window[1];
    y = (y + layer.shift[0]) % layer.size[0];
    x = (x + layer.shift[1]) % layer.size[1];
    if (y < map.height && x < map.width)
      map.values[y * map.width + x] += weight * probabilities[key];
  }
}

void vitc::rt::addToPatches(const AttentionLayerDescriptor &layer,
                            int64_t window, const float *probabilities,
                            const float *projection, float weight,
                            PatchMap &map) {
  if (isWindowed(layer)) {
    addWindow(layer, window, probabilities, weight, map);
    return;
  }
  int64_t prefix = layer.keyGrid.prefix;
  if (!projection) {
    for (size_t i = 0; i < map.values.size(); ++i)
      map.values[i] += weight * probabilities[prefix + i];
    return;
  }
  for (int64_t key = 0; key < layer.keys; ++key) {
    const float *row = projection + key * layer.tokens + prefix;
    float factor = weight * probabilities[key];
    for (size_t i = 0; i < map.values.size(); ++i)
      map.values[i] += factor * std::fabs(row[i]);
  }
}
