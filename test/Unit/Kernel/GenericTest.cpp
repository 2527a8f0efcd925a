//===- GenericTest.cpp - Reductions, tables and element types -------------===//
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
#include <numeric>

using namespace vitc::test;

namespace {

class GenericTest : public testing::TestWithParam<std::string> {
protected:
  /// Runs a module in one range of tasks and in three, which must agree.
  template <typename T>
  std::vector<T> run(llvm::StringRef body, int64_t batch,
                     llvm::ArrayRef<const void *> inputs, int64_t size) {
    std::vector<T> result(size, T(123));
    auto kernel = CompiledKernel::compile(getModule(body), GetParam());
    if (!kernel)
      return result;
    kernel->runBuffers(batch, inputs, result.data());
    std::vector<T> again(size, T(123));
    kernel->runBuffers(batch, inputs, again.data(), /*numRanges=*/3);
    EXPECT_EQ(std::memcmp(again.data(), result.data(), size * sizeof(T)), 0);
    return result;
  }

  /// y[b, i] = body(x[b, i]) of types `from` and `to`.
  template <typename To, typename From>
  std::vector<To> map(llvm::StringRef from, llvm::StringRef to,
                      llvm::StringRef body, const std::vector<From> &input) {
    std::string text = llvm::formatv(
        R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x{3}x{0}>
  %y = kernel.buffer %context output at 0 : memref<?x{3}x{1}>
  kernel.generic batch(%batch) sizes [{3}] inputs(%x : memref<?x{3}x{0}>)
      at [affine_map<(b, c) -> (b, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x{3}x{1}>) {{
  ^bb0(%a: {0}):
    {2}
    kernel.yield %r : {1}
  }
)mlir",
        from, to, body, input.size() / 3);
    return run<To>(text, 3, {input.data()}, input.size());
  }
};

std::vector<int64_t> getSequence(int64_t size, int64_t factor, int64_t modulo) {
  std::vector<int64_t> values(size);
  for (int64_t i = 0; i < size; ++i)
    values[i] = i * factor % modulo;
  return values;
}

// Vectors along the reduced dim, with what fills no vector, from an identity
// that is not neutral.
TEST_P(GenericTest, SumOfRows) {
  for (int64_t size : {1, 2, 3, 7, 16, 33, 64, 100, 301}) {
    SCOPED_TRACE(size);
    std::string body = llvm::formatv(
        R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x5x3x{0}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5xf32>
  kernel.generic batch(%batch) sizes [5] reduce [3, {0}] identity 1.5 : f32
      inputs(%x : memref<?x5x3x{0}xf32>) at [affine_map<(b, i, r, k) -> (b, i, r, k)>]
      init(%y at affine_map<(b, i, r, k) -> (b, i)> : memref<?x5xf32>) {{
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.mulf %a, %a : f32
    %1 = arith.addf %sum, %0 : f32
    kernel.yield %1 : f32
  }
)mlir",
        size);
    std::vector<float> x = getRandom(2 * 5 * 3 * size, 1);
    std::vector<double> expected(2 * 5, 1.5);
    for (size_t i = 0; i < x.size(); ++i)
      expected[i / (3 * size)] += double(x[i]) * x[i];
    std::vector<float> result =
        run<float>(body, 2, {x.data()}, expected.size());
    EXPECT_LE(getRelativeError(result, expected), 1e-6);
  }
}

// Vectors along the results, several at once; 20000 results are several tasks.
TEST_P(GenericTest, MaximumOfColumns) {
  for (int64_t size : {1, 5, 16, 37, 100, 200, 20000}) {
    SCOPED_TRACE(size);
    std::string body = llvm::formatv(
        R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x7x{0}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}xf32>
  kernel.generic batch(%batch) sizes [{0}] reduce [7] identity 0xFF800000 : f32
      inputs(%x : memref<?x7x{0}xf32>) at [affine_map<(b, i, r) -> (b, r, i)>]
      init(%y at affine_map<(b, i, r) -> (b, i)> : memref<?x{0}xf32>) {{
  ^bb0(%a: f32, %max: f32):
    %0 = arith.maximumf %max, %a : f32
    kernel.yield %0 : f32
  }
)mlir",
        size);
    std::vector<float> x = getRandom(2 * 7 * size, 1);
    std::vector<float> expected(2 * size, -INFINITY);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t r = 0; r < 7; ++r)
        for (int64_t i = 0; i < size; ++i)
          expected[b * size + i] =
              std::max(expected[b * size + i], x[(b * 7 + r) * size + i]);
    EXPECT_EQ(run<float>(body, 2, {x.data()}, expected.size()), expected);
  }
}

// Short rows of results that follow each other in memory, across tasks.
TEST_P(GenericTest, SumToShortRows) {
  std::vector<float> x = getRandom(2 * 5 * 7 * 11 * 3, 1);
  std::vector<float> result = run<float>(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x5x7x11x3xf32>
  %y = kernel.buffer %context output at 0 : memref<?x7x11x3xf32>
  kernel.generic batch(%batch) sizes [7, 11, 3] reduce [5] identity 0.0 : f32
      inputs(%x : memref<?x5x7x11x3xf32>) at [affine_map<(b, i, j, c, r) -> (b, r, i, j, c)>]
      init(%y at affine_map<(b, i, j, c, r) -> (b, i, j, c)> : memref<?x7x11x3xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    kernel.yield %0 : f32
  }
)mlir",
                                         2, {x.data()}, 2 * 7 * 11 * 3);
  std::vector<double> expected(2 * 231, 0);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t r = 0; r < 5; ++r)
      for (int64_t i = 0; i < 231; ++i)
        expected[b * 231 + i] += x[(b * 5 + r) * 231 + i];
  EXPECT_LE(getRelativeError(result, expected), 1e-6);
}

// A pooling window of 3 x 3 with stride 2: lanes lie 2 apart in the input.
TEST_P(GenericTest, PoolingChannelsFirst) {
  std::vector<float> x = getRandom(2 * 3 * 41 * 41, 1);
  std::vector<float> result = run<float>(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x3x41x41xf32>
  %y = kernel.buffer %context output at 0 : memref<?x3x20x20xf32>
  kernel.generic batch(%batch) sizes [3, 20, 20] reduce [3, 3] identity 0xFF800000 : f32
      inputs(%x : memref<?x3x41x41xf32>)
      at [affine_map<(b, c, h, w, i, j) -> (b, c, h * 2 + i, w * 2 + j)>]
      init(%y at affine_map<(b, c, h, w, i, j) -> (b, c, h, w)> : memref<?x3x20x20xf32>) {
  ^bb0(%a: f32, %max: f32):
    %0 = arith.maximumf %max, %a : f32
    kernel.yield %0 : f32
  }
)mlir",
                                         2, {x.data()}, 2 * 3 * 20 * 20);
  for (int64_t c = 0; c < 6; ++c)
    for (int64_t h = 0; h < 20; ++h)
      for (int64_t w = 0; w < 20; ++w) {
        float expected = -INFINITY;
        for (int64_t k = 0; k < 9; ++k)
          expected = std::max(expected,
                              x[(c * 41 + h * 2 + k / 3) * 41 + w * 2 + k % 3]);
        ASSERT_EQ(result[(c * 20 + h) * 20 + w], expected);
      }
}

// A depthwise convolution, channels last, that goes on from what init holds.
TEST_P(GenericTest, DepthwiseConvolution) {
  std::vector<float> x = getRandom(2 * 8 * 8 * 35, 1);
  std::vector<float> filter = getRandom(3 * 3 * 35, 2);
  std::vector<float> result =
      run<float>(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x8x8x35xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x35xf32>
  %y = kernel.buffer %context output at 0 : memref<?x6x6x35xf32>
  kernel.generic batch(%batch) sizes [6, 6, 35] at []
      init(%y at affine_map<(b, h, w, c) -> (b, h, w, c)> : memref<?x6x6x35xf32>) {
    %half = arith.constant 0.5 : f32
    kernel.yield %half : f32
  }
  kernel.generic batch(%batch) sizes [6, 6, 35] reduce [3, 3]
      inputs(%x, %w : memref<?x8x8x35xf32>, memref<3x3x35xf32>)
      at [affine_map<(b, h, w, c, i, j) -> (b, h + i, w + j, c)>,
          affine_map<(b, h, w, c, i, j) -> (i, j, c)>]
      init(%y at affine_map<(b, h, w, c, i, j) -> (b, h, w, c)> : memref<?x6x6x35xf32>) {
  ^bb0(%a: f32, %f: f32, %sum: f32):
    %0 = arith.mulf %a, %f : f32
    %1 = arith.addf %sum, %0 : f32
    kernel.yield %1 : f32
  }
)mlir",
                 2, {x.data(), filter.data()}, 2 * 6 * 6 * 35);
  std::vector<double> expected;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t p = 0; p < 36; ++p)
      for (int64_t c = 0; c < 35; ++c) {
        double sum = 0.5;
        for (int64_t k = 0; k < 9; ++k)
          sum += double(filter[k * 35 + c]) *
                 x[((b * 8 + p / 6 + k / 3) * 8 + p % 6 + k % 3) * 35 + c];
        expected.push_back(sum);
      }
  EXPECT_LE(getRelativeError(result, expected), 1e-6);
}

// A body that no associative op ends: the last index where x is positive.
TEST_P(GenericTest, ReductionInOrder) {
  std::vector<float> x = getRandom(4 * 50, 1);
  std::vector<int64_t> result = run<int64_t>(R"mlir(
  %none = arith.constant -1 : i64
  %zero = arith.constant 0.0 : f32
  %x = kernel.buffer %context input at 0 : memref<?x50xf32>
  %y = kernel.buffer %context output at 0 : memref<?xi64>
  kernel.generic batch(%batch) sizes [1] reduce [50] identity -1 : i64
      inputs(%x : memref<?x50xf32>) at [affine_map<(b, i, k) -> (b, k)>]
      init(%y at affine_map<(b, i, k) -> (b + i)> : memref<?xi64>) {
  ^bb0(%a: f32, %last: i64):
    %k = kernel.index 2
    %0 = arith.index_cast %k : index to i64
    %1 = arith.cmpf ogt, %a, %zero : f32
    %2 = arith.select %1, %0, %last : i64
    kernel.yield %2 : i64
  }
)mlir",
                                             4, {x.data()}, 4);
  for (int64_t b = 0; b < 4; ++b) {
    int64_t expected = -1;
    for (int64_t k = 0; k < 50; ++k)
      expected = x[b * 50 + k] > 0 ? k : expected;
    EXPECT_EQ(result[b], expected);
  }
}

// Whole rows of a table, at indices of a tensor.
TEST_P(GenericTest, Embedding) {
  std::vector<float> table = getRandom(11 * 37, 1);
  std::vector<int64_t> tokens = getSequence(3 * 5, 7, 11);
  std::vector<float> result =
      run<float>(R"mlir(
  %t = kernel.buffer %context input at 0 : memref<11x37xf32>
  %x = kernel.buffer %context input at 1 : memref<?x5xi64>
  %y = kernel.buffer %context output at 0 : memref<?x5x37xf32>
  kernel.generic batch(%batch) sizes [5, 37] inputs(%x : memref<?x5xi64>)
      at [affine_map<(b, n, c) -> (b, n)>]
      tables(%t : memref<11x37xf32>) through [affine_map<(i, c) -> (i, c)>]
      init(%y at affine_map<(b, n, c) -> (b, n, c)> : memref<?x5x37xf32>) {
  ^bb0(%token: i64):
    %row = arith.index_cast %token : i64 to index
    %c = kernel.index 2
    %0 = kernel.load 0[%row, %c] : f32
    kernel.yield %0 : f32
  }
)mlir",
                 3, {table.data(), tokens.data()}, 3 * 5 * 37);
  for (int64_t i = 0; i < 15; ++i)
    for (int64_t c = 0; c < 37; ++c)
      ASSERT_EQ(result[i * 37 + c], table[tokens[i] * 37 + c]);
}

// Columns at indices of a tensor, and rows backwards, of a transposed table.
TEST_P(GenericTest, TableColumns) {
  std::vector<float> table = getRandom(6 * 40, 1);
  std::vector<int64_t> columns = getSequence(40, 17, 40);
  std::vector<float> result =
      run<float>(R"mlir(
  %last = arith.constant 39 : index
  %t = kernel.buffer %context input at 0 : memref<6x40xf32>
  %x = kernel.buffer %context input at 1 : memref<40xi64>
  %y = kernel.buffer %context output at 0 : memref<6x40xf32>
  %c6 = arith.constant 6 : index
  kernel.generic batch(%c6) sizes [40] inputs(%x : memref<40xi64>)
      at [affine_map<(b, c) -> (c)>]
      tables(%t : memref<6x40xf32>) through [affine_map<(c, r) -> (r, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<6x40xf32>) {
  ^bb0(%column: i64):
    %r = kernel.index 0
    %c = kernel.index 1
    %0 = arith.index_cast %column : i64 to index
    %1 = arith.subi %last, %c : index
    %2 = kernel.load 0[%0, %r] : f32
    %3 = kernel.load 0[%1, %r] : f32
    %4 = arith.addf %2, %3 : f32
    kernel.yield %4 : f32
  }
)mlir",
                 1, {table.data(), columns.data()}, 6 * 40);
  for (int64_t r = 0; r < 6; ++r)
    for (int64_t c = 0; c < 40; ++c)
      ASSERT_EQ(result[r * 40 + c],
                table[r * 40 + columns[c]] + table[r * 40 + 39 - c]);
}

// A row backwards is no vector in memory; its functions are.
TEST_P(GenericTest, Reverse) {
  std::vector<float> x = getRandom(2 * 37, 1);
  std::vector<float> result = run<float>(R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x37xf32>
  %y = kernel.buffer %context output at 0 : memref<?x37xf32>
  kernel.generic batch(%batch) sizes [37] inputs(%x : memref<?x37xf32>)
      at [affine_map<(b, c) -> (b, 36 - c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x37xf32>) {
  ^bb0(%a: f32):
    %0 = arith.negf %a : f32
    kernel.yield %0 : f32
  }
)mlir",
                                         2, {x.data()}, 2 * 37);
  for (int64_t i = 0; i < 2 * 37; ++i)
    ASSERT_EQ(result[i], -x[i / 37 * 37 + 36 - i % 37]);
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

// A byte a value, in and out.
TEST_P(GenericTest, Booleans) {
  std::vector<uint8_t> x(3 * 37);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = i % 3 == 0;
  std::vector<uint8_t> result = map<uint8_t>("i1", "i1", R"mlir(
    %true = arith.constant true
    %r = arith.xori %a, %true : i1
)mlir",
                                             x);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(result[i], 1 - x[i]) << i;
  std::vector<float> numbers =
      map<float>("i1", "f32", "%r = arith.uitofp %a : i1 to f32", x);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(numbers[i], x[i]);
  std::vector<uint8_t> positive = map<uint8_t>("f32", "i1", R"mlir(
    %half = arith.constant 0.5 : f32
    %r = arith.cmpf ogt, %a, %half : f32
)mlir",
                                               numbers);
  EXPECT_EQ(positive, x);
}

TEST_P(GenericTest, Integers) {
  std::vector<int8_t> bytes(3 * 75);
  std::iota(bytes.begin(), bytes.end(), -100);
  std::vector<float> numbers = map<float>("i8", "f32", R"mlir(
    %0 = arith.sitofp %a : i8 to f32
    %half = arith.constant 0.5 : f32
    %r = arith.mulf %0, %half : f32
)mlir",
                                          bytes);
  for (size_t i = 0; i < bytes.size(); ++i)
    ASSERT_EQ(numbers[i], bytes[i] * 0.5f);
  std::vector<int8_t> sums =
      map<int8_t>("i8", "i8", "%r = arith.addi %a, %a : i8", bytes);
  for (size_t i = 0; i < bytes.size(); ++i)
    ASSERT_EQ(sums[i], int8_t(bytes[i] * 2));

  std::vector<int64_t> wide(3 * 37);
  std::iota(wide.begin(), wide.end(), -50);
  std::vector<int64_t> quotients = map<int64_t>("i64", "i64", R"mlir(
    %seven = arith.constant 7 : i64
    %0 = arith.floordivsi %a, %seven : i64
    %1 = arith.remsi %a, %seven : i64
    %2 = arith.muli %0, %seven : i64
    %r = arith.addi %2, %1 : i64
)mlir",
                                                wide);
  for (size_t i = 0; i < wide.size(); ++i)
    ASSERT_EQ(quotients[i],
              int64_t(std::floor(wide[i] / 7.0)) * 7 + wide[i] % 7);
  std::vector<uint16_t> narrow =
      map<uint16_t>("i64", "i16", "%r = arith.trunci %a : i64 to i16", wide);
  for (size_t i = 0; i < wide.size(); ++i)
    ASSERT_EQ(narrow[i], uint16_t(wide[i]));
}

TEST_P(GenericTest, Doubles) {
  if (isGpu(GetParam()))
    GTEST_SKIP() << "a GPU has no such functions of f64";
  std::vector<double> x;
  for (float value : getRandom(3 * 37, 1))
    x.push_back(value);
  std::vector<double> result = map<double>("f64", "f64", R"mlir(
    %0 = math.exp %a : f64
    %1 = math.erf %0 : f64
    %r = arith.mulf %1, %a : f64
)mlir",
                                           x);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(result[i], std::erf(std::exp(x[i])) * x[i], 1e-15);
}

// Every value of 16 bits, there and back, and rounding to nearest even.
TEST_P(GenericTest, HalfPrecision) {
  for (const char *type : {"f16", "bf16"}) {
    SCOPED_TRACE(type);
    std::vector<uint16_t> all(1 << 16);
    std::iota(all.begin(), all.end(), 0);
    all.resize((1 << 16) / 3 * 3);
    std::vector<float> wide = map<float>(
        type, "f32",
        llvm::formatv("%r = arith.extf %a : {0} to f32", type).str(), all);
    std::vector<uint16_t> back = map<uint16_t>(
        "f32", type,
        llvm::formatv("%r = arith.truncf %a : f32 to {0}", type).str(), wide);
    std::vector<uint16_t> doubled = map<uint16_t>(
        type, type, llvm::formatv("%r = arith.addf %a, %a : {0}", type).str(),
        all);
    bool isHalf = llvm::StringRef(type) == "f16";
    for (size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(wide[i]))
        continue;
      ASSERT_EQ(back[i], all[i]);
      float expected = isHalf ? wide[i] * 2 : 2 * wide[i];
      if (isHalf && std::fabs(expected) > 65504)
        expected = std::copysign(INFINITY, expected);
      uint16_t bits = doubled[i];
      ASSERT_EQ(wide[bits], expected) << i;
    }
    EXPECT_EQ(wide[isHalf ? 0x3C01 : 0x3F81],
              isHalf ? 1.0009765625f : 1.0078125f);
    EXPECT_TRUE(std::isnan(wide[isHalf ? 0x7E00 : 0x7FC0]));
    EXPECT_EQ(wide[1], isHalf ? std::ldexp(1.0f, -24) : std::ldexp(1.0f, -133));
  }
}

TEST_P(GenericTest, HalfPrecisionMath) {
  std::vector<float> x = getRandom(3 * 37, 1);
  std::vector<float> result = map<float>("f32", "f32", R"mlir(
    %0 = arith.truncf %a : f32 to bf16
    %1 = math.exp %0 : bf16
    %r = arith.extf %1 : bf16 to f32
)mlir",
                                         x);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(result[i], std::exp(x[i]), std::exp(x[i]) / 64);
}

INSTANTIATE_TEST_SUITE_P(Levels, GenericTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
