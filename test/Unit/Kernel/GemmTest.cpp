//===- GemmTest.cpp - Products against double ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

/// activation(lhs [batch, rows, k] * W [n, k]^T + bias) + residual, into rows
/// `skip` and on of a result with skip + rows rows an item of the batch.
struct Gemm {
  int64_t batch, rows, n, k;
  llvm::StringRef activation = "none";
  bool bias = true, residual = false;
  int64_t skip = 0;
};

class GemmTest : public testing::TestWithParam<std::string> {};

std::string getGemmModule(const Gemm &gemm) {
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input 0 : memref<?x{0}x{1}xf32>
  %w = kernel.buffer %context input 1 : memref<{2}xf32>
  %bias = kernel.buffer %context input 2 : memref<{3}xf32>
  %r = kernel.buffer %context input 3 : memref<?x{0}x{3}xf32>
  %y = kernel.buffer %context output 0 : memref<?x{4}x{3}xf32>
  kernel.gemm batch(%batch) rows(%rows) n {3} k {1}
      lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x{0}x{1}xf32>)
      weights(%w : memref<{2}xf32>)
)mlir",
      gemm.rows, gemm.k,
      packWeights(std::vector<float>(gemm.n * gemm.k), gemm.n, gemm.k).size(),
      gemm.n, gemm.rows + gemm.skip);
  if (gemm.bias)
    body += llvm::formatv("bias(%bias : memref<{0}xf32>)\n", gemm.n);
  if (gemm.residual)
    body += llvm::formatv("residual(%r at affine_map<(b, i, j) -> (b, i, j)> "
                          ": memref<?x{0}x{1}xf32>)\n",
                          gemm.rows, gemm.n);
  body +=
      llvm::formatv("init(%y at affine_map<(b, i, j) -> (b, i + {0}, j)> : "
                    "memref<?x{1}x{2}xf32>) activation {3}\n",
                    gemm.skip, gemm.rows + gemm.skip, gemm.n, gemm.activation);
  return getModule(body);
}

double activate(llvm::StringRef activation, double x) {
  if (activation == "gelu")
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  if (activation == "gelu_tanh")
    return 0.5 * x *
           (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  return x;
}

/// Compares one product with double, and with itself in several ranges of
/// tasks, which must not change a bit.
void testGemm(const Gemm &gemm, llvm::StringRef isa) {
  SCOPED_TRACE(llvm::formatv("batch {0} rows {1} n {2} k {3} {4} {5}",
                             gemm.batch, gemm.rows, gemm.n, gemm.k,
                             gemm.activation, isa)
                   .str());
  auto kernel = CompiledKernel::compile(getGemmModule(gemm), isa);
  ASSERT_TRUE(kernel);

  int64_t numRows = gemm.batch * gemm.rows;
  std::vector<float> lhs = getRandom(numRows * gemm.k, 1);
  std::vector<float> weights = getRandom(gemm.n * gemm.k, 2);
  std::vector<float> packed = packWeights(weights, gemm.n, gemm.k);
  std::vector<float> bias = getRandom(gemm.n, 3);
  std::vector<float> residual = getRandom(numRows * gemm.n, 4);

  constexpr float kUntouched = 12345;
  int64_t resultRows = gemm.rows + gemm.skip;
  std::vector<double> expected(gemm.batch * resultRows * gemm.n, kUntouched);
  for (int64_t m = 0; m < numRows; ++m)
    for (int64_t j = 0; j < gemm.n; ++j) {
      double sum = gemm.bias ? bias[j] : 0;
      for (int64_t l = 0; l < gemm.k; ++l)
        sum += double(lhs[m * gemm.k + l]) * weights[j * gemm.k + l];
      sum = activate(gemm.activation, sum);
      if (gemm.residual)
        sum += residual[m * gemm.n + j];
      int64_t row = m / gemm.rows * resultRows + gemm.skip + m % gemm.rows;
      expected[row * gemm.n + j] = sum;
    }

  const float *inputs[] = {lhs.data(), packed.data(), bias.data(),
                           residual.data()};
  std::vector<float> result(expected.size(), kUntouched);
  kernel->run(gemm.batch, inputs, result.data());
  // The rows that were skipped must be as they were, and do not count as the
  // largest expected value.
  for (auto [value, reference] : llvm::zip_equal(result, expected))
    if (reference == kUntouched) {
      ASSERT_EQ(value, kUntouched);
      value = reference = 0;
    }
  double error = getRelativeError(result, expected);
  EXPECT_LE(error, 1e-5);
  testing::Test::RecordProperty("relative_error",
                                llvm::formatv("{0:e}", error).str());

  for (int64_t numRanges : {2, 7}) {
    std::vector<float> again(expected.size(), 0);
    kernel->run(gemm.batch, inputs, again.data(), numRanges);
    EXPECT_EQ(again, result) << numRanges << " ranges";
  }
}

TEST_P(GemmTest, RowCounts) {
  for (int64_t rows : {1, 2, 3, 4, 5, 6, 7, 11, 197, 1025})
    testGemm({1, rows, 96, 24}, GetParam());
  testGemm({1, 4097, 96, 24}, GetParam());
}

TEST_P(GemmTest, Columns) {
  for (int64_t n : {1, 3, 10, 16, 17, 40, 63, 64, 65, 96, 100, 768, 1000})
    testGemm({1, 7, n, 24}, GetParam());
}

TEST_P(GemmTest, Depths) {
  for (int64_t k : {1, 7, 8, 24, 27, 588, 768, 1537, 3072})
    for (bool residual : {false, true})
      testGemm({1, 13, 96, k, "none", true, residual}, GetParam());
}

TEST_P(GemmTest, Epilogues) {
  for (llvm::StringRef activation : {"none", "gelu", "gelu_tanh"})
    for (bool bias : {false, true})
      for (bool residual : {false, true})
        for (int64_t k : {24, 1600})
          testGemm({2, 9, 100, k, activation, bias, residual}, GetParam());
}

// The result's rows are not evenly spaced: a class token stands before them.
TEST_P(GemmTest, SkippedRows) {
  for (llvm::StringRef activation : {"none", "gelu"})
    testGemm({3, 49, 96, 48, activation, true, true, /*skip=*/1}, GetParam());
}

TEST_P(GemmTest, Batch) {
  for (int64_t batch : {1, 2, 7})
    testGemm({batch, 197, 192, 64}, GetParam());
}

// A NaN reaches the elements that depend on it and no others.
TEST_P(GemmTest, NaN) {
  Gemm gemm = {1, 5, 40, 32, "gelu"};
  auto kernel = CompiledKernel::compile(getGemmModule(gemm), GetParam());
  ASSERT_TRUE(kernel);
  std::vector<float> lhs = getRandom(gemm.rows * gemm.k, 1);
  lhs[3 * gemm.k + 2] = std::nanf("");
  std::vector<float> packed =
      packWeights(getRandom(gemm.n * gemm.k, 2), gemm.n, gemm.k);
  std::vector<float> bias = getRandom(gemm.n, 3);
  std::vector<float> result(gemm.rows * gemm.n);
  const float *inputs[] = {lhs.data(), packed.data(), bias.data(), nullptr};
  kernel->run(1, inputs, result.data());
  for (auto [i, value] : llvm::enumerate(result))
    EXPECT_EQ(std::isnan(value), int64_t(i) / gemm.n == 3) << i;
}

// An empty batch has no tasks.
TEST_P(GemmTest, NoRows) {
  auto kernel =
      CompiledKernel::compile(getGemmModule({0, 5, 40, 32}), GetParam());
  ASSERT_TRUE(kernel);
  const float *inputs[] = {nullptr, nullptr, nullptr, nullptr};
  kernel->run(0, inputs, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Levels, GemmTest, testing::ValuesIn(getHostLevels()),
                         [](const testing::TestParamInfo<std::string> &info) {
                           return info.param.substr(info.param.size() - 2);
                         });

} // namespace
