//===- DistanceBiasTest.cpp - Buckets of distances in a text --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The buckets of T5Attention._relative_position_bucket, in NumPy.
//
//===----------------------------------------------------------------------===//

#include "DistanceBias.h"

#include "gtest/gtest.h"

using namespace vitc::import_;

namespace {

constexpr int64_t kDistances[] = {-200, -128, -127, -64, -33, -32, -31,
                                  -16,  -9,   -8,   -1,  0,   1,   7,
                                  8,    15,   16,   32,  64,  128, 500};

std::vector<int64_t> getBuckets(bool bothSides, int64_t numBuckets,
                                int64_t maxDistance) {
  std::vector<int64_t> buckets;
  for (int64_t distance : kDistances)
    buckets.push_back(
        getDistanceBucket(distance, bothSides, numBuckets, maxDistance));
  return buckets;
}

TEST(DistanceBiasTest, BothSides) {
  EXPECT_EQ(getBuckets(true, 32, 128),
            (std::vector<int64_t>{15, 15, 15, 14, 12, 12, 11, 10, 8,  8, 1,
                                  0,  17, 23, 24, 25, 26, 28, 30, 31, 31}));
}

TEST(DistanceBiasTest, KeysBeforeTheQuery) {
  EXPECT_EQ(getBuckets(false, 32, 128),
            (std::vector<int64_t>{31, 31, 31, 26, 21, 21, 21, 16, 9, 8, 1,
                                  0,  0,  0,  0,  0,  0,  0,  0,  0, 0}));
}

TEST(DistanceBiasTest, FewBuckets) {
  EXPECT_EQ(getBuckets(false, 8, 12),
            (std::vector<int64_t>{7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 1,
                                  0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

} // namespace
