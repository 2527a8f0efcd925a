//===- RelativePositionBiasTest.cpp - The index of relative positions -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include "mlir/IR/Builders.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vitc;

static std::vector<int32_t> getIndex(int64_t height, int64_t width,
                                     bool classToken) {
  MLIRContext context;
  context.loadDialect<vit::VitDialect>();
  OpBuilder b(&context);
  int64_t rows = (2 * height - 1) * (2 * width - 1) + (classToken ? 3 : 0);
  auto type = RankedTensorType::get({rows, 1}, b.getF32Type());
  Block block;
  Value table = block.addArgument(type, b.getUnknownLoc());
  b.setInsertionPointToStart(&block);
  auto op = vit::RelativePositionBiasOp::create(
      b, b.getUnknownLoc(), table, b.getDenseI64ArrayAttr({height, width}),
      classToken ? b.getUnitAttr() : UnitAttr());
  SmallVector<int32_t> index = op.getIndex();
  return {index.begin(), index.end()};
}

// Row 0 and row 7 of the Swin paper's case, windows of 4 x 4.
TEST(RelativePositionBias, IndexOfThePaper) {
  std::vector<int32_t> index = getIndex(4, 4, /*classToken=*/false);
  ASSERT_EQ(index.size(), 256u);
  EXPECT_EQ(std::vector<int32_t>(index.begin(), index.begin() + 16),
            (std::vector<int32_t>{24, 23, 22, 21, 17, 16, 15, 14, 10, 9, 8, 7,
                                  3, 2, 1, 0}));
  EXPECT_EQ(std::vector<int32_t>(index.begin() + 112, index.begin() + 128),
            (std::vector<int32_t>{34, 33, 32, 31, 27, 26, 25, 24, 20, 19, 18,
                                  17, 13, 12, 11, 10}));
}

TEST(RelativePositionBias, IndexOfAnOblongWindow) {
  EXPECT_EQ(getIndex(1, 3, /*classToken=*/false),
            (std::vector<int32_t>{2, 1, 0, 3, 2, 1, 4, 3, 2}));
  EXPECT_EQ(getIndex(3, 1, /*classToken=*/false),
            (std::vector<int32_t>{2, 1, 0, 3, 2, 1, 4, 3, 2}));
}

// 3 rows for distances, then from the class token, to it, and to itself.
TEST(RelativePositionBias, IndexWithClassToken) {
  EXPECT_EQ(getIndex(1, 2, /*classToken=*/true),
            (std::vector<int32_t>{5, 3, 3, 4, 1, 0, 4, 2, 1}));
}
