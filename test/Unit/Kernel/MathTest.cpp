//===- MathTest.cpp - Accuracy of math functions --------------------------===//
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
#include <limits>
#include <random>

using namespace vitc::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class MathTest : public testing::TestWithParam<std::string> {
protected:
  /// op(x, y) for every pair, on vectors.
  std::vector<float> run(llvm::StringRef op, const std::vector<float> &x,
                         const std::vector<float> &y) {
    std::string body = llvm::formatv(
        R"mlir(
  %x = kernel.buffer %context input at 0 : memref<?x{1}xf32>
  %y = kernel.buffer %context input at 1 : memref<?x{1}xf32>
  %z = kernel.buffer %context output at 0 : memref<?x{1}xf32>
  kernel.generic batch(%batch) sizes [{1}]
      inputs(%x, %y : memref<?x{1}xf32>, memref<?x{1}xf32>)
      at [affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, c)>]
      init(%z at affine_map<(b, c) -> (b, c)> : memref<?x{1}xf32>) {{
  ^bb0(%a: f32, %b: f32):
    %r = {0} : f32
    kernel.yield %r : f32
  }
)mlir",
        op, x.size());
    std::vector<float> result(x.size(), 12345);
    auto kernel = CompiledKernel::compile(getModule(body), GetParam());
    if (kernel)
      kernel->run(1, {x.data(), y.data()}, result.data());
    return result;
  }

  /// The largest error in [low, high) is `limit` units in the last place.
  void testUlp(llvm::StringRef op, double (*reference)(double), double low,
               double high, double limit = 4);
  /// Values where polynomials do not hold; a NaN equals a NaN.
  void testSpecial(llvm::StringRef op, float (*reference)(float));
};

/// |value - expected| in steps of the floats around `expected`.
double getUlp(float value, double expected) {
  float rounded = static_cast<float>(expected);
  // Threads flush denormals.
  constexpr float kSmallest = std::numeric_limits<float>::min();
  if (value == rounded ||
      (std::fabs(rounded) < kSmallest && std::fabs(value) < kSmallest))
    return 0;
  int exponent = std::max(std::ilogb(expected), -126);
  return std::fabs(value - expected) / std::ldexp(1.0, exponent - 23);
}

void MathTest::testUlp(llvm::StringRef op, double (*reference)(double),
                       double low, double high, double limit) {
  SCOPED_TRACE(op.str());
  std::vector<float> x = getRandom(20001, 1);
  for (float &element : x)
    element = low + (element + 1) / 2 * (high - low);
  std::vector<float> result = run(llvm::formatv("{0} %a", op).str(), x, x);
  double worst = 0;
  float at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double ulp = getUlp(result[i], reference(x[i]));
    if (!(ulp <= worst)) {
      worst = ulp;
      at = x[i];
    }
  }
  EXPECT_LE(worst, limit) << "at " << at;
}

void MathTest::testSpecial(llvm::StringRef op, float (*reference)(float)) {
  SCOPED_TRACE(op.str());
  std::vector<float> x = {0.0f,   -0.0f,  kInfinity, -kInfinity, kNaN,
                          1,      -1,     100,       -100,       1e30f,
                          -1e30f, 1e-30f, -1e-30f,   0.5f};
  x.resize(32, 2.0f);
  std::vector<float> result = run(llvm::formatv("{0} %a", op).str(), x, x);
  for (size_t i = 0; i < x.size(); ++i) {
    float expected = reference(x[i]);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(result[i])) << x[i];
    else if (std::isinf(expected) || expected == 0)
      EXPECT_EQ(result[i], expected) << x[i];
    else
      EXPECT_LE(getUlp(result[i], expected), 4) << x[i];
  }
}

TEST_P(MathTest, Exponentials) {
  testUlp("math.exp", std::exp, -87, 88);
  testUlp("math.exp", std::exp, -1, 1);
  testUlp("math.exp2", std::exp2, -125, 127);
  testUlp("math.expm1", std::expm1, -2, 2);
  testUlp("math.expm1", std::expm1, -1e-3, 1e-3);
  testUlp("math.expm1", std::expm1, -50, 80);
  testSpecial("math.exp", std::exp);
  testSpecial("math.exp2", std::exp2);
  testSpecial("math.expm1", std::expm1);
}

TEST_P(MathTest, Logarithms) {
  testUlp("math.log", std::log, 1e-30, 1e-20);
  testUlp("math.log", std::log, 0.5, 2);
  testUlp("math.log", std::log, 0, 1e6);
  testUlp("math.log2", std::log2, 0.5, 2);
  testUlp("math.log2", std::log2, 0, 1e6);
  testUlp("math.log10", std::log10, 0.5, 2);
  testUlp("math.log10", std::log10, 0, 1e6);
  testUlp("math.log1p", std::log1p, -0.9, 10);
  testUlp("math.log1p", std::log1p, -1e-3, 1e-3);
  testSpecial("math.log", std::log);
  testSpecial("math.log2", std::log2);
  testSpecial("math.log1p", std::log1p);
}

TEST_P(MathTest, Hyperbolic) {
  testUlp("math.tanh", std::tanh, -10, 10);
  testUlp("math.tanh", std::tanh, -0.1, 0.1);
  testUlp("math.sinh", std::sinh, -10, 10);
  testUlp("math.sinh", std::sinh, -0.1, 0.1);
  testUlp("math.cosh", std::cosh, -10, 10);
  testUlp("math.asinh", std::asinh, -10, 10);
  testUlp("math.asinh", std::asinh, -0.1, 0.1);
  testUlp("math.acosh", std::acosh, 1, 10);
  testUlp("math.atanh", std::atanh, -0.99, 0.99);
  testSpecial("math.tanh", std::tanh);
}

TEST_P(MathTest, Trigonometric) {
  testUlp("math.sin", std::sin, -3, 3);
  testUlp("math.sin", std::sin, -1000, 1000);
  testUlp("math.cos", std::cos, -3, 3);
  testUlp("math.cos", std::cos, -1000, 1000);
  testUlp("math.tan", std::tan, -1.5, 1.5);
  testUlp("math.asin", std::asin, -1, 1);
  testUlp("math.acos", std::acos, -1, 1);
  testUlp("math.atan", std::atan, -10, 10);
}

TEST_P(MathTest, ErrorFunction) {
  // Without fused multiply-add its polynomials round more often.
  double limit = GetParam() == "x86-64-v2" ? 5 : 4;
  testUlp("math.erf", std::erf, -4, 4, limit);
  testUlp("math.erf", std::erf, -0.1, 0.1);
  testSpecial("math.erf", std::erf);
}

TEST_P(MathTest, Roots) {
  testUlp("math.sqrt", std::sqrt, 0, 100, 0.51);
  testUlp("math.rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0, 100);
  testUlp("math.cbrt", std::cbrt, -100, 100);
}

TEST_P(MathTest, Rounding) {
  testUlp("math.roundeven", std::nearbyint, -10, 10, 0);
  testUlp("math.round", std::round, -10, 10, 0);
  testUlp("math.floor", std::floor, -10, 10, 0);
  testUlp("math.ceil", std::ceil, -10, 10, 0);
  testUlp("math.trunc", std::trunc, -10, 10, 0);
  testSpecial("math.roundeven", std::nearbyint);
  testSpecial("math.floor", std::floor);
}

TEST_P(MathTest, Powers) {
  std::vector<float> x, y, unit = getRandom(20000, 1),
                           other = getRandom(20000, 2);
  for (size_t i = 0; i < unit.size(); ++i) {
    x.push_back((unit[i] + 1) * 20);
    y.push_back(other[i] * 20);
  }
  // Negative bases have powers where the exponent is an integer.
  for (int64_t i = 0; i < 64; ++i) {
    x.push_back(-1 - i % 8 / 4.0f);
    y.push_back(i / 8 - 4);
  }
  std::vector<float> special = {0,         -0.0f,      1,    -1,  2,
                                kInfinity, -kInfinity, kNaN, 0.5f};
  for (float a : special)
    for (float b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  std::vector<float> result = run("math.powf %a, %b", x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    double expected = std::pow(double(x[i]), double(y[i]));
    float rounded = static_cast<float>(expected);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(result[i])) << x[i] << " to " << y[i];
    else if (std::isinf(rounded) || rounded == 0)
      EXPECT_EQ(result[i], rounded) << x[i] << " to " << y[i];
    else
      EXPECT_LE(getUlp(result[i], expected), 4) << x[i] << " to " << y[i];
  }
}

// Exact at any distance of exponents, with the sign of x.
TEST_P(MathTest, Remainders) {
  if (!isGpu(GetParam()))
    GTEST_SKIP() << "libm computes a CPU's";
  constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
  constexpr float kLargest = std::numeric_limits<float>::max();
  const float values[] = {0.0f,     1.0f,      3.0f,      0.1f,
                          7.25f,    1e-30f,    16777215,  kDenormal,
                          1e-40f,   0x1p-126f, kLargest,  0x1.fffffep-120f,
                          0x1p127f, kInfinity, 8388609.0f};
  std::vector<float> x, y;
  auto add = [&](float a, float b) {
    for (float signedA : {a, -a}) {
      x.push_back(signedA);
      y.push_back(b);
    }
  };
  for (float a : values)
    for (float b : values)
      add(a, -b);
  add(kNaN, 1);
  add(1, kNaN);
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    uint32_t bits[] = {uint32_t(random()), uint32_t(random())};
    float pair[2];
    std::memcpy(pair, bits, sizeof(pair));
    add(pair[0], pair[1]);
    add(pair[0], std::ldexp(pair[1], std::ilogb(pair[0]) % 100 / 4));
  }
  std::vector<float> result = run("arith.remf %a, %b", x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    float expected = std::fmod(x[i], y[i]);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(result[i])) << x[i] << " mod " << y[i];
      continue;
    }
    EXPECT_EQ(result[i], expected) << x[i] << " mod " << y[i];
    EXPECT_EQ(std::signbit(result[i]), std::signbit(expected))
        << x[i] << " mod " << y[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, MathTest, testing::ValuesIn(getHostLevels()),
                         LevelName());

} // namespace
