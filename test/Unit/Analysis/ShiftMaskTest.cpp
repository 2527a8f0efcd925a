//===- ShiftMaskTest.cpp - Regions of shifted windows from indices --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/ShiftMask.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OwningOpRef.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vitc;

/// Two tokens of a window have equal numbers if the op stores equal regions.
static void test(ArrayRef<int64_t> size, ArrayRef<int64_t> window,
                 ArrayRef<int64_t> shift) {
  MLIRContext context;
  context.loadDialect<vit::VitDialect>();
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  int64_t numTokens = window[0] * window[1];
  int64_t numWindows = size[0] / window[0] * (size[1] / window[1]);
  auto type = RankedTensorType::get({numWindows, 1, numTokens, numTokens},
                                    b.getF32Type());
  OwningOpRef<vit::ShiftMaskOp> mask =
      vit::ShiftMaskOp::create(b, type, size, window, shift, APFloat(-100.0));
  AffineMap map = getRegionMap(*mask);
  SmallVector<int32_t> regions =
      vit::ShiftMaskOp::getRegions(size, window, shift);
  for (int64_t item = 0; item < 2 * numWindows; ++item)
    for (int64_t token = 0; token < numTokens; ++token) {
      SmallVector<Attribute> result;
      ASSERT_TRUE(succeeded(map.constantFold(
          {b.getIndexAttr(item), b.getIndexAttr(token)}, result)));
      for (int64_t other = 0; other < token; ++other) {
        SmallVector<Attribute> otherResult;
        ASSERT_TRUE(succeeded(map.constantFold(
            {b.getIndexAttr(item), b.getIndexAttr(other)}, otherResult)));
        int64_t first = item % numWindows * numTokens;
        ASSERT_EQ(result == otherResult,
                  regions[first + token] == regions[first + other])
            << "item " << item << " tokens " << token << " and " << other;
      }
    }
}

TEST(ShiftMask, SwinStage) { test({28, 28}, {7, 7}, {3, 3}); }
TEST(ShiftMask, TwoWindows) { test({8, 8}, {4, 4}, {2, 2}); }
TEST(ShiftMask, OneWindow) { test({7, 7}, {7, 7}, {3, 3}); }
TEST(ShiftMask, OblongMap) { test({12, 8}, {3, 4}, {1, 3}); }
TEST(ShiftMask, ColumnsAlone) { test({7, 14}, {7, 7}, {0, 3}); }
TEST(ShiftMask, NoShift) { test({8, 8}, {4, 4}, {0, 0}); }
