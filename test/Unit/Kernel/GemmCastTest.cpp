//===- GemmCastTest.cpp - Products that read or write 16 bits -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmModule.h"
#include "KernelTestHarness.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

using Bits = std::vector<uint16_t>;

const llvm::fltSemantics &getSemantics(llvm::StringRef type) {
  return type == "f16" ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
}

/// To nearest even.
uint16_t roundTo(llvm::StringRef type, double value) {
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(getSemantics(type), llvm::APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.bitcastToAPInt().getZExtValue();
}

double widen(llvm::StringRef type, uint16_t bits) {
  llvm::APFloat number(getSemantics(type), llvm::APInt(16, bits));
  return number.convertToDouble();
}

Bits roundAll(llvm::StringRef type, llvm::ArrayRef<float> values) {
  Bits bits;
  for (float value : values)
    bits.push_back(roundTo(type, value));
  return bits;
}

Gemm withTypes(Gemm gemm, llvm::StringRef lhs, llvm::StringRef init) {
  gemm.lhs = lhs;
  gemm.init = init;
  return gemm;
}

class GemmCastTest : public testing::TestWithParam<std::string> {};

/// The same product in f32, rounded once, has the same bits, and is what double
/// gives but for the error of a sum.
void testRun(const Gemm &gemm, float scale, llvm::StringRef isa,
             int64_t batch) {
  Gemm plain = gemm;
  plain.lhs = plain.init = "f32";
  auto kernel = CompiledKernel::compile(getGemmModule(gemm), isa);
  auto plainKernel = CompiledKernel::compile(getGemmModule(plain), isa);
  ASSERT_TRUE(kernel && plainKernel);

  std::vector<float> lhs = getRandom(batch * gemm.rows * gemm.k, 1);
  std::vector<float> weights = getRandom(gemm.n * gemm.k, 2);
  std::vector<float> bias = getRandom(gemm.n, 3);
  std::vector<float> residual = getRandom(batch * gemm.rows * gemm.n, 4);
  for (std::vector<float> *addends : {&weights, &bias, &residual})
    for (float &value : *addends)
      value *= scale;
  Bits narrowLhs;
  if (gemm.lhs != "f32") {
    narrowLhs = roundAll(gemm.lhs, lhs);
    for (auto [value, bits] : llvm::zip_equal(lhs, narrowLhs))
      value = widen(gemm.lhs, bits);
  }

  std::vector<float> packed = packWeights(weights, gemm.n, gemm.k);
  const float *plainInputs[] = {lhs.data(), packed.data(), bias.data(),
                                residual.data()};
  std::vector<float> exact(residual.size());
  plainKernel->run(batch, plainInputs, exact.data());

  const void *inputs[] = {narrowLhs.empty() ? static_cast<void *>(lhs.data())
                                            : narrowLhs.data(),
                          packed.data(), bias.data(), residual.data()};
  for (int64_t numRanges : {1, 5}) {
    if (gemm.init == "f32") {
      std::vector<float> result(exact.size());
      kernel->runBuffers(batch, inputs, result.data(), numRanges);
      EXPECT_EQ(result, exact);
      continue;
    }
    // One more, which is not written.
    Bits result(exact.size() + 1, 0xABCD);
    Bits expected = roundAll(gemm.init, exact);
    expected.push_back(0xABCD);
    kernel->runBuffers(batch, inputs, result.data(), numRanges);
    EXPECT_EQ(result, expected);
  }
  if (gemm.activation != "none")
    return;
  for (auto [i, found] : llvm::enumerate(exact)) {
    int64_t m = i / gemm.n, j = i % gemm.n;
    double sum = bias[j], magnitude = std::fabs(sum);
    for (int64_t l = 0; l < gemm.k; ++l) {
      double term = double(lhs[m * gemm.k + l]) * weights[j * gemm.k + l];
      sum += term;
      magnitude += std::fabs(term);
    }
    sum += gemm.residual ? residual[i] : 0;
    ASSERT_NEAR(found, sum, 1e-6 * magnitude) << i;
  }
}

/// `scale` is of what is summed.
void testGemm(const Gemm &gemm, llvm::StringRef isa, float scale = 1) {
  SCOPED_TRACE(llvm::formatv("rows {0} n {1} k {2} {3} to {4} {5} scale {6}",
                             gemm.rows, gemm.n, gemm.k, gemm.lhs, gemm.init,
                             gemm.activation, scale)
                   .str());
  testRun(gemm, scale, isa, /*batch=*/3);
}

TEST_P(GemmCastTest, Columns) {
  for (llvm::StringRef type : {"f16", "bf16"})
    for (int64_t n : {1, 17, 100})
      testGemm(withTypes({7, n, 27}, type, type), GetParam());
}

// The sums of more than one block of K would be kept in the result.
TEST_P(GemmCastTest, Epilogues) {
  for (llvm::StringRef type : {"f16", "bf16"})
    for (llvm::StringRef activation : {"none", "gelu"})
      for (bool residual : {false, true})
        testGemm(withTypes({9, 100, residual ? 24 : 1600, activation,
                            /*bias=*/true, residual},
                           "f32", type),
                 GetParam());
}

TEST_P(GemmCastTest, Rows) {
  for (llvm::StringRef type : {"f16", "bf16"})
    for (int64_t k : {1, 40, 1603})
      testGemm(withTypes({13, 40, k}, type, "f32"), GetParam());
}

// Below the smallest normal f16, and above the largest.
TEST_P(GemmCastTest, Range) {
  for (llvm::StringRef type : {"f16", "bf16"})
    for (int exponent : {-22, 15})
      testGemm(withTypes({5, 33, 24, "none", /*bias=*/true, /*residual=*/true},
                         "f32", type),
               GetParam(), std::ldexp(1.0f, exponent));
}

INSTANTIATE_TEST_SUITE_P(Levels, GemmCastTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
