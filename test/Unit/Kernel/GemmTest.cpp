//===- GemmTest.cpp - Products against double -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmModule.h"
#include "KernelTestHarness.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

/// Over all runs of a test.
double largestError;

class GemmTest : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { largestError = 0; }
  void TearDown() override {
    RecordProperty("largest_relative_error",
                   llvm::formatv("{0:e}", largestError).str());
  }
};

double activate(llvm::StringRef activation, double x) {
  if (activation == "gelu")
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  if (activation == "gelu_tanh")
    return 0.5 * x *
           (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  if (activation == "gelu_quick")
    return x / (1 + std::exp(-1.702 * x));
  if (activation == "relu")
    return std::max(x, 0.0);
  if (activation == "silu")
    return x / (1 + std::exp(-x));
  if (activation == "sigmoid")
    return 1 / (1 + std::exp(-x));
  return x;
}

/// Compares one run with double, and with itself in several ranges of tasks,
/// which must not change a bit.
void testRun(CompiledKernel &kernel, const Gemm &gemm, int64_t batch) {
  int64_t allRows = gemm.skip + gemm.rows;
  std::vector<float> lhs = getRandom(batch * allRows * gemm.k, 1);
  std::vector<float> weights = getRandom(gemm.n * gemm.k, 2);
  std::vector<float> packed = packWeights(weights, gemm.n, gemm.k);
  std::vector<float> bias = getRandom(gemm.n, 3);
  std::vector<float> residual = getRandom(batch * gemm.rows * gemm.n, 4);

  std::vector<double> expected(batch * allRows * gemm.n);
  for (int64_t m = 0; m < batch * gemm.rows; ++m) {
    int64_t row = m / gemm.rows * allRows + gemm.skip + m % gemm.rows;
    for (int64_t j = 0; j < gemm.n; ++j) {
      double sum = gemm.bias ? bias[j] : 0;
      for (int64_t l = 0; l < gemm.k; ++l)
        sum += double(lhs[row * gemm.k + l]) * weights[j * gemm.k + l];
      sum = activate(gemm.activation, sum);
      if (gemm.residual)
        sum += residual[m * gemm.n + j];
      expected[row * gemm.n + j] = sum;
    }
  }

  const float *inputs[] = {lhs.data(), packed.data(), bias.data(),
                           residual.data()};
  // Rows that are skipped stay zero, as expected has them.
  std::vector<float> result(expected.size());
  kernel.run(batch, inputs, result.data());
  double error = getRelativeError(result, expected);
  EXPECT_LE(error, 1e-5);
  largestError = std::max(largestError, error);
  for (int64_t numRanges : {2, 7}) {
    std::vector<float> again(expected.size());
    kernel.run(batch, inputs, again.data(), numRanges);
    EXPECT_EQ(again, result) << numRanges << " ranges";
  }
}

void testGemm(const Gemm &gemm, llvm::StringRef isa,
              llvm::ArrayRef<int64_t> batches = {1, 3}) {
  auto kernel = CompiledKernel::compile(getGemmModule(gemm), isa);
  ASSERT_TRUE(kernel);
  for (int64_t batch : batches) {
    SCOPED_TRACE(llvm::formatv("batch {0} rows {1} n {2} k {3} {4} {5}", batch,
                               gemm.rows, gemm.n, gemm.k, gemm.activation, isa)
                     .str());
    testRun(*kernel, gemm, batch);
  }
}

// One row an item: the batch is the number of rows.
TEST_P(GemmTest, Rows) {
  // The emulator takes long for many blocks.
  if (isGpu(GetParam())) {
    testGemm({1, 96, 24}, GetParam(), {1, 3, 4, 5, 13});
    return testGemm({1, 1000, 768}, GetParam(), {1, 7});
  }
  for (int64_t n : {10, 96})
    testGemm({1, n, 24}, GetParam(),
             {1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 197, 257, 1025, 4097});
  testGemm({1, 1000, 768}, GetParam(), {1, 7, 197});
}

TEST_P(GemmTest, Columns) {
  for (int64_t n : {1, 3, 16, 17, 40, 63, 64, 65, 100, 192})
    testGemm({7, n, 24}, GetParam());
}

TEST_P(GemmTest, Depths) {
  for (int64_t k : {1, 7, 8, 27, 588, 1537, 3072})
    testGemm({13, 80, k, "none", true, /*residual=*/k % 2 == 0}, GetParam());
}

TEST_P(GemmTest, Epilogues) {
  for (llvm::StringRef activation :
       {"none", "gelu", "gelu_tanh", "gelu_quick", "relu", "silu", "sigmoid"})
    for (bool bias : {false, true})
      for (bool residual : {false, true})
        testGemm({9, 100, residual ? 24 : 1600, activation, bias, residual},
                 GetParam());
}

// Rows are not evenly spaced: a class token stands before each item's.
TEST_P(GemmTest, SkippedRows) {
  for (llvm::StringRef activation : {"none", "gelu"})
    for (int64_t k : {48, 1600})
      testGemm({49, 96, k, activation, true, true, /*skip=*/1}, GetParam());
}

// A product with 1: the activation alone, far beyond where its polynomials
// hold.
TEST_P(GemmTest, Activations) {
  // The emulator takes long for many blocks.
  const int step = isGpu(GetParam()) ? 50 : 1;
  for (llvm::StringRef activation :
       {"gelu", "gelu_tanh", "gelu_quick", "relu", "silu", "sigmoid"}) {
    auto kernel = CompiledKernel::compile(
        getGemmModule({1, 1, 1, activation, /*bias=*/false}), GetParam());
    ASSERT_TRUE(kernel);
    std::vector<float> values = {-1e30f, -1000, -100, 100, 1000, 1e30f};
    for (int i = -20000; i <= 20000; i += step)
      values.push_back(i * 1e-3f);
    std::vector<float> weights = packWeights({1}, 1, 1);
    std::vector<float> result(values.size());
    kernel->run(values.size(), {values.data(), weights.data()}, result.data());
    for (auto [x, y] : llvm::zip_equal(values, result)) {
      double expected = activate(activation, x);
      double error =
          std::fabs(y - expected) / std::max(1.0, std::fabs(expected));
      EXPECT_LE(error, 4e-7) << activation.str() << " of " << x;
      largestError = std::max(largestError, error);
    }
  }
}

// A NaN reaches the elements that depend on it and no others.
TEST_P(GemmTest, NaN) {
  Gemm gemm = {5, 40, 32, "gelu"};
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
  auto kernel = CompiledKernel::compile(getGemmModule({5, 40, 32}), GetParam());
  ASSERT_TRUE(kernel);
  const float *inputs[] = {nullptr, nullptr, nullptr, nullptr};
  kernel->run(0, inputs, nullptr);
}

// Threads are shared among the items, of which there may be none.
TEST_P(GemmTest, NoItemsWithWeights) {
  auto kernel = CompiledKernel::compile(getModule(R"mlir(
  %rows = arith.constant 5 : index
  %x = kernel.buffer %context input at 0 : memref<?x5x32xf32>
  %w = kernel.buffer %context input at 1 : memref<?x512xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x16xf32>
  kernel.gemm batch(%batch) rows(%rows) n 16 k 32
      lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x5x32xf32>)
      weights(%w : memref<?x512xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x5x16xf32>)
)mlir"),
                                        GetParam());
  ASSERT_TRUE(kernel);
  const float *inputs[] = {nullptr, nullptr};
  kernel->run(0, inputs, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Levels, GemmTest, testing::ValuesIn(getHostLevels()),
                         LevelName());

} // namespace
