//===- GemmStatisticsTest.cpp - Statistics of products against double -----===//
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
#include <cstring>

using namespace vitc::test;

namespace {

struct Product {
  int64_t rows, n, k, chunks;
  const char *epilogue = "";
  bool hasResidual = false;
};

std::string getProductModule(const Product &product, int64_t packedSize) {
  std::string residual =
      product.hasResidual
          ? llvm::formatv("residual(%r at #map : memref<?x{0}x{1}xf32>)",
                          product.rows, product.n)
                .str()
          : "";
  return "#map = affine_map<(b, i, j) -> (b, i, j)>\n" +
         getModule(llvm::formatv(
                       R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{2}xf32>
  %w = kernel.buffer %context input at 1 : memref<{3}xf32>
  %bias = kernel.buffer %context input at 2 : memref<{1}xf32>
  %r = kernel.buffer %context input at 3 : memref<?x{0}x{1}xf32>
  %s = kernel.buffer %context input at 4 : memref<?x{4}x2x{1}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}x{1}xf32>
  kernel.gemm batch(%batch) rows(%rows) n {1} k {2}
      lhs(%x at #map : memref<?x{0}x{2}xf32>) weights(%w : memref<{3}xf32>)
      bias(%bias : memref<{1}xf32>) {6}
      init(%y at #map : memref<?x{0}x{1}xf32>)
      statistics(%s : memref<?x{4}x2x{1}xf32>) {5}
)mlir",
                       product.rows, product.n, product.k, packedSize,
                       product.chunks, product.epilogue, residual)
                       .str());
}

class GemmStatisticsTest : public testing::TestWithParam<std::string> {
protected:
  /// Mean and variance of each chunk, of results that are about `offset`,
  /// which must not depend on how tasks are cut.
  void test(const Product &product, float offset = 0, int64_t batch = 2);
};

void GemmStatisticsTest::test(const Product &product, float offset,
                              int64_t batch) {
  int64_t rows = product.rows, n = product.n, k = product.k;
  int64_t chunks = product.chunks;
  SCOPED_TRACE(llvm::formatv("rows {0} n {1} k {2} chunks {3} offset {4} {5}",
                             rows, n, k, chunks, offset, GetParam())
                   .str());
  std::vector<float> input = getRandom(batch * rows * k, 1);
  std::vector<float> packed = packWeights(getRandom(n * k, 2), n, k);
  std::vector<float> bias = getRandom(n, 3);
  for (float &value : bias)
    value += offset;
  std::vector<float> residual = getRandom(batch * rows * n, 4);
  std::vector<float> statistics(batch * chunks * 2 * n, std::nanf(""));
  std::vector<float> result(batch * rows * n);
  auto kernel = CompiledKernel::compile(
      getProductModule(product, packed.size()), GetParam());
  ASSERT_TRUE(kernel);
  const float *inputs[] = {input.data(), packed.data(), bias.data(),
                           residual.data(), statistics.data()};
  kernel->run(batch, inputs, result.data());

  for (int64_t item = 0; item < batch; ++item)
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      int64_t begin = chunk * rows / chunks, end = (chunk + 1) * rows / chunks;
      for (int64_t j = 0; j < n; ++j) {
        auto at = [&](int64_t i) {
          return double(result[(item * rows + i) * n + j]);
        };
        double mean = 0, squares = 0, count = end - begin;
        for (int64_t i = begin; i < end; ++i)
          mean += at(i) / count;
        for (int64_t i = begin; i < end; ++i)
          squares += (at(i) - mean) * (at(i) - mean);
        const float *sums = &statistics[(item * chunks + chunk) * 2 * n + j];
        double deviation = std::sqrt(squares / count);
        // To the chunk's first value, few deviations from the mean.
        ASSERT_NEAR(at(begin) + sums[0] / count, mean,
                    1e-5 * deviation + 1e-12);
        ASSERT_NEAR(sums[n] - double(sums[0]) * sums[0] / count, squares,
                    2e-5 * squares + 1e-12);
      }
    }

  std::vector<float> again = result;
  for (int64_t numRanges : {2, 7}) {
    std::vector<float> before = statistics;
    std::fill(statistics.begin(), statistics.end(), std::nanf(""));
    kernel->run(batch, inputs, again.data(), numRanges);
    EXPECT_EQ(0, std::memcmp(before.data(), statistics.data(),
                             before.size() * sizeof(float)))
        << numRanges << " ranges";
  }
}

// One chunk, chunks of as many rows, and of almost as many.
TEST_P(GemmStatisticsTest, Chunks) {
  for (auto [rows, chunks] :
       {std::pair(1, 1), std::pair(49, 1), std::pair(196, 2), std::pair(784, 7),
        std::pair(50, 3)})
    test({rows, 72, 40, chunks});
}

TEST_P(GemmStatisticsTest, Columns) {
  for (int64_t n : {1, 16, 63, 64, 200, 320})
    test({28, n, 20, 2});
}

// The last block of K has the values that are summed.
TEST_P(GemmStatisticsTest, Depths) {
  for (int64_t k : {1, 64, 1600})
    test({28, 72, k, 2});
}

TEST_P(GemmStatisticsTest, LargeMean) {
  for (float offset : {100.0f, 10000.0f})
    test({196, 72, 40, 2}, offset);
}

// They are those of what is stored.
TEST_P(GemmStatisticsTest, Epilogue) {
  test({28, 72, 40, 2, "activation gelu"});
  test({28, 72, 40, 2, "", /*hasResidual=*/true});
  test({28, 72, 1600, 2, "activation gelu", /*hasResidual=*/true});
}

INSTANTIATE_TEST_SUITE_P(Levels, GemmStatisticsTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
