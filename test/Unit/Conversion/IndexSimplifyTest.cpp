//===- IndexSimplifyTest.cpp - Index maps of bounded dims -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Conversion/VitToKernel/IndexSimplify.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace vitc;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

class IndexSimplifyTest : public testing::Test {
protected:
  AffineExpr dim(unsigned position) {
    return getAffineDimExpr(position, &context);
  }
  AffineExpr constant(int64_t value) {
    return getAffineConstantExpr(value, &context);
  }

  MLIRContext context;
};

std::string print(AffineExpr expr) {
  std::string text;
  llvm::raw_string_ostream(text) << expr;
  return text;
}

/// Value of `expr` where dim i is dims[i].
int64_t evaluate(AffineExpr expr, llvm::ArrayRef<int64_t> dims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluate(binary.getLHS(), dims);
  int64_t rhs = evaluate(binary.getRHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(lhs, rhs);
  case AffineExprKind::CeilDiv:
    return llvm::divideCeilSigned(lhs, rhs);
  default:
    return llvm::mod(lhs, rhs);
  }
}

/// Calls `body` for all indices below `sizes`; dynamic sizes end at 5.
void forEachIndex(llvm::ArrayRef<int64_t> sizes,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body) {
  llvm::SmallVector<int64_t> index(sizes.size());
  auto size = [&](size_t i) { return sizes[i] == kDynamic ? 5 : sizes[i]; };
  while (true) {
    body(index);
    size_t i = index.size();
    while (i > 0 && ++index[i - 1] == size(i - 1))
      index[--i] = 0;
    if (i == 0)
      return;
  }
}

void expectEqualEverywhere(AffineExpr expr, llvm::ArrayRef<int64_t> sizes) {
  AffineExpr simple = simplifyIndex(expr, sizes);
  forEachIndex(sizes, [&](llvm::ArrayRef<int64_t> index) {
    ASSERT_EQ(evaluate(simple, index), evaluate(expr, index))
        << print(expr) << " became " << print(simple);
  });
}

TEST_F(IndexSimplifyTest, divisionOfSum) {
  AffineExpr sum = dim(0) * 49 + dim(1);
  EXPECT_EQ(simplifyIndex(sum.floorDiv(49), {kDynamic, 49}), dim(0));
  EXPECT_EQ(simplifyIndex(sum % 49, {kDynamic, 49}), dim(1));
  // One index too many.
  EXPECT_NE(simplifyIndex(sum.floorDiv(49), {kDynamic, 50}), dim(0));
}

TEST_F(IndexSimplifyTest, divisionBySharedFactor) {
  AffineExpr sum = dim(0) * 28 + dim(1) * 7 + dim(2);
  EXPECT_EQ(simplifyIndex(sum.floorDiv(14), {kDynamic, 4, 7}),
            dim(0) * 2 + dim(1).floorDiv(2));
  EXPECT_EQ(simplifyIndex(sum % 14, {kDynamic, 4, 7}), dim(2) + dim(1) % 2 * 7);
}

TEST_F(IndexSimplifyTest, quotientAndRemainderJoin) {
  AffineExpr d0 = dim(0);
  EXPECT_EQ(simplifyIndex(d0.floorDiv(7) * 7 + d0 % 7, {kDynamic}), d0);
  AffineExpr three = d0.floorDiv(49) * 49 + d0.floorDiv(7) % 7 * 7 + d0 % 7;
  EXPECT_EQ(simplifyIndex(three, {kDynamic}), d0);
  EXPECT_EQ(simplifyIndex(three * 3, {kDynamic}), d0 * 3);
}

TEST_F(IndexSimplifyTest, nestedDivisions) {
  AffineExpr d0 = dim(0);
  EXPECT_EQ(simplifyIndex(d0.floorDiv(4).floorDiv(6), {kDynamic}),
            d0.floorDiv(24));
  EXPECT_EQ(simplifyIndex((d0 % 24).floorDiv(4), {kDynamic}),
            d0.floorDiv(4) % 6);
  EXPECT_EQ(simplifyIndex((d0 % 24) % 6, {kDynamic}), d0 % 6);
}

TEST_F(IndexSimplifyTest, dimOfSizeOne) {
  EXPECT_EQ(simplifyIndex(dim(0) * 3 + dim(1), {1, 3}), dim(1));
}

TEST_F(IndexSimplifyTest, reshapeAndBack) {
  // [B, 4, 6] -> [B * 24] -> [B, 3, 8] -> [B, 24].
  llvm::SmallVector<AffineExpr> dims = {dim(0), dim(1), dim(2)};
  AffineExpr flat = linearizeIndices(dims, {kDynamic, 4, 6});
  llvm::SmallVector<AffineExpr> other =
      delinearizeIndex(flat, {kDynamic, 3, 8});
  AffineExpr back = linearizeIndices(other, {kDynamic, 3, 8});
  EXPECT_EQ(simplifyIndex(back, {kDynamic, 4, 6}),
            dim(0) * 24 + dim(1) * 6 + dim(2));
  EXPECT_EQ(simplifyIndex(other[0], {kDynamic, 4, 6}), dim(0));
}

TEST_F(IndexSimplifyTest, windowsOfShiftedMapKeepTheirValues) {
  // A window's place on the map, rolled, and back to a window.
  AffineExpr w = dim(0), t = dim(1);
  AffineExpr y = (w % 4).floorDiv(2) * 4 + t.floorDiv(4);
  AffineExpr x = w % 4 % 2 * 4 + t % 4;
  AffineExpr shiftedY = (y + 2) % 8, shiftedX = (x + 2) % 8;
  for (AffineExpr expr : {y, x, shiftedY, shiftedX,
                          shiftedY.floorDiv(4) * 2 + shiftedX.floorDiv(4),
                          shiftedY % 4 * 4 + shiftedX % 4})
    expectEqualEverywhere(expr, {kDynamic, 16});
}

/// A random expression whose divisors are positive.
AffineExpr getRandomExpr(std::mt19937 &random, MLIRContext *context,
                         unsigned numDims, unsigned depth) {
  auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  };
  if (depth == 0)
    return getAffineDimExpr(draw(0, numDims - 1), context);
  auto next = [&] {
    return getRandomExpr(random, context, numDims, depth - 1);
  };
  constexpr int64_t divisors[] = {1, 2, 3, 4, 6, 7, 8, 12};
  int64_t divisor = divisors[draw(0, 7)];
  switch (draw(0, 6)) {
  case 0:
  case 1:
    return next() + next();
  case 2:
    return next() * divisor;
  case 3:
    return next() + draw(-9, 9);
  case 4:
    return next().floorDiv(divisor);
  case 5:
    return next().ceilDiv(divisor);
  default:
    return next() % divisor;
  }
}

TEST_F(IndexSimplifyTest, randomExpressionsKeepTheirValues) {
  std::mt19937 random(1);
  constexpr int64_t shapes[][3] = {
      {kDynamic, 3, 4}, {6, 1, 7}, {kDynamic, 12, 2}};
  for (int i = 0; i < 3000; ++i)
    expectEqualEverywhere(getRandomExpr(random, &context, 3, 1 + i % 6),
                          shapes[i % 3]);
}

TEST_F(IndexSimplifyTest, memoryStride) {
  // Heads [B, N, H * D] read as [B, H, N, D].
  AffineMap heads =
      AffineMap::get(4, 0, {dim(0), dim(2), dim(1) * 16 + dim(3)}, &context);
  int64_t shape[] = {kDynamic, 9, 32};
  EXPECT_EQ(getMemoryStride(heads, shape, 3), 1);
  EXPECT_EQ(getMemoryStride(heads, shape, 1), 16);
  EXPECT_EQ(getMemoryStride(heads, shape, 0), 9 * 32);
  AffineMap split =
      AffineMap::get(1, 0, {dim(0).floorDiv(3), dim(0) % 2}, &context);
  EXPECT_EQ(getMemoryStride(split, {4, 2}, 0), std::nullopt);
}

} // namespace
