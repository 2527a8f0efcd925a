//===- BoxTest.cpp - Data movement and elementwise kernels ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>

using namespace vitc::test;

namespace {

class BoxTest : public testing::TestWithParam<std::string> {
protected:
  std::vector<float> run(llvm::StringRef body, int64_t batch,
                         llvm::ArrayRef<const float *> inputs, int64_t size) {
    std::vector<float> result(size, 12345);
    auto kernel = CompiledKernel::compile(getModule(body), GetParam());
    if (!kernel)
      return result;
    kernel->run(batch, inputs, result.data());
    std::vector<float> again(size, 12345);
    kernel->run(batch, inputs, again.data(), /*numRanges=*/3);
    EXPECT_EQ(again, result);
    return result;
  }

  void testPatches(int64_t batch, int64_t grid, int64_t patch);
  void testMath(llvm::StringRef op, double (*reference)(double), double low,
                double high);
};

/// Patches of 3 channels become rows, behind a row that is left alone.
void BoxTest::testPatches(int64_t batch, int64_t grid, int64_t patch) {
  SCOPED_TRACE(llvm::formatv("grid {0} patch {1}", grid, patch).str());
  int64_t size = grid * patch, rows = grid * grid;
  int64_t pixels = patch * patch, width = 3 * pixels;
  std::string body = llvm::formatv(
      R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x3x{0}x{0}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{1}x{2}xf32>
  kernel.gather batch(%batch) sizes [{3}, {2}]
      input(%x at affine_map<(b, i, c) ->
              (b, c floordiv {4}, (i floordiv {5}) * {6} + (c mod {4}) floordiv {6},
               (i mod {5}) * {6} + c mod {6})> : memref<?x3x{0}x{0}xf32>)
      init(%y at affine_map<(b, i, c) -> (b, i + 1, c)> : memref<?x{1}x{2}xf32>)
)mlir",
      size, rows + 1, width, rows, pixels, grid, patch);
  std::vector<float> input = getRandom(batch * 3 * size * size, 1);
  std::vector<float> result =
      run(body, batch, {input.data()}, batch * (rows + 1) * width);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i <= rows; ++i)
      for (int64_t c = 0; c < width; ++c) {
        float expected = 12345;
        if (i > 0) {
          int64_t y = (i - 1) / grid * patch + c % pixels / patch;
          int64_t x = (i - 1) % grid * patch + c % patch;
          expected = input[((b * 3 + c / pixels) * size + y) * size + x];
        }
        ASSERT_EQ(result[(b * (rows + 1) + i) * width + c], expected)
            << "row " << i << " column " << c;
      }
}

TEST_P(BoxTest, GatherPatches) {
  for (int64_t patch : {1, 2, 3, 4, 7, 8, 14, 16, 32})
    testPatches(2, 3, patch);
}

TEST_P(BoxTest, GatherTranspose) {
  std::vector<float> input = getRandom(2 * 7 * 10, 1);
  std::vector<float> result = run(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x7x10xf32>
  %y = kernel.buffer %context output at 0 : memref<?x10x7xf32>
  kernel.gather batch(%batch) sizes [10, 7]
      input(%x at affine_map<(b, i, j) -> (b, j, i)> : memref<?x7x10xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x10x7xf32>)
)mlir",
                                  2, {input.data()}, 2 * 10 * 7);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = 0; i < 10; ++i)
      for (int64_t j = 0; j < 7; ++j)
        ASSERT_EQ(result[(b * 10 + i) * 7 + j], input[(b * 7 + j) * 10 + i]);
}

// A cyclic shift of 3 in rows of 8: it wraps between elements that are not the
// first of a vector.
TEST_P(BoxTest, GatherShift) {
  std::vector<float> input = getRandom(5 * 8, 1);
  std::vector<float> result = run(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  kernel.gather batch(%batch) sizes [8]
      input(%x at affine_map<(b, c) -> (b, (c + 3) mod 8)> : memref<?x8xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>)
)mlir",
                                  5, {input.data()}, 5 * 8);
  for (int64_t b = 0; b < 5; ++b)
    for (int64_t c = 0; c < 8; ++c)
      ASSERT_EQ(result[b * 8 + c], input[b * 8 + (c + 3) % 8]);
}

// Rows of one element.
TEST_P(BoxTest, GatherScalars) {
  std::vector<float> input = getRandom(5 * 3, 1);
  std::vector<float> result = run(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x3xf32>
  %y = kernel.buffer %context output at 0 : memref<?xf32>
  kernel.gather batch(%batch) sizes [1]
      input(%x at affine_map<(b, c) -> (b, c + 1)> : memref<?x3xf32>)
      init(%y at affine_map<(b, c) -> (b + c)> : memref<?xf32>)
)mlir",
                                  5, {input.data()}, 5);
  for (int64_t b = 0; b < 5; ++b)
    ASSERT_EQ(result[b], input[b * 3 + 1]);
}

// Rows of several tasks, cut between vectors, with what fills no vector; and
// of runs that no task cuts.
TEST_P(BoxTest, GenericLongRow) {
  for (int64_t size : {16384, 16385, 100003}) {
    SCOPED_TRACE(size);
    std::string body = llvm::formatv(
        R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x{0}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}xf32>
  kernel.generic batch(%batch) sizes [{0}] inputs(%x : memref<?x{0}xf32>)
      at [affine_map<(b, c) -> (b, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x{0}xf32>) {{
  ^bb0(%a: f32):
    %0 = kernel.index 1
    %1 = arith.index_cast %0 : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.addf %a, %2 : f32
    kernel.yield %3 : f32
  }
)mlir",
        size);
    std::vector<float> x = getRandom(2 * size, 1), expected;
    for (int64_t i = 0; i < 2 * size; ++i)
      expected.push_back(x[i] + float(i % size));
    EXPECT_EQ(run(body, 2, {x.data()}, 2 * size), expected);
  }
}

TEST_P(BoxTest, GatherLongRow) {
  std::vector<float> input = getRandom(2 * 300 * 101, 1);
  std::vector<float> result = run(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x300x101xf32>
  %y = kernel.buffer %context output at 0 : memref<?x30300xf32>
  kernel.gather batch(%batch) sizes [30300]
      input(%x at affine_map<(b, c) -> (b, 299 - c floordiv 101, c mod 101)> : memref<?x300x101xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x30300xf32>)
)mlir",
                                  2, {input.data()}, 2 * 30300);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t c = 0; c < 30300; ++c)
      ASSERT_EQ(result[b * 30300 + c],
                input[(b * 300 + 299 - c / 101) * 101 + c % 101]);
}

// One input along the row, one the same for all rows, one the same along a row.
TEST_P(BoxTest, GenericBroadcast) {
  for (int64_t channels : {1, 5, 8, 24, 100}) {
    SCOPED_TRACE(channels);
    std::string body = llvm::formatv(
        R"mlir(
  %limit = arith.constant 0.25 : f32
  %x = kernel.buffer %context input at 0 : memref<?x3x{0}xf32>
  %p = kernel.buffer %context input at 1 : memref<{0}xf32>
  %s = kernel.buffer %context input at 2 : memref<?x3xf32>
  %y = kernel.buffer %context output at 0 : memref<?x3x{0}xf32>
  kernel.generic batch(%batch) sizes [3, {0}]
      inputs(%x, %p, %s : memref<?x3x{0}xf32>, memref<{0}xf32>, memref<?x3xf32>)
      at [affine_map<(b, i, c) -> (b, i, c)>, affine_map<(b, i, c) -> (c)>,
          affine_map<(b, i, c) -> (b, i)>]
      init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x3x{0}xf32>) {{
  ^bb0(%a: f32, %q: f32, %w: f32):
    %0 = math.fma %a, %q, %w : f32
    %1 = arith.cmpf ogt, %0, %limit : f32
    %2 = arith.select %1, %limit, %0 : f32
    kernel.yield %2 : f32
  }
)mlir",
        channels);
    std::vector<float> x = getRandom(2 * 3 * channels, 1);
    std::vector<float> p = getRandom(channels, 2);
    std::vector<float> s = getRandom(2 * 3, 3);
    std::vector<double> expected;
    for (int64_t row = 0; row < 2 * 3; ++row)
      for (int64_t c = 0; c < channels; ++c)
        expected.push_back(
            std::min(0.25, double(x[row * channels + c]) * p[c] + s[row]));
    std::vector<float> result =
        run(body, 2, {x.data(), p.data(), s.data()}, expected.size());
    EXPECT_LE(getRelativeError(result, expected), 1e-5);
  }
}

/// A function of one argument in [low, high), on vectors and on a scalar.
void BoxTest::testMath(llvm::StringRef op, double (*reference)(double),
                       double low, double high) {
  SCOPED_TRACE(op.str());
  std::string body = llvm::formatv(
      R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x33xf32>
  %y = kernel.buffer %context output at 0 : memref<?x33xf32>
  kernel.generic batch(%batch) sizes [33] inputs(%x : memref<?x33xf32>)
      at [affine_map<(b, c) -> (b, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x33xf32>) {{
  ^bb0(%a: f32):
    %0 = {0} %a : f32
    kernel.yield %0 : f32
  }
)mlir",
      op);
  std::vector<float> input = getRandom(9 * 33, 1);
  std::vector<double> expected;
  for (float &element : input) {
    element = low + (element + 1) / 2 * (high - low);
    expected.push_back(reference(element));
  }
  std::vector<float> result = run(body, 9, {input.data()}, input.size());
  EXPECT_LE(getRelativeError(result, expected), 1e-5);
}

// Generated code is linked with no libm: each of these becomes instructions.
TEST_P(BoxTest, GenericMath) {
  testMath("math.exp", std::exp, -20, 2);
  testMath("math.tanh", std::tanh, -5, 5);
  testMath("math.erf", std::erf, -4, 4);
  testMath("math.log", std::log, 0.01, 10);
  testMath("math.expm1", std::expm1, -3, 3);
  testMath("math.log1p", std::log1p, -0.9, 10);
  testMath("math.sin", std::sin, -10, 10);
  testMath("math.cos", std::cos, -10, 10);
  testMath("math.exp2", std::exp2, -20, 3);
  testMath("math.sinh", std::sinh, -3, 3);
  testMath("math.round", std::round, -5, 5);
  testMath("math.floor", std::floor, -5, 5);
  testMath("math.sqrt", std::sqrt, 0, 10);
  testMath("math.absf", std::fabs, -3, 3);
  testMath("arith.negf", [](double x) { return -x; }, -3, 3);
}

INSTANTIATE_TEST_SUITE_P(Levels, BoxTest, testing::ValuesIn(getHostLevels()),
                         LevelName());

} // namespace
