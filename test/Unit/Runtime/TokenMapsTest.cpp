//===- TokenMapsTest.cpp - Attention on the picture's patches -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/TokenMaps.h"
#include "Program/Rollout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace vitc::rt;

static AttentionLayerDescriptor makeLayer(int32_t keys, TokenGrid grid) {
  AttentionLayerDescriptor layer = {};
  layer.windows = 1;
  layer.queries = layer.keys = layer.tokens = keys;
  layer.projection = -1;
  layer.queryGrid = layer.keyGrid = grid;
  return layer;
}

/// A map of 3 x 5 patches, padded to 4 x 6, windows of 2 x 2, shifted by 1.
static AttentionLayerDescriptor makeWindows() {
  AttentionLayerDescriptor layer = makeLayer(4, {0, 3, 5, 0});
  layer.windows = 6;
  layer.window[0] = layer.window[1] = 2;
  layer.size[0] = 4, layer.size[1] = 6;
  layer.shift[0] = layer.shift[1] = 1;
  return layer;
}

TEST(TokenMapsTest, SkipsTheTokensBeforeThePatches) {
  AttentionLayerDescriptor layer = makeLayer(8, {2, 2, 3, 1});
  std::vector<float> row(8);
  std::iota(row.begin(), row.end(), 0.0f);
  PatchMap map = makePatchMap(layer);
  addToPatches(layer, 0, row.data(), nullptr, 0.5f, map);
  EXPECT_EQ(map.values, (std::vector<float>{1, 1.5f, 2, 2.5f, 3, 3.5f}));
  EXPECT_EQ(findQuery(layer, 1, 2).query, 7);
}

// Windows tile the map that was rolled by (-1, -1): window 0 holds patches
// (1, 1), (1, 2), (2, 1), (2, 2) of the picture; window 5 rows 3 and 0, columns
// 5 and 0, of which (0, 0) alone is no padding.
TEST(TokenMapsTest, PutsWindowsBackWhereTheyCameFrom) {
  AttentionLayerDescriptor layer = makeWindows();
  std::vector<float> row = {1, 2, 3, 4};
  PatchMap map = makePatchMap(layer);
  addToPatches(layer, 0, row.data(), nullptr, 1.0f, map);
  EXPECT_EQ(map.values, (std::vector<float>{0, 0, 0, 0, 0, //
                                            0, 1, 2, 0, 0, //
                                            0, 3, 4, 0, 0}));
  map = makePatchMap(layer);
  addToPatches(layer, 5, row.data(), nullptr, 1.0f, map);
  EXPECT_EQ(map.values[0], 4.0f);
  EXPECT_EQ(std::accumulate(map.values.begin(), map.values.end(), 0.0f), 4.0f);
}

TEST(TokenMapsTest, FindsThePatchInItsWindow) {
  AttentionLayerDescriptor layer = makeWindows();
  QueryPlace place = findQuery(layer, 2, 1);
  EXPECT_EQ(place.window, 0);
  EXPECT_EQ(place.query, 2);
  place = findQuery(layer, 0, 0);
  EXPECT_EQ(place.window, 5);
  EXPECT_EQ(place.query, 3);
}

// Every patch lies at its own place of exactly one window.
TEST(TokenMapsTest, WindowsCoverEachPatchOnce) {
  AttentionLayerDescriptor layer = makeWindows();
  for (int64_t y = 0; y < 3; ++y)
    for (int64_t x = 0; x < 5; ++x) {
      QueryPlace place = findQuery(layer, y, x);
      std::vector<float> row(4);
      row[place.query] = 1.0f;
      PatchMap map = makePatchMap(layer);
      addToPatches(layer, place.window, row.data(), nullptr, 1.0f, map);
      EXPECT_EQ(map.values[y * 5 + x], 1.0f);
    }
}

// Two keys of three tokens, the first a class token.
TEST(TokenMapsTest, SpreadsProjectedKeysOverTheirTokens) {
  AttentionLayerDescriptor layer = makeLayer(2, {1, 1, 2, 1});
  layer.projection = 0;
  layer.tokens = 3;
  std::vector<float> row = {0.25f, 0.75f}, projection = {9, 1, -2, 9, 4, 0};
  PatchMap map = makePatchMap(layer);
  addToPatches(layer, 0, row.data(), projection.data(), 1.0f, map);
  EXPECT_EQ(map.values, (std::vector<float>{3.25f, 0.5f}));
}

// By hand: A1 = [[.5, .5], [1, 0]] gives [[.75, .25], [.5, .5]], A2, the mean
// of heads [[1, 0], [0, 1]] and [[0, 1], [0, 1]], gives [[.75, .25], [0, 1]];
// row 0 of their product is .75 * [.75, .25] + .25 * [.5, .5].
TEST(RolloutTest, MultipliesFromTheLastLayerToTheFirst) {
  std::vector<float> first = {0.5f, 0.5f, 1, 0};
  std::vector<float> last = {1, 0, 0, 1, 0, 1, 0, 1};
  Rollout rollout(2, 0);
  rollout.addLayer(last.data(), 2);
  rollout.addLayer(first.data(), 1);
  EXPECT_DOUBLE_EQ(rollout.getRow()[0], 0.6875);
  EXPECT_DOUBLE_EQ(rollout.getRow()[1], 0.3125);
}

// Rows of sum 0.5, half of whose keys are masked: 0.5 A + 0.5 I has sum 0.75.
TEST(RolloutTest, DividesRowsByTheirSum) {
  std::vector<float> matrix = {0.5f, 0, 0, 0.5f};
  Rollout rollout(2, 1);
  rollout.addLayer(matrix.data(), 1);
  EXPECT_DOUBLE_EQ(rollout.getRow()[0], 0.0);
  EXPECT_DOUBLE_EQ(rollout.getRow()[1], 1.0);
}
