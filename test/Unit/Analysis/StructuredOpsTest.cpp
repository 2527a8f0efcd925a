//===- StructuredOpsTest.cpp - Values of linalg ops -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EvaluateTest.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

static const char *kMatrix =
    "%m = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : "
    "tensor<2x3xf32>\n";

TEST_F(EvaluateTest, GenericBroadcastsAndPermutes) {
  std::string row = "%v = arith.constant dense<[[10.0], [20.0], [30.0]]> : "
                    "tensor<3x1xf32>\n";
  EXPECT_EQ(values(kMatrix + row + R"(
    %e = tensor.empty() : tensor<3x2xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, 0)>,
                                          affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%m, %v : tensor<2x3xf32>, tensor<3x1xf32>) outs(%e : tensor<3x2xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<3x2xf32>)"),
            (std::vector<float>{11, 14, 22, 25, 33, 36}));
}

TEST_F(EvaluateTest, MapsMayDivide) {
  EXPECT_EQ(values<int32_t>(R"(
    %x = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
    %e = tensor.empty() : tensor<6xi32>
    %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i mod 3, i floordiv 3)>, affine_map<(i) -> (i)>],
                         iterator_types = ["parallel"]}
        ins(%x : tensor<3x2xi32>) outs(%e : tensor<6xi32>) {
    ^bb0(%a: i32, %o: i32):
      linalg.yield %a : i32
    } -> tensor<6xi32>)"),
            (std::vector<int32_t>{1, 3, 5, 2, 4, 6}));
}

// A gather at computed indices, beyond one run of lanes.
TEST_F(EvaluateTest, GenericGathersAtIndices) {
  std::vector<int32_t> reversed = values<int32_t>(R"(
    %e = tensor.empty() : tensor<5000xi32>
    %iota = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        outs(%e : tensor<5000xi32>) {
    ^bb0(%o: i32):
      %i = linalg.index 0 : index
      %s = arith.index_cast %i : index to i32
      linalg.yield %s : i32
    } -> tensor<5000xi32>
    %last = arith.constant 4999 : index
    %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        outs(%e : tensor<5000xi32>) {
    ^bb0(%o: i32):
      %i = linalg.index 0 : index
      %j = arith.subi %last, %i : index
      %s = tensor.extract %iota[%j] : tensor<5000xi32>
      linalg.yield %s : i32
    } -> tensor<5000xi32>)");
  ASSERT_EQ(reversed.size(), 5000u);
  for (int32_t i = 0; i < 5000; ++i)
    ASSERT_EQ(reversed[i], 4999 - i);
}

TEST_F(EvaluateTest, AnIndexOutsideHasNoValue) {
  EXPECT_FALSE(evaluate(kMatrix + std::string(R"(
    %e = tensor.empty() : tensor<4xf32>
    %zero = arith.constant 0 : index
    %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        outs(%e : tensor<4xf32>) {
    ^bb0(%o: f32):
      %i = linalg.index 0 : index
      %s = tensor.extract %m[%zero, %i] : tensor<2x3xf32>
      linalg.yield %s : f32
    } -> tensor<4xf32>)")));
}

// In f32, 2^24 + 1 + 1 + ... stays at 2^24.
TEST_F(EvaluateTest, SumsAreKeptInDouble) {
  EXPECT_EQ(values(R"(
    %x = arith.constant dense<1.0> : tensor<3x2000xf32>
    %init = arith.constant dense<16777216.0> : tensor<3xf32>
    %r = linalg.reduce { arith.addf } ins(%x : tensor<3x2000xf32>) outs(%init : tensor<3xf32>) dimensions = [1])"),
            std::vector<float>(3, 16779216.0f));
}

TEST_F(EvaluateTest, PoolingTakesTheHighestOfAWindow) {
  EXPECT_EQ(values<int32_t>(R"(
    %x = arith.constant dense<[5, -3, 8, -9, -4, -2, 7]> : tensor<7xi32>
    %init = arith.constant dense<-100> : tensor<3xi32>
    %w = tensor.empty() : tensor<3xi32>
    %r = linalg.generic {indexing_maps = [affine_map<(i, k) -> (2 * i + k)>, affine_map<(i, k) -> (k)>,
                                          affine_map<(i, k) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
        ins(%x, %w : tensor<7xi32>, tensor<3xi32>) outs(%init : tensor<3xi32>) {
    ^bb0(%a: i32, %unused: i32, %o: i32):
      %s = arith.maxsi %a, %o : i32
      linalg.yield %s : i32
    } -> tensor<3xi32>)"),
            (std::vector<int32_t>{8, 8, 7}));
}

// Two results that depend on each other: no combiner covers them.
TEST_F(EvaluateTest, ArgmaxRunsInOrder) {
  EXPECT_EQ(values<int64_t>(R"(
    %x = arith.constant dense<[[3.0, 9.0, 9.0], [7.0, -1.0, 2.0]]> : tensor<2x3xf32>
    %best = arith.constant dense<0xFF800000> : tensor<2xf32>
    %at = arith.constant dense<0> : tensor<2xi64>
    %all:2 = linalg.generic {indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i)>,
                                            affine_map<(i, k) -> (i)>],
                           iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<2x3xf32>) outs(%best, %at : tensor<2xf32>, tensor<2xi64>) {
    ^bb0(%a: f32, %b: f32, %i: i64):
      %k = linalg.index 1 : index
      %k64 = arith.index_cast %k : index to i64
      %more = arith.cmpf ogt, %a, %b : f32
      %v = arith.select %more, %a, %b : f32
      %n = arith.select %more, %k64, %i : i64
      linalg.yield %v, %n : f32, i64
    } -> (tensor<2xf32>, tensor<2xi64>)
    %r = tensor.cast %all#1 : tensor<2xi64> to tensor<2xi64>)"),
            (std::vector<int64_t>{1, 0}));
}

// A batch, a transposed operand and a transposed result, longer than a block.
TEST_F(EvaluateTest, ContractEqualsItsDefinition) {
  const int64_t b = 2, m = 3, n = 5, k = 300;
  std::string text = llvm::formatv(R"(
    %x = vit.constant #vit.expr<ref, [@x]> : tensor<{0}x{3}x{1}xf32>
    %y = vit.constant #vit.expr<ref, [@y]> : tensor<{0}x{2}x{3}xf32>
    %zero = arith.constant dense<1.0> : tensor<{2}x{0}x{1}xf32>
    %r = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, k, m)>, affine_map<(b, m, n, k) -> (b, n, k)>,
                                          affine_map<(b, m, n, k) -> (n, b, m)>]
        ins(%x, %y : tensor<{0}x{3}x{1}xf32>, tensor<{0}x{2}x{3}xf32>) outs(%zero : tensor<{2}x{0}x{1}xf32>)
        -> tensor<{2}x{0}x{1}xf32>)",
                                   b, m, n, k);
  std::string weights = llvm::formatv(
      "vit.weight @x : tensor<{0}x{3}x{1}xf32> seed(1 mean 0.0 scale 1.0)\n"
      "vit.weight @y : tensor<{0}x{2}x{3}xf32> seed(2 mean 0.0 scale 1.0)\n",
      b, m, n, k);
  std::vector<float> x =
      values(llvm::formatv("%x = vit.constant #vit.expr<ref, [@x]> : "
                           "tensor<{0}x{2}x{1}xf32>",
                           b, m, k),
             weights);
  std::vector<float> y =
      values(llvm::formatv("%y = vit.constant #vit.expr<ref, [@y]> : "
                           "tensor<{0}x{1}x{2}xf32>",
                           b, n, k),
             weights);
  std::vector<float> expected(n * b * m);
  for (int64_t ib = 0; ib < b; ++ib)
    for (int64_t im = 0; im < m; ++im)
      for (int64_t in = 0; in < n; ++in) {
        double sum = 1.0;
        for (int64_t ik = 0; ik < k; ++ik)
          sum += double(x[(ib * k + ik) * m + im]) * y[(ib * n + in) * k + ik];
        expected[(in * b + ib) * m + im] = float(sum);
      }
  EXPECT_EQ(values(text, weights), expected);
}

TEST_F(EvaluateTest, SoftmaxAlongAMiddleDim) {
  std::vector<float> result = values(kMatrix + std::string(R"(
    %e = tensor.empty() : tensor<2x3xf32>
    %r = linalg.softmax dimension(0) ins(%m : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>)"));
  float low = float(1 / (1 + std::exp(3.0)));
  EXPECT_EQ(result,
            (std::vector<float>{low, low, low, 1 - low, 1 - low, 1 - low}));
}

// Through the op's conversion to linalg.
TEST_F(EvaluateTest, VitOpsAreEvaluated) {
  EXPECT_EQ(values(kMatrix + std::string(R"(
    %w = arith.constant dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<2x3xf32>
    %b = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
    %r = vit.linear %m, %w bias(%b : tensor<2xf32>) : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>)")),
            (std::vector<float>{1.5f, 6.25f, 4.5f, 15.25f}));
}
