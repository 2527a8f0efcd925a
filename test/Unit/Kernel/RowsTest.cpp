//===- RowsTest.cpp - Norms and means against double ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

class RowsTest : public testing::TestWithParam<std::string> {
protected:
  void test(const std::string &module, int64_t batch,
            llvm::ArrayRef<const float *> inputs,
            llvm::ArrayRef<double> expected) {
    auto kernel = CompiledKernel::compile(module, GetParam());
    ASSERT_TRUE(kernel);
    std::vector<float> result(expected.size(), 12345);
    kernel->run(batch, inputs, result.data());
    EXPECT_LE(getRelativeError(result, expected), 1e-5);
    std::vector<float> again(expected.size());
    kernel->run(batch, inputs, again.data(), /*numRanges=*/3);
    EXPECT_EQ(again, result);
  }

  void testNorm(int64_t batch, int64_t rows, int64_t channels, bool hasScale,
                bool hasShift, float offset = 0);
  /// The result in panels of 64 channels, as products read it.
  void testPackedNorm(int64_t batch, int64_t rows, int64_t channels);
  void testMean(int64_t batch, int64_t rows, int64_t channels);
};

void RowsTest::testNorm(int64_t batch, int64_t rows, int64_t channels,
                        bool hasScale, bool hasShift, float offset) {
  SCOPED_TRACE(llvm::formatv("rows {0} channels {1}", rows, channels).str());
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{1}xf32>
  %scale = kernel.buffer %context input at 1 : memref<{1}xf32>
  %shift = kernel.buffer %context input at 2 : memref<{1}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}x{1}xf32>
  kernel.norm batch(%batch) rows(%rows) channels {1} epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x{0}x{1}xf32>)
)mlir",
      rows, channels);
  if (hasScale)
    body += llvm::formatv("scale(%scale : memref<{0}xf32>)\n", channels);
  if (hasShift)
    body += llvm::formatv("shift(%shift : memref<{0}xf32>)\n", channels);
  body += llvm::formatv("init(%y at affine_map<(b, i, c) -> (b, i, c)> : "
                        "memref<?x{0}x{1}xf32>)\n",
                        rows, channels);

  std::vector<float> input = getRandom(batch * rows * channels, 1);
  for (float &element : input)
    element += offset;
  std::vector<float> scale = getRandom(channels, 2);
  std::vector<float> shift = getRandom(channels, 3);
  std::vector<double> expected(input.size());
  for (int64_t row = 0; row < batch * rows; ++row) {
    const float *source = &input[row * channels];
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; ++c)
      mean += source[c] / double(channels);
    for (int64_t c = 0; c < channels; ++c)
      variance += (source[c] - mean) * (source[c] - mean) / channels;
    for (int64_t c = 0; c < channels; ++c) {
      double element = (source[c] - mean) / std::sqrt(variance + 1e-6);
      if (hasScale)
        element *= scale[c];
      expected[row * channels + c] = element + (hasShift ? shift[c] : 0);
    }
  }
  test(getModule(body), batch, {input.data(), scale.data(), shift.data()},
       expected);
}

void RowsTest::testPackedNorm(int64_t batch, int64_t rows, int64_t channels) {
  SCOPED_TRACE(llvm::formatv("rows {0} channels {1}", rows, channels).str());
  int64_t panel = rows * 64, size = rows * channels;
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{1}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{2}xf32>
  kernel.norm batch(%batch) rows(%rows) channels {1} epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x{0}x{1}xf32>)
      init(%y at affine_map<(b, i, c) -> (b, i * 64 + (c floordiv 64) * {3} + c mod 64)> : memref<?x{2}xf32>)
)mlir",
      rows, channels, size, panel);
  std::vector<float> input = getRandom(batch * size, 1);
  std::vector<double> expected(input.size());
  for (int64_t row = 0; row < batch * rows; ++row) {
    const float *source = &input[row * channels];
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; ++c)
      mean += source[c] / double(channels);
    for (int64_t c = 0; c < channels; ++c)
      variance += (source[c] - mean) * (source[c] - mean) / channels;
    double *item = &expected[row / rows * size];
    for (int64_t c = 0; c < channels; ++c)
      item[c / 64 * panel + row % rows * 64 + c % 64] =
          (source[c] - mean) / std::sqrt(variance + 1e-6);
  }
  test(getModule(body), batch, {input.data()}, expected);
}

void RowsTest::testMean(int64_t batch, int64_t rows, int64_t channels) {
  SCOPED_TRACE(llvm::formatv("rows {0} channels {1}", rows, channels).str());
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{1}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{1}xf32>
  kernel.mean batch(%batch) rows(%rows) channels {1}
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x{0}x{1}xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x{1}xf32>)
)mlir",
      rows, channels);
  std::vector<float> input = getRandom(batch * rows * channels, 1);
  std::vector<double> expected(batch * channels, 0);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t c = 0; c < channels; ++c)
        expected[b * channels + c] +=
            input[(b * rows + i) * channels + c] / double(rows);
  test(getModule(body), batch, {input.data()}, expected);
}

TEST_P(RowsTest, NormChannels) {
  for (int64_t channels : {1, 3, 10, 24, 96, 100, 768, 1000})
    testNorm(2, 7, channels, /*hasScale=*/true, /*hasShift=*/true);
}

TEST_P(RowsTest, NormOperands) {
  for (bool hasScale : {false, true})
    for (bool hasShift : {false, true})
      testNorm(1, 197, 40, hasScale, hasShift);
}

// Differences from the mean, not of squares: nothing cancels.
TEST_P(RowsTest, NormLargeMean) {
  testNorm(1, 5, 96, /*hasScale=*/false, /*hasShift=*/false, /*offset=*/16);
}

TEST_P(RowsTest, NormPacked) {
  testPackedNorm(2, 7, 128);
  testPackedNorm(1, 197, 512);
}

TEST_P(RowsTest, Mean) {
  for (int64_t channels : {1, 3, 10, 63, 64, 96, 100, 768, 1000})
    testMean(2, 49, channels);
  testMean(1, 1, 96);
}

INSTANTIATE_TEST_SUITE_P(Levels, RowsTest, testing::ValuesIn(getHostLevels()),
                         LevelName());

} // namespace
