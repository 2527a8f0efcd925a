//===- AttentionTest.cpp - Attention and its maps against double ----------===//
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
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace vitc::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr float kUntouched = 12345;

/// Maps are written into one layer of several.
constexpr int64_t kLayer = 1, kNumLayers = 3;

/// query [batch, queries, heads * headDim], key, value and result alike; bias
/// [heads, queries, keys].
struct Attention {
  int64_t batch, queries, keys, heads, headDim, valueDim;
  bool bias = false;

  double getScale() const { return 1 / std::sqrt(headDim); }
};

struct Operands {
  std::vector<float> query, key, value, bias;

  explicit Operands(const Attention &shape)
      : query(getRandom(
            shape.batch * shape.queries * shape.heads * shape.headDim, 1)),
        key(getRandom(shape.batch * shape.keys * shape.heads * shape.headDim,
                      2)),
        value(getRandom(shape.batch * shape.keys * shape.heads * shape.valueDim,
                        3)),
        bias(getRandom(shape.heads * shape.queries * shape.keys, 4)) {
    // Some probabilities are to be much larger than others.
    for (float &element : query)
      element *= 8;
  }
};

std::string getBuffers(const Attention &shape) {
  return llvm::formatv(R"mlir(
  %queries = arith.constant {0} : index
  %keys = arith.constant {1} : index
  %q = kernel.buffer %context input at 0 : memref<?x{0}x{2}xf32>
  %k = kernel.buffer %context input at 1 : memref<?x{1}x{2}xf32>
  %v = kernel.buffer %context input at 2 : memref<?x{1}x{3}xf32>
  %bias = kernel.buffer %context input at 3 : memref<{4}x{0}x{1}xf32>
)mlir",
                       shape.queries, shape.keys, shape.heads * shape.headDim,
                       shape.heads * shape.valueDim, shape.heads);
}

std::string getQueryAndKey(const Attention &shape) {
  return llvm::formatv(
      R"mlir(
      query(%q at affine_map<(b, h, i, d) -> (b, i, h * {2} + d)> : memref<?x{0}x{3}xf32>)
      key(%k at affine_map<(b, h, j, d) -> (b, j, h * {2} + d)> : memref<?x{1}x{3}xf32>)
)mlir",
      shape.queries, shape.keys, shape.headDim, shape.heads * shape.headDim);
}

std::string getBias(const Attention &shape) {
  if (!shape.bias)
    return "";
  return llvm::formatv("bias(%bias at affine_map<(b, h, i, j) -> (h, i, j)> : "
                       "memref<{0}x{1}x{2}xf32>)\n",
                       shape.heads, shape.queries, shape.keys);
}

std::string getAttentionModule(const Attention &shape) {
  int64_t width = shape.heads * shape.valueDim;
  std::string body = getBuffers(shape);
  body += llvm::formatv(
      R"mlir(
  %o = kernel.buffer %context output at 0 : memref<?x{0}x{1}xf32>
  kernel.attention batch(%batch) queries(%queries) keys(%keys) heads {2}
      head_dim {3} value_dim {4} scale {5:e}
)mlir",
      shape.queries, width, shape.heads, shape.headDim, shape.valueDim,
      shape.getScale());
  body += getQueryAndKey(shape);
  body += llvm::formatv("value(%v at affine_map<(b, h, j, e) -> (b, j, h * "
                        "{0} + e)> : memref<?x{1}x{2}xf32>)\n",
                        shape.valueDim, shape.keys, width);
  body += getBias(shape);
  body += llvm::formatv("init(%o at affine_map<(b, h, i, e) -> (b, i, h * {0} "
                        "+ e)> : memref<?x{1}x{2}xf32>)\n",
                        shape.valueDim, shape.queries, width);
  return getModule(body);
}

std::string getMapModule(const Attention &shape) {
  std::string body = getBuffers(shape);
  body += llvm::formatv(
      R"mlir(
  %layer = arith.constant {5} : index
  %s = kernel.buffer %context input at 4 : memref<{6}x2xi64>
  %o = kernel.buffer %context output at 0 : memref<?x{0}x{4}x{1}xf32>
  kernel.attention_map batch(%batch) queries(%queries) keys(%keys)
      heads {0} head_dim {2} scale {3:e} selection(%s at %layer : memref<{6}x2xi64>)
)mlir",
      shape.heads, shape.keys, shape.headDim, shape.getScale(), shape.queries,
      kLayer, kNumLayers);
  body += getQueryAndKey(shape) + getBias(shape);
  body += llvm::formatv("init(%o : memref<?x{0}x{1}x{2}xf32>)\n", shape.heads,
                        shape.queries, shape.keys);
  return getModule(body);
}

/// The probabilities of query `i`; zeros where every key is masked.
std::vector<double> getProbabilities(const Attention &shape,
                                     const Operands &operands, int64_t b,
                                     int64_t h, int64_t i) {
  std::vector<double> scores(shape.keys);
  int64_t width = shape.heads * shape.headDim;
  for (int64_t j = 0; j < shape.keys; ++j) {
    double sum = 0;
    for (int64_t d = 0; d < shape.headDim; ++d)
      sum += double(operands.query[(b * shape.queries + i) * width +
                                   h * shape.headDim + d]) *
             operands.key[(b * shape.keys + j) * width + h * shape.headDim + d];
    scores[j] = sum * shape.getScale();
    if (shape.bias)
      scores[j] += operands.bias[(h * shape.queries + i) * shape.keys + j];
  }
  double maximum = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double &score : scores) {
    score = maximum == -kInfinity ? 0 : std::exp(score - maximum);
    sum += score;
  }
  for (double &score : scores)
    score = sum == 0 ? 0 : score / sum;
  return scores;
}

std::vector<double> getExpected(const Attention &shape,
                                const Operands &operands) {
  int64_t width = shape.heads * shape.valueDim;
  std::vector<double> expected(shape.batch * shape.queries * width, 0);
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h)
      for (int64_t i = 0; i < shape.queries; ++i) {
        std::vector<double> probabilities =
            getProbabilities(shape, operands, b, h, i);
        double *row =
            &expected[(b * shape.queries + i) * width + h * shape.valueDim];
        for (int64_t j = 0; j < shape.keys; ++j)
          for (int64_t e = 0; e < shape.valueDim; ++e)
            row[e] +=
                probabilities[j] * operands.value[(b * shape.keys + j) * width +
                                                  h * shape.valueDim + e];
      }
  return expected;
}

/// Queries of a map: `count` from `first` on, or the mean of all for -1.
struct Selection {
  int64_t first, count;
};

std::vector<double> getExpectedMap(const Attention &shape,
                                   const Operands &operands,
                                   Selection selection) {
  std::vector<double> expected;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h) {
      std::vector<double> mean(shape.keys, 0);
      for (int64_t i = 0; i < shape.queries; ++i) {
        std::vector<double> row = getProbabilities(shape, operands, b, h, i);
        if (selection.first >= 0 && i >= selection.first &&
            i < selection.first + selection.count)
          expected.insert(expected.end(), row.begin(), row.end());
        for (int64_t j = 0; j < shape.keys; ++j)
          mean[j] += row[j] / shape.queries;
      }
      if (selection.first < 0)
        expected.insert(expected.end(), mean.begin(), mean.end());
    }
  return expected;
}

/// The result of `module`, which must not change a bit when its tasks run in
/// several ranges. Empty after a failure to compile it.
std::vector<float> run(const std::string &module, llvm::StringRef isa,
                       const Attention &shape, const Operands &operands,
                       int64_t size, Selection selection = {0, 0}) {
  auto kernel = CompiledKernel::compile(module, isa);
  if (!kernel)
    return {};
  std::vector<float> result(size, kUntouched);
  Selection selections[kNumLayers] = {};
  selections[kLayer] = selection;
  const float *inputs[] = {operands.query.data(), operands.key.data(),
                           operands.value.data(), operands.bias.data(),
                           reinterpret_cast<const float *>(selections)};
  kernel->run(shape.batch, inputs, result.data());
  for (int64_t numRanges : {2, 7}) {
    std::vector<float> again(size, kUntouched);
    kernel->run(shape.batch, inputs, again.data(), numRanges);
    for (auto [value, other] : llvm::zip_equal(result, again))
      EXPECT_TRUE(value == other || (std::isnan(value) && std::isnan(other)))
          << numRanges << " ranges";
  }
  return result;
}

class AttentionTest : public testing::TestWithParam<std::string> {
protected:
  void test(const Attention &shape, const Operands &operands) {
    SCOPED_TRACE(llvm::formatv("queries {0} keys {1} heads {2} dims {3} {4}",
                               shape.queries, shape.keys, shape.heads,
                               shape.headDim, shape.valueDim)
                     .str());
    std::vector<double> expected = getExpected(shape, operands);
    std::vector<float> result = run(getAttentionModule(shape), GetParam(),
                                    shape, operands, expected.size());
    ASSERT_FALSE(result.empty());
    double error = getRelativeError(result, expected);
    EXPECT_LE(error, 1e-5);
    RecordProperty("relative_error", llvm::formatv("{0:e}", error).str());
  }
  void test(const Attention &shape) { test(shape, Operands(shape)); }

  void testMap(const Attention &shape, Selection selection) {
    SCOPED_TRACE(llvm::formatv("queries {0} keys {1}: {2} from {3}",
                               shape.queries, shape.keys, selection.count,
                               selection.first)
                     .str());
    Operands operands(shape);
    std::vector<double> expected = getExpectedMap(shape, operands, selection);
    std::vector<float> map =
        run(getMapModule(shape), GetParam(), shape, operands,
            shape.batch * shape.heads * shape.queries * shape.keys, selection);
    ASSERT_FALSE(map.empty());
    // What nobody asked for is not written.
    for (size_t i = expected.size(); i < map.size(); ++i)
      ASSERT_EQ(map[i], kUntouched);
    map.resize(expected.size());
    if (expected.empty())
      return;
    EXPECT_LE(getRelativeError(map, expected), 1e-5);
    for (auto row = map.begin(); row != map.end(); row += shape.keys)
      EXPECT_NEAR(std::accumulate(row, row + shape.keys, 0.0), 1, 1e-5);
  }
};

TEST_P(AttentionTest, Keys) {
  for (int64_t keys : {1, 7, 49, 197, 1025, 2177})
    test({1, 15, keys, 2, 64, 64});
}

TEST_P(AttentionTest, Queries) {
  for (int64_t queries : {1, 2, 3, 5, 6, 7, 13, 14, 17, 49, 197, 513})
    test({1, queries, 21, 1, 32, 32});
}

TEST_P(AttentionTest, HeadDims) {
  for (int64_t dim : {1, 5, 24, 32, 64, 80, 128})
    test({2, 15, 50, 2, dim, dim});
  test({1, 15, 50, 2, 64, 24});
  test({1, 15, 50, 2, 10, 65});
}

TEST_P(AttentionTest, Bias) {
  for (int64_t keys : {7, 49, 300})
    test({2, 15, keys, 2, 32, 32, /*bias=*/true});
}

// A row without keys gives zeros, also where a block of keys is masked and
// others are not; NaN stays in its row.
TEST_P(AttentionTest, MaskedKeys) {
  Attention shape = {1, 15, 1200, 1, 32, 32, /*bias=*/true};
  Operands operands(shape);
  auto row = [&](int64_t i) { return operands.bias.begin() + i * shape.keys; };
  std::fill_n(row(0), shape.keys, -kInfinity);
  std::fill_n(row(1), shape.keys - 1, -kInfinity);
  std::fill_n(row(2) + 1, shape.keys - 1, -kInfinity);
  std::fill_n(row(3), shape.keys, -100.0f);
  row(4)[5] = std::nanf("");
  row(5)[5] = kInfinity;
  test(shape, operands);
}

TEST_P(AttentionTest, NaNQuery) {
  Attention shape = {1, 15, 21, 2, 32, 32};
  Operands operands(shape);
  operands.query[3 * 64 + 1] = std::nanf("");
  test(shape, operands);
}

TEST_P(AttentionTest, MapOfOneQuery) {
  testMap({2, 50, 50, 3, 64, 64}, {0, 1});
  testMap({2, 50, 50, 3, 64, 64}, {49, 1});
  testMap({1, 197, 1025, 1, 32, 32}, {0, 1});
  testMap({1, 7, 49, 2, 32, 32, /*bias=*/true}, {3, 1});
}

TEST_P(AttentionTest, MapOfQueries) {
  testMap({2, 50, 50, 3, 64, 64}, {0, 50});
  testMap({2, 50, 50, 3, 64, 64}, {3, 7});
  testMap({1, 600, 1025, 1, 32, 32}, {1, 599});
  testMap({3, 7, 49, 2, 32, 32, /*bias=*/true}, {2, 5});
  testMap({1, 9, 1, 1, 8, 8}, {0, 9});
}

TEST_P(AttentionTest, MeanMap) {
  testMap({2, 50, 50, 3, 64, 64}, {-1, 1});
  testMap({1, 197, 1025, 1, 32, 32}, {-1, 1});
  testMap({1, 7, 49, 2, 32, 32, /*bias=*/true}, {-1, 1});
}

TEST_P(AttentionTest, MapThatIsSkipped) {
  testMap({2, 50, 50, 3, 64, 64}, {0, 0});
}

INSTANTIATE_TEST_SUITE_P(Levels, AttentionTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
