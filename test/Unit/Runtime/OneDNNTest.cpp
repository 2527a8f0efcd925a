//===- OneDNNTest.cpp - f32 products through oneDNN -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OneDNN.h"
#include "Status.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

using namespace vitc::rt;

namespace {
enum class ResidualAt { None, Buffer, Result };

/// oneDNN 3.2 reads packed weights with its reference code alone below AVX-512,
/// which the runtime refuses.
#define SKIP_WITHOUT_VECTOR_CODE()                                             \
  if (!__builtin_cpu_supports("avx512f"))                                      \
  GTEST_SKIP() << "oneDNN has no vector code for this processor"

/// A product with gaps between rows and between runs.
struct Problem {
  int64_t count, rows, n, k, gap;
  Activation activation;
  ResidualAt residualAt;

  int64_t lhsRow() const { return k + gap; }
  int64_t resultRow() const { return n + gap; }
  int64_t runRows() const { return rows + (count > 1 ? 1 : 0); }
};

struct Data {
  explicit Data(const Problem &problem);

  std::vector<float> lhs, weights, bias, residual, packed;
};

class OneDnnTest : public ::testing::Test {
protected:
  void SetUp() override { library = loadOneDnn(VITC_TEST_ONEDNN_LIBRARY); }

  std::vector<float> run(const Problem &problem, const Data &data,
                         int32_t threads) {
    ThreadPool pool(threads);
    OneDnnGemms gemms(library, pool);
    std::vector<float> result(
        problem.count * problem.runRows() * problem.resultRow(), -7.0f);
    if (problem.residualAt == ResidualAt::Result)
      result = data.residual;
    OneDnnGemm gemm = {};
    gemm.lhs = data.lhs.data();
    gemm.weights = data.packed.data();
    gemm.bias = data.bias.data();
    gemm.result = result.data();
    if (problem.residualAt == ResidualAt::Buffer)
      gemm.residual = data.residual.data();
    if (problem.residualAt == ResidualAt::Result)
      gemm.residual = result.data();
    gemm.count = problem.count;
    gemm.rows = problem.rows;
    gemm.n = problem.n;
    gemm.k = problem.k;
    gemm.lhsRowStride = problem.lhsRow();
    gemm.lhsBatchStride = problem.runRows() * problem.lhsRow();
    gemm.residualRowStride = gemm.resultRowStride = problem.resultRow();
    gemm.residualBatchStride = gemm.resultBatchStride =
        problem.runRows() * problem.resultRow();
    gemm.activation = static_cast<int32_t>(problem.activation);
    ThreadPool::Lease lease(pool);
    gemms.run(gemm);
    return result;
  }

  void check(const Problem &problem);

  std::shared_ptr<const OneDnnLibrary> library;
};
} // namespace

static std::vector<float> randomValues(int64_t count, std::mt19937 &engine) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(engine);
  return values;
}

/// [k][n] as [N/64][K][64]: the tail panel is as wide as its columns rounded up
/// to 16, and K is rounded up to 16 with zeros.
static std::vector<float> pack(const std::vector<float> &weights, int64_t k,
                               int64_t n) {
  int64_t paddedK = (k + 15) / 16 * 16;
  std::vector<float> packed;
  for (int64_t first = 0; first < n; first += 64) {
    int64_t width = std::min<int64_t>(64, (n - first + 15) / 16 * 16);
    for (int64_t row = 0; row < paddedK; ++row)
      for (int64_t column = first; column < first + width; ++column)
        packed.push_back(row < k && column < n ? weights[row * n + column]
                                               : 0.0f);
  }
  return packed;
}

Data::Data(const Problem &p) {
  std::mt19937 engine(42);
  lhs = randomValues(p.count * p.runRows() * p.lhsRow(), engine);
  weights = randomValues(p.k * p.n, engine);
  bias = randomValues(p.n, engine);
  residual = randomValues(p.count * p.runRows() * p.resultRow(), engine);
  packed = pack(weights, p.k, p.n);
}

static double activate(Activation activation, double x) {
  switch (activation) {
  case Activation::Gelu:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case Activation::GeluTanh:
    return 0.5 * x *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case Activation::GeluQuick:
    return x / (1 + std::exp(-1.702 * x));
  case Activation::Relu:
    return std::max(x, 0.0);
  case Activation::Silu:
    return x / (1 + std::exp(-x));
  case Activation::Sigmoid:
    return 1 / (1 + std::exp(-x));
  case Activation::None:
    break;
  }
  return x;
}

void OneDnnTest::check(const Problem &p) {
  SCOPED_TRACE(::testing::Message()
               << p.count << " x " << p.rows << " x " << p.n << " x " << p.k
               << " activation " << int(p.activation) << " residual "
               << int(p.residualAt));
  Data data(p);
  std::vector<float> result = run(p, data, 1);
  // Each product adds k roundings of sums of size sqrt(k), and each is 2^-24.
  double tolerance = 1e-7 * p.k + 1e-6;
  for (int64_t b = 0; b < p.count; ++b)
    for (int64_t i = 0; i < p.rows; ++i) {
      int64_t row = b * p.runRows() + i;
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = data.bias[j];
        for (int64_t l = 0; l < p.k; ++l)
          sum += double(data.lhs[row * p.lhsRow() + l]) *
                 data.weights[l * p.n + j];
        double expected = activate(p.activation, sum);
        int64_t at = row * p.resultRow() + j;
        if (p.residualAt != ResidualAt::None)
          expected += data.residual[at];
        ASSERT_NEAR(result[at], expected, tolerance)
            << "run " << b << " row " << i << " column " << j;
      }
      // What lies between the rows stays as it was.
      for (int64_t j = p.n; j < p.resultRow(); ++j) {
        int64_t at = row * p.resultRow() + j;
        ASSERT_EQ(result[at], p.residualAt == ResidualAt::Result
                                  ? data.residual[at]
                                  : -7.0f);
      }
    }
  for (int32_t threads : {2, 3})
    ASSERT_EQ(run(p, data, threads), result) << threads << " threads";
}

TEST_F(OneDnnTest, EqualsTheReferenceOverShapes) {
  SKIP_WITHOUT_VECTOR_CODE();
  for (int64_t rows : {1, 7, 197})
    for (int64_t n : {10, 96, 1000})
      for (int64_t k : {24, 768})
        check({1, rows, n, k, 0, Activation::None, ResidualAt::None});
}

TEST_F(OneDnnTest, EqualsTheReferenceWithEpilogues) {
  SKIP_WITHOUT_VECTOR_CODE();
  for (Activation activation :
       {Activation::None, Activation::Gelu, Activation::GeluTanh,
        Activation::GeluQuick, Activation::Relu, Activation::Silu,
        Activation::Sigmoid})
    for (ResidualAt residual :
         {ResidualAt::None, ResidualAt::Buffer, ResidualAt::Result})
      for (int64_t k : {24, 768, 3072})
        check({1, 37, 112, k, 3, activation, residual});
}

TEST_F(OneDnnTest, EqualsTheReferenceOverRuns) {
  SKIP_WITHOUT_VECTOR_CODE();
  for (int64_t gap : {0, 5})
    for (ResidualAt residual : {ResidualAt::None, ResidualAt::Buffer})
      check({3, 49, 160, 96, gap, Activation::Gelu, residual});
}

TEST_F(OneDnnTest, EqualsTheReferenceOverManyRows) {
  SKIP_WITHOUT_VECTOR_CODE();
  check({1, 1573, 96, 48, 0, Activation::None, ResidualAt::Buffer});
}

TEST(OneDnnLibraryTest, ANamedLibraryIsTheOneUsedOrNone) {
  ::setenv("VITC_ONEDNN_LIBRARY", "/nonexistent/libdnnl.so", 1);
  try {
    loadOneDnn(VITC_TEST_ONEDNN_LIBRARY);
    ADD_FAILURE() << "loaded another library";
  } catch (const Failure &failure) {
    EXPECT_EQ(failure.getStatus(), VITC_UNSUPPORTED);
    EXPECT_STREQ(failure.what(),
                 "oneDNN library '/nonexistent/libdnnl.so' does not load "
                 "(/nonexistent/libdnnl.so: cannot open shared object file: No "
                 "such file or directory); needs oneDNN 3.2 or newer");
  }
  // libm loads and is no oneDNN.
  ::setenv("VITC_ONEDNN_LIBRARY", "libm.so.6", 1);
  try {
    loadOneDnn(VITC_TEST_ONEDNN_LIBRARY);
    ADD_FAILURE() << "took libm for oneDNN";
  } catch (const Failure &failure) {
    EXPECT_STREQ(failure.what(), "oneDNN library 'libm.so.6' lacks "
                                 "dnnl_version; needs oneDNN 3.2 or newer");
  }
  ::unsetenv("VITC_ONEDNN_LIBRARY");
}
