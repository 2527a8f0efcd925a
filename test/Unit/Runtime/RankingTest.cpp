//===- RankingTest.cpp - Scores of pictures and texts ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranking.h"

#include "Status.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace vitc::rt;

static NpyArray makeRows(int64_t rows, const std::vector<float> &values) {
  NpyArray array;
  array.dtype = VITC_F32;
  array.dims = {rows, static_cast<int64_t>(values.size()) / rows};
  array.bytes.resize(values.size() * sizeof(float));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

static std::vector<float> getValues(const NpyArray &array) {
  std::vector<float> values(array.bytes.size() / sizeof(float));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

TEST(RankingTest, ScalesAndShiftsProductsOfAllPairs) {
  RankingDescriptor ranking{10, -1};
  NpyArray pictures = makeRows(2, {1, 0, 0, 0.6f, 0.8f, 0});
  NpyArray texts = makeRows(3, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  NpyArray scores = computeScores(ranking, pictures, texts);
  EXPECT_EQ(scores.dtype, VITC_F32);
  EXPECT_EQ(scores.dims, (std::vector<int64_t>{2, 3}));
  std::vector<float> expected = {9, -1, -1, 5, 7, -1};
  std::vector<float> values = getValues(scores);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 1e-5) << i;
}

TEST(RankingTest, RefusesEmbeddingsOfTwoWidths) {
  EXPECT_THROW(
      computeScores({1, 0}, makeRows(1, {1, 0}), makeRows(1, {1, 0, 0})),
      Failure);
}
