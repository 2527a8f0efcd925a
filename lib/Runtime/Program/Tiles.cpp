//===- Tiles.cpp - A large picture part by part ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tiles.h"

#include <algorithm>
#include <utility>

using namespace vitc::rt;

/// Neighbours have this part of a tile in common, or more.
static constexpr int kOverlapDivisor = 4;

std::vector<int> vitc::rt::getTileBegins(int picture, int tile) {
  if (picture <= tile)
    return {0};
  int step = tile - tile / kOverlapDivisor, last = picture - tile;
  int count = (last + step - 1) / step + 1;
  std::vector<int> begins;
  for (int64_t i = 0; i < count; ++i)
    begins.push_back(static_cast<int>(i * last / (count - 1)));
  return begins;
}

TileCanvas::TileCanvas(int64_t height, int64_t width)
    : sum{height, width, std::vector<double>(3 * height * width)},
      weights(height * width) {}

/// Grows from the tile's edges inward.
static double getWeight(int64_t position, int64_t size) {
  return static_cast<double>(std::min(position + 1, size - position));
}

void TileCanvas::add(const TileValues &tile, int64_t top, int64_t left) {
  const double *value = tile.values.data();
  for (int64_t y = 0; y < tile.height; ++y)
    for (int64_t x = 0; x < tile.width; ++x, value += 3) {
      double weight = getWeight(y, tile.height) * getWeight(x, tile.width);
      int64_t pixel = (top + y) * sum.width + left + x;
      for (int c = 0; c < 3; ++c)
        sum.values[3 * pixel + c] += weight * value[c];
      weights[pixel] += weight;
    }
}

TileValues TileCanvas::finish() {
  for (size_t pixel = 0; pixel < weights.size(); ++pixel)
    for (int c = 0; c < 3; ++c)
      sum.values[3 * pixel + c] /= weights[pixel];
  return std::move(sum);
}
