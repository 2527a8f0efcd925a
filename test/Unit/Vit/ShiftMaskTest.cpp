//===- ShiftMaskTest.cpp - The regions of shifted windows -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace vitc;

static std::vector<int32_t> getRegions(ArrayRef<int64_t> size,
                                       ArrayRef<int64_t> window,
                                       ArrayRef<int64_t> shift) {
  SmallVector<int32_t> regions =
      vit::ShiftMaskOp::getRegions(size, window, shift);
  return {regions.begin(), regions.end()};
}

// The first window is whole, the last has four parts.
TEST(ShiftMask, RegionsOfFourWindows) {
  EXPECT_EQ(getRegions({4, 4}, {2, 2}, {1, 1}),
            (std::vector<int32_t>{0, 0, 0, 0, 1, 2, 1, 2, //
                                  3, 3, 6, 6, 4, 5, 7, 8}));
}

// Rows are not shifted, columns by 1 of 3.
TEST(ShiftMask, RegionsOfAnOblongWindow) {
  EXPECT_EQ(getRegions({2, 6}, {1, 3}, {0, 1}),
            (std::vector<int32_t>{0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 1, 2}));
}
