//===- AttentionScoresTest.cpp - What attention does to its scores --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Groups of tokens, causal forms, key lengths, softcaps, scores that are read,
// and addends at the end of the range, against double.
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

using namespace vitc::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();

/// A map of 8 x 8 tokens in windows of 4 x 4, shifted by 2: Swin's regions.
constexpr const char *kRegions =
    "affine_map<(b, i) -> ("
    "3 * (((b mod 4) floordiv 2 * 4 + i floordiv 4) floordiv 4"
    " + ((b mod 4) floordiv 2 * 4 + i floordiv 4 + 2) floordiv 8)"
    " + (b mod 2 * 4 + i mod 4) floordiv 4"
    " + (b mod 2 * 4 + i mod 4 + 2) floordiv 8)>";

int64_t getRegion(int64_t b, int64_t i) {
  auto part = [](int64_t place) { return place < 4 ? 0 : place < 6 ? 1 : 2; };
  return 3 * part(b % 4 / 2 * 4 + i / 4) + part(b % 2 * 4 + i % 4);
}

/// query [batch, heads, queries, headDim], key, value and result alike; bias
/// [batch, heads, queries, keys]; mask [4, queries, keys].
struct Attention {
  int64_t batch, queries, keys, heads, headDim, valueDim;
  bool bias = false, mask = false;
  std::optional<double> groupBias = std::nullopt;
  std::optional<int64_t> causal = std::nullopt;
  std::optional<double> softcap = std::nullopt;
  std::vector<int64_t> keyLength = {};

  double getScale() const {
    return 1 / std::sqrt(std::max<double>(headDim, 1));
  }
};

struct Operands {
  std::vector<float> query, key, value, bias, mask;

  explicit Operands(const Attention &shape)
      : query(getRandom(
            shape.batch * shape.heads * shape.queries * shape.headDim, 1)),
        key(getRandom(shape.batch * shape.heads * shape.keys * shape.headDim,
                      2)),
        value(getRandom(shape.batch * shape.heads * shape.keys * shape.valueDim,
                        3)),
        bias(getRandom(shape.batch * shape.heads * shape.queries * shape.keys,
                       4)),
        mask(4 * shape.queries * shape.keys) {
    // Some probabilities are to be much larger than others.
    for (std::vector<float> *elements : {&query, &bias})
      for (float &element : *elements)
        element *= 8;
  }
};

std::string getAttentionModule(const Attention &shape) {
  auto operand = [](const char *name, int64_t rows, int64_t columns,
                    int64_t heads) {
    return llvm::formatv("{0}(%{0} at affine_map<(b, h, i, j) -> (b, h, i, j)>"
                         " : memref<?x{1}x{2}x{3}xf32>)\n",
                         name, heads, rows, columns)
        .str();
  };
  auto buffer = [](const char *name, const char *place, int64_t index,
                   std::string type) {
    return llvm::formatv("%{0} = kernel.buffer %context {1} at {2} : {3}\n",
                         name, place, index, type)
        .str();
  };
  auto matrix = [&](int64_t rows, int64_t columns) {
    return llvm::formatv("memref<?x{0}x{1}x{2}xf32>", shape.heads, rows,
                         columns)
        .str();
  };
  std::string body = llvm::formatv("%queries = arith.constant {0} : index\n"
                                   "%keys = arith.constant {1} : index\n",
                                   shape.queries, shape.keys);
  if (shape.headDim) {
    body += buffer("query", "input", 0, matrix(shape.queries, shape.headDim));
    body += buffer("key", "input", 1, matrix(shape.keys, shape.headDim));
  }
  body += buffer("value", "input", 2, matrix(shape.keys, shape.valueDim));
  if (shape.bias)
    body += buffer("bias", "input", 3, matrix(shape.queries, shape.keys));
  if (shape.mask)
    body += buffer(
        "mask", "input", 4,
        llvm::formatv("memref<4x{0}x{1}xf32>", shape.queries, shape.keys));
  if (!shape.keyLength.empty())
    body += buffer("lengths", "input", 5, "memref<?xi64>");
  body += buffer("init", "output", 0, matrix(shape.queries, shape.valueDim));

  body += llvm::formatv("kernel.attention batch(%batch) queries(%queries) "
                        "keys(%keys) heads {0} head_dim {1} value_dim {2} "
                        "scale {3:e}",
                        shape.heads, shape.headDim, shape.valueDim,
                        shape.getScale());
  if (shape.causal)
    body += llvm::formatv(" causal {0}", *shape.causal);
  if (shape.softcap)
    body += llvm::formatv(" softcap {0:e}", *shape.softcap);
  body += "\n";
  if (shape.headDim) {
    body += operand("query", shape.queries, shape.headDim, shape.heads);
    body += operand("key", shape.keys, shape.headDim, shape.heads);
  }
  body += operand("value", shape.keys, shape.valueDim, shape.heads);
  if (shape.bias)
    body += operand("bias", shape.queries, shape.keys, shape.heads);
  if (shape.mask)
    body += llvm::formatv("mask(%mask at affine_map<(b, h, i, j) -> (b mod 4, "
                          "i, j)> : memref<4x{0}x{1}xf32>)\n",
                          shape.queries, shape.keys);
  if (shape.groupBias)
    body += llvm::formatv("groups {0} group_bias {1}\n", kRegions,
                          std::isinf(*shape.groupBias)
                              ? "0xFFF0000000000000"
                              : llvm::formatv("{0:e}", *shape.groupBias).str());
  if (!shape.keyLength.empty())
    body += "key_length(%lengths at affine_map<(b) -> (b)> : memref<?xi64>)\n";
  body += operand("init", shape.queries, shape.valueDim, shape.heads);
  return getModule(body);
}

/// The probabilities of query `i`; zeros where every key is masked.
std::vector<double> getProbabilities(const Attention &shape,
                                     const Operands &operands, int64_t b,
                                     int64_t h, int64_t i) {
  int64_t row = (b * shape.heads + h) * shape.queries + i;
  std::vector<double> scores(shape.keys, 0);
  for (int64_t j = 0; j < shape.keys; ++j) {
    double &score = scores[j];
    int64_t key = (b * shape.heads + h) * shape.keys + j;
    for (int64_t d = 0; d < shape.headDim; ++d)
      score += double(operands.query[row * shape.headDim + d]) *
               operands.key[key * shape.headDim + d];
    score *= shape.getScale();
    if (shape.softcap)
      score = *shape.softcap * std::tanh(score / *shape.softcap);
    if (shape.bias)
      score += operands.bias[row * shape.keys + j];
    if (shape.mask)
      score += operands.mask[(b % 4 * shape.queries + i) * shape.keys + j];
    if (shape.groupBias && getRegion(b, i) != getRegion(b, j))
      score += *shape.groupBias;
    if ((shape.causal && j > i + *shape.causal) ||
        (!shape.keyLength.empty() && j >= shape.keyLength[b]))
      score = -kInfinity;
  }
  double maximum = *std::max_element(scores.begin(), scores.end()), sum = 0;
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
  std::vector<double> expected;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h)
      for (int64_t i = 0; i < shape.queries; ++i) {
        std::vector<double> probabilities =
            getProbabilities(shape, operands, b, h, i);
        for (int64_t e = 0; e < shape.valueDim; ++e) {
          double sum = 0;
          for (int64_t j = 0; j < shape.keys; ++j)
            // What is not seen does not count, be it NaN.
            if (probabilities[j] != 0)
              sum += probabilities[j] *
                     operands.value[((b * shape.heads + h) * shape.keys + j) *
                                        shape.valueDim +
                                    e];
          expected.push_back(sum);
        }
      }
  return expected;
}

class AttentionScoresTest : public testing::TestWithParam<std::string> {
protected:
  /// The result, which must not change a bit when its tasks run in several
  /// ranges. Empty after a failure to compile it.
  std::vector<float> run(const Attention &shape, const Operands &operands) {
    auto kernel =
        CompiledKernel::compile(getAttentionModule(shape), GetParam());
    if (!kernel)
      return {};
    std::vector<float> result(
        shape.batch * shape.heads * shape.queries * shape.valueDim, 12345),
        again = result;
    const void *inputs[] = {operands.query.data(), operands.key.data(),
                            operands.value.data(), operands.bias.data(),
                            operands.mask.data(),  shape.keyLength.data()};
    kernel->runBuffers(shape.batch, inputs, result.data());
    kernel->runBuffers(shape.batch, inputs, again.data(), /*numRanges=*/7);
    EXPECT_EQ(result, again);
    return result;
  }

  void test(const Attention &shape, const Operands &operands) {
    SCOPED_TRACE(llvm::formatv("batch {0} queries {1} keys {2} dims {3} {4}",
                               shape.batch, shape.queries, shape.keys,
                               shape.headDim, shape.valueDim)
                     .str());
    std::vector<float> result = run(shape, operands);
    ASSERT_FALSE(result.empty());
    EXPECT_LE(getRelativeError(result, getExpected(shape, operands)), 1e-5);
  }
  void test(const Attention &shape) { test(shape, Operands(shape)); }

  void testKeyLength(Attention shape) {
    shape.keyLength = {0, 1, 300, 577, 1000, -3};
    Operands operands(shape);
    for (int64_t b = 0; b < shape.batch; ++b)
      for (int64_t h = 0; h < shape.heads; ++h)
        for (int64_t j = std::max<int64_t>(shape.keyLength[b], 0);
             j < shape.keys; ++j) {
          int64_t row = (b * shape.heads + h) * shape.keys + j;
          std::fill_n(operands.key.begin() + row * 32, 32, std::nanf(""));
          std::fill_n(operands.value.begin() + row * 32, 32, std::nanf(""));
        }
    test(shape, operands);
    shape.causal = 560;
    test(shape, operands);
  }
};

// The mask of shifted windows from indices has the bits of a stored one, for
// any number of pictures of four windows.
TEST_P(AttentionScoresTest, Groups) {
  for (bool bias : {false, true}) {
    Attention shape{bias ? 28 : 4, 16, 16, 3, 32, 32, bias};
    shape.groupBias = bias ? -100.0 : -kInfinity;
    Operands operands(shape);
    test(shape, operands);

    Attention stored = shape;
    stored.groupBias = std::nullopt;
    stored.mask = true;
    for (int64_t b = 0; b < 4; ++b)
      for (int64_t i = 0; i < 16; ++i)
        for (int64_t j = 0; j < 16; ++j)
          operands.mask[(b * 16 + i) * 16 + j] =
              getRegion(b, i) == getRegion(b, j) ? 0 : *shape.groupBias;
    EXPECT_EQ(run(shape, operands), run(stored, operands));
  }
}

// Queries without a key, with all keys, and blocks of keys that no query of a
// task sees.
TEST_P(AttentionScoresTest, Causal) {
  for (int64_t offset : {-5, 0, 3, 40}) {
    Attention shape{2, 49, 49, 2, 24, 24};
    shape.causal = offset;
    test(shape);
  }
  for (int64_t queries : {1, 7, 600}) {
    Attention shape{1, queries, 1100, 1, 32, 16};
    shape.causal = 1100 - queries;
    test(shape);
    shape.causal = 0;
    test(shape);
  }
}

// A causal form with a bias and a softcap, over several blocks.
TEST_P(AttentionScoresTest, CausalBias) {
  Attention shape{1, 197, 577, 2, 8, 80, /*bias=*/true};
  shape.causal = 380;
  shape.softcap = 5.0;
  test(shape);
}

// None, one, some and more keys than there are; what is behind the length does
// not count, be it NaN.
TEST_P(AttentionScoresTest, KeyLength) {
  for (int64_t queries : {1, 15})
    testKeyLength({6, queries, 577, 2, 32, 32});
}

TEST_P(AttentionScoresTest, Softcap) {
  for (double softcap : {0.5, 5.0, 50.0}) {
    Attention shape{2, 15, 50, 2, 64, 64};
    shape.softcap = softcap;
    test(shape);
  }
}

// Scores that are read: no product of queries and keys.
TEST_P(AttentionScoresTest, NoProduct) {
  for (int64_t keys : {1, 7, 49, 577, 1100})
    test({2, 15, keys, 2, 0, 32, /*bias=*/true});
  Attention shape{1, 15, 600, 1, 0, 32, /*bias=*/true};
  Operands operands(shape);
  std::fill_n(operands.bias.begin(), shape.keys, -kInfinity);
  test(shape, operands);
}

TEST_P(AttentionScoresTest, HeadDims) {
  for (int64_t dim : {8, 80, 96, 256})
    for (int64_t keys : {1, 577}) {
      Attention shape{1, 7, keys, 1, dim, dim};
      shape.causal = keys - 7;
      test(shape);
    }
}

// A decoder's token: keys and values are read where they lie.
TEST_P(AttentionScoresTest, OneQuery) {
  for (int64_t dim : {1, 5, 24, 64, 80, 256})
    for (int64_t keys : {1, 7, 49, 577, 2177}) {
      test({2, 1, keys, 2, dim, dim});
      test({2, 1, keys, 2, dim, dim + 3, /*bias=*/true});
    }
  Attention shape{3, 1, 600, 2, 64, 64, /*bias=*/true};
  shape.keyLength = {1, 65, 600};
  shape.softcap = 5.0;
  test(shape);
}

TEST_P(AttentionScoresTest, LongRow) {
  Attention shape{1, 13, 4097, 1, 32, 32, /*bias=*/true};
  shape.keyLength = {4090};
  test(shape);
}

// A row that the least float masks has equal probabilities, one that -inf masks
// none; the least float masks a key beside another.
TEST_P(AttentionScoresTest, LowestAddends) {
  for (int64_t keys : {7, 600}) {
    Attention shape{1, 4, keys, 1, 16, 32, /*bias=*/true};
    Operands operands(shape);
    auto row = [&](int64_t i) { return operands.bias.begin() + i * keys; };
    std::fill_n(row(0), keys, kLowest);
    std::fill_n(row(1), keys, -kInfinity);
    std::fill_n(row(2), keys - 1, kLowest);
    row(2)[keys - 1] = 1;
    std::fill_n(row(3), keys - 1, -kInfinity);
    row(3)[keys - 1] = kLowest;
    std::vector<double> expected = getExpected(shape, operands);
    for (int64_t e = 0; e < 32; ++e) {
      double mean = 0;
      for (int64_t j = 0; j < keys; ++j)
        mean += operands.value[j * 32 + e] / double(keys);
      expected[e] = mean;
    }
    std::vector<float> result = run(shape, operands);
    ASSERT_FALSE(result.empty());
    EXPECT_LE(getRelativeError(result, expected), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, AttentionScoresTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
