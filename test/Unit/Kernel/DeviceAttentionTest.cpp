//===- DeviceAttentionTest.cpp - Attention of a GPU against double --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What AttentionTest and its neighbours, which run on every target, leave out:
// tilings by hand, numbers of tokens that only a run knows, operands of 16
// bits and tf32, and all that changes scores at once, in attention and in its
// maps.
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

using namespace vitc::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kUntouched = 12345;

/// query [batch, heads, queries, headDim], key and value [batch, keyHeads,
/// keys, dim]; bias [heads, queries, keys]; mask [batch, queries, keys]. Where
/// a run says how many tokens there are, they come first: batch is 1, and there
/// are as many queries as keys.
struct Attention {
  int64_t batch, queries, keys, heads, headDim, valueDim;
  int64_t keyHeads = heads;
  std::string tiling = "";
  std::string element = "f32"; // of query, key and value
  std::string resultElement = "f32";
  bool tokensFirst = false;
  bool bias = false, mask = false;
  std::optional<int64_t> causal = std::nullopt;
  std::optional<double> softcap = std::nullopt;
  std::vector<int32_t> keyLength = {};
  /// Tokens of two groups, every other three.
  std::optional<double> groupBias = std::nullopt;

  double getScale() const { return 1 / std::sqrt(headDim); }
};

const llvm::fltSemantics &getSemantics(llvm::StringRef element) {
  return element == "bf16"   ? llvm::APFloat::BFloat()
         : element == "f16"  ? llvm::APFloat::IEEEhalf()
         : element == "tf32" ? llvm::APFloat::FloatTF32()
                             : llvm::APFloat::IEEEsingle();
}

bool isOf32Bits(llvm::StringRef element) { return element.ends_with("f32"); }

/// Values as an element type has them, and as bytes of it.
struct Elements {
  std::vector<float> values;
  std::vector<uint16_t> halves;

  Elements(int64_t size, uint32_t seed, llvm::StringRef element,
           float factor = 1)
      : values(getRandom(size, seed)) {
    for (float &value : values) {
      llvm::APFloat rounded(value * factor);
      bool lost;
      rounded.convert(getSemantics(element), llvm::APFloat::rmNearestTiesToEven,
                      &lost);
      if (!isOf32Bits(element))
        halves.push_back(rounded.bitcastToAPInt().getZExtValue());
      rounded.convert(llvm::APFloat::IEEEsingle(),
                      llvm::APFloat::rmNearestTiesToEven, &lost);
      value = rounded.convertToFloat();
    }
  }
  const void *data() const {
    return halves.empty() ? static_cast<const void *>(values.data())
                          : halves.data();
  }
};

struct Operands {
  Elements query, key, value, bias, mask;

  explicit Operands(const Attention &shape)
      : query(shape.batch * shape.heads * shape.queries * shape.headDim, 1,
              shape.element, /*factor=*/8),
        key(shape.batch * shape.keyHeads * shape.keys * shape.headDim, 2,
            shape.element),
        value(shape.batch * shape.keyHeads * shape.keys * shape.valueDim, 3,
              shape.element),
        bias(shape.heads * shape.queries * shape.keys, 4, "f32", /*factor=*/4),
        mask(shape.batch * shape.queries * shape.keys, 5, "f32") {
    for (float &element : mask.values)
      if (element < -0.8)
        element = -static_cast<float>(kInfinity);
  }
};

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

/// "name(%name at map : type)" of an operand with `heads` rows a token.
std::string getOperand(const Attention &shape, llvm::StringRef name,
                       int64_t tokens, int64_t heads, int64_t dim,
                       llvm::StringRef element, std::string &buffers,
                       llvm::StringRef place) {
  std::string head = "h";
  if (heads != shape.heads)
    head = llvm::formatv("h floordiv {0}", shape.heads / heads);
  std::string sizes = llvm::formatv("{0}x", heads);
  if (!shape.tokensFirst)
    sizes += llvm::formatv("{0}x", tokens);
  std::string type = llvm::formatv("memref<?x{0}{1}x{2}>", sizes, dim, element);
  std::string map =
      llvm::formatv(shape.tokensFirst ? "(i, {0}, d)" : "(b, {0}, i, d)", head);
  buffers += llvm::formatv("  %{0} = kernel.buffer %context {1} : {2}\n", name,
                           place, type);
  return llvm::formatv("{0}(%{0} at affine_map<(b, h, i, d) -> {1}> : {2})\n",
                       name, map, type);
}

/// What is added to scores, and what limits them.
std::string getChanges(const Attention &shape, std::string &buffers) {
  std::string text;
  auto add = [&](const char *name, int64_t number, std::string type,
                 const char *map) {
    buffers += llvm::formatv("  %{0} = kernel.buffer %context input at {1} : "
                             "{2}\n",
                             name, number, type);
    text +=
        llvm::formatv("{0}(%{0} at affine_map<{1}> : {2})\n", name, map, type);
  };
  if (shape.bias)
    add("bias", 3,
        llvm::formatv("memref<{0}x{1}x{2}xf32>", shape.heads, shape.queries,
                      shape.keys),
        "(b, h, i, j) -> (h, i, j)");
  if (shape.mask)
    add("mask", 4,
        llvm::formatv("memref<?x{0}x{1}xf32>", shape.queries, shape.keys),
        "(b, h, i, j) -> (b, i, j)");
  if (shape.groupBias)
    text += llvm::formatv("groups affine_map<(b, i) -> ((i + b) floordiv 3 mod "
                          "2)> group_bias {0:e}\n",
                          *shape.groupBias);
  if (!shape.keyLength.empty())
    add("key_length", 5, "memref<?xi32>", "(b) -> (b)");
  return text;
}

std::string getSizes(const Attention &shape) {
  std::string text =
      llvm::formatv("heads {0} head_dim {1} ", shape.heads, shape.headDim);
  return text;
}

std::string getScoreAttributes(const Attention &shape) {
  std::string text = llvm::formatv("scale {0:e}", shape.getScale());
  if (shape.causal)
    text += llvm::formatv(" causal {0}", *shape.causal);
  if (shape.softcap)
    text += llvm::formatv(" softcap {0:e}", *shape.softcap);
  return text + "\n";
}

/// Begins a module: numbers of tokens, then those of the op.
std::string getTokens(const Attention &shape, std::string &buffers) {
  if (shape.tokensFirst) {
    buffers += "  %one = arith.constant 1 : index\n";
    return "batch(%one) queries(%batch) keys(%batch) ";
  }
  buffers += llvm::formatv("  %queries = arith.constant {0} : index\n"
                           "  %keys = arith.constant {1} : index\n",
                           shape.queries, shape.keys);
  return "batch(%batch) queries(%queries) keys(%keys) ";
}

std::string getAttentionModule(const Attention &shape) {
  std::string buffers;
  std::string op =
      "  kernel.attention " + getTokens(shape, buffers) + getSizes(shape);
  op += llvm::formatv("value_dim {0} ", shape.valueDim);
  op += getScoreAttributes(shape);
  op += getOperand(shape, "query", shape.queries, shape.heads, shape.headDim,
                   shape.element, buffers, "input at 0");
  op += getOperand(shape, "key", shape.keys, shape.keyHeads, shape.headDim,
                   shape.element, buffers, "input at 1");
  op += getOperand(shape, "value", shape.keys, shape.keyHeads, shape.valueDim,
                   shape.element, buffers, "input at 2");
  op += getChanges(shape, buffers);
  op += getOperand(shape, "init", shape.queries, shape.heads, shape.valueDim,
                   shape.resultElement, buffers, "output at 0");
  return getModule(buffers + op + shape.tiling + "\n");
}

std::string getMapModule(const Attention &shape) {
  std::string buffers = "  %layer = arith.constant 0 : index\n"
                        "  %s = kernel.buffer %context input at 6 : "
                        "memref<1x2xi64>\n";
  std::string op = "  kernel.attention_map " + getTokens(shape, buffers) +
                   getSizes(shape) + getScoreAttributes(shape);
  op += "selection(%s at %layer : memref<1x2xi64>)\n";
  op += getOperand(shape, "query", shape.queries, shape.heads, shape.headDim,
                   shape.element, buffers, "input at 0");
  op += getOperand(shape, "key", shape.keys, shape.keyHeads, shape.headDim,
                   shape.element, buffers, "input at 1");
  op += getChanges(shape, buffers);
  std::string type = llvm::formatv("memref<?x{0}x{1}x{2}xf32>", shape.heads,
                                   shape.queries, shape.keys);
  buffers += "  %o = kernel.buffer %context output at 0 : " + type + "\n";
  op += "init(%o : " + type + ")\n";
  return getModule(buffers + op + shape.tiling + "\n");
}

//===----------------------------------------------------------------------===//
// What is expected
//===----------------------------------------------------------------------===//

/// Where a row of an operand begins.
int64_t getRow(const Attention &shape, int64_t b, int64_t h, int64_t i,
               int64_t tokens, int64_t heads) {
  h /= shape.heads / heads;
  return shape.tokensFirst ? i * heads + h : (b * heads + h) * tokens + i;
}

std::vector<double> getProbabilities(const Attention &shape,
                                     const Operands &operands, int64_t b,
                                     int64_t h, int64_t i) {
  const float *query =
      &operands.query
           .values[getRow(shape, b, h, i, shape.queries, shape.heads) *
                   shape.headDim];
  auto getGroup = [&](int64_t token) { return (token + b) / 3 % 2; };
  std::vector<double> scores(shape.keys, 0);
  for (int64_t j = 0; j < shape.keys; ++j) {
    const float *key =
        &operands.key
             .values[getRow(shape, b, h, j, shape.keys, shape.keyHeads) *
                     shape.headDim];
    double &score = scores[j];
    for (int64_t d = 0; d < shape.headDim; ++d)
      score += double(query[d]) * key[d];
    score *= shape.getScale();
    if (shape.softcap)
      score = *shape.softcap * std::tanh(score / *shape.softcap);
    if (shape.bias)
      score += operands.bias.values[(h * shape.queries + i) * shape.keys + j];
    if (shape.mask)
      score += operands.mask.values[(b * shape.queries + i) * shape.keys + j];
    if (shape.groupBias && getGroup(i) != getGroup(j))
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

template <typename Body> void forEachQuery(const Attention &shape, Body body) {
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h)
      for (int64_t i = 0; i < shape.queries; ++i)
        body(b, h, i);
}

std::vector<double> getExpected(const Attention &shape,
                                const Operands &operands) {
  std::vector<double> expected(
      shape.batch * shape.heads * shape.queries * shape.valueDim, 0);
  forEachQuery(shape, [&](int64_t b, int64_t h, int64_t i) {
    std::vector<double> probabilities =
        getProbabilities(shape, operands, b, h, i);
    int64_t row = getRow(shape, b, h, i, shape.queries, shape.heads);
    for (int64_t j = 0; j < shape.keys; ++j)
      for (int64_t e = 0; e < shape.valueDim; ++e)
        expected[row * shape.valueDim + e] +=
            probabilities[j] *
            operands.value
                .values[getRow(shape, b, h, j, shape.keys, shape.keyHeads) *
                            shape.valueDim +
                        e];
  });
  return expected;
}

//===----------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------===//

class DeviceAttentionTest : public testing::TestWithParam<std::string> {
protected:
  /// What `module` computes, the same whatever the order of its threads.
  template <typename T>
  std::vector<T> run(const std::string &module, const Attention &shape,
                     const Operands &operands, int64_t size, T untouched,
                     const int64_t *selection = nullptr) {
    auto kernel = CompiledKernel::compile(module, GetParam());
    if (!kernel)
      return {};
    std::vector<T> result(size, untouched), again = result;
    const void *inputs[] = {operands.query.data(),
                            operands.key.data(),
                            operands.value.data(),
                            operands.bias.data(),
                            operands.mask.data(),
                            shape.keyLength.data(),
                            selection};
    int64_t batch = shape.tokensFirst ? shape.queries : shape.batch;
    kernel->runBuffers(batch, inputs, result.data(), /*numRanges=*/1);
    kernel->runBuffers(batch, inputs, again.data(), /*numRanges=*/5);
    EXPECT_EQ(result, again);
    return result;
  }

  void test(const Attention &shape, double tolerance = 1e-5) {
    SCOPED_TRACE(
        llvm::formatv("batch {0} queries {1} keys {2} dims {3} {4} {5} "
                      "{6}",
                      shape.batch, shape.queries, shape.keys, shape.headDim,
                      shape.valueDim, shape.element, shape.tiling)
            .str());
    Operands operands(shape);
    std::vector<double> expected = getExpected(shape, operands);
    std::string module = getAttentionModule(shape);
    std::vector<float> result;
    if (isOf32Bits(shape.resultElement)) {
      result = run(module, shape, operands, expected.size(), kUntouched);
    } else {
      for (uint16_t bits :
           run(module, shape, operands, expected.size(), uint16_t(0x7fff)))
        result.push_back(llvm::APFloat(getSemantics(shape.resultElement),
                                       llvm::APInt(16, bits))
                             .convertToDouble());
    }
    ASSERT_EQ(result.size(), expected.size());
    EXPECT_LE(getRelativeError(result, expected), tolerance);
  }

  /// Maps of `count` queries from `first` on; the mean for -1.
  void testMap(const Attention &shape, int64_t first, int64_t count) {
    SCOPED_TRACE(llvm::formatv("queries {0} keys {1}: {2} from {3}",
                               shape.queries, shape.keys, count, first)
                     .str());
    Operands operands(shape);
    std::vector<double> expected(shape.batch * shape.heads * count *
                                 shape.keys);
    forEachQuery(shape, [&](int64_t b, int64_t h, int64_t i) {
      std::vector<double> row = getProbabilities(shape, operands, b, h, i);
      int64_t target = first < 0 ? 0 : i - first;
      if (target < 0 || target >= count)
        return;
      for (int64_t j = 0; j < shape.keys; ++j)
        expected[((b * shape.heads + h) * count + target) * shape.keys + j] +=
            first < 0 ? row[j] / shape.queries : row[j];
    });
    int64_t selection[] = {first, count};
    std::vector<float> result =
        run(getMapModule(shape), shape, operands,
            shape.batch * shape.heads * shape.queries * shape.keys, kUntouched,
            selection);
    ASSERT_GE(result.size(), expected.size());
    // What nobody asked for is not written.
    for (size_t i = expected.size(); i < result.size(); ++i)
      ASSERT_EQ(result[i], kUntouched);
    result.resize(expected.size());
    EXPECT_LE(getRelativeError(result, expected), 1e-5);
  }
};

/// All that changes scores at once.
Attention getChanged(Attention shape) {
  shape.bias = shape.mask = true;
  shape.softcap = 5.0;
  shape.causal = shape.keys - shape.queries + 2;
  shape.groupBias = -3.0;
  for (int64_t b = 0; b < shape.batch; ++b)
    shape.keyLength.push_back(b == 0 ? 0 : shape.keys - 5 * b);
  return shape;
}

// Rows shared by 4 to 32 threads, in micro-tiles of all kinds.
TEST_P(DeviceAttentionTest, Tilings) {
  for (const char *tiling :
       {"rows = 1, columns = 1, queryBlock = 8, keyBlock = 4",
        "rows = 2, columns = 3, queryBlock = 16, keyBlock = 24",
        "rows = 8, columns = 4, queryBlock = 64, keyBlock = 64",
        "rows = 3, columns = 2, queryBlock = 6, keyBlock = 64",
        "rows = 4, columns = 13, queryBlock = 32, keyBlock = 208"}) {
    Attention shape{2, 49, 77, 2, 24, 20};
    shape.tiling = llvm::formatv("tiling <{0}>", tiling);
    test(shape);
    test(getChanged(shape));
  }
}

// Blocks of one query, of one or several keys a thread.
TEST_P(DeviceAttentionTest, OneQueryTilings) {
  for (const char *tiling :
       {"rows = 1, columns = 1, queryBlock = 1, keyBlock = 32",
        "rows = 1, columns = 3, queryBlock = 1, keyBlock = 192",
        "rows = 1, columns = 2, queryBlock = 1, keyBlock = 512"})
    for (int64_t dim : {1, 24, 65, 128}) {
      Attention shape{2, 3, 300, 4, dim, dim, /*keyHeads=*/2};
      shape.tiling = llvm::formatv("tiling <{0}>", tiling);
      test(shape);
      test(getChanged(shape));
    }
}

// Tokens that only a run counts: fewer than a block, some blocks, and a rest.
TEST_P(DeviceAttentionTest, RuntimeTokens) {
  for (int64_t tokens : {1, 7, 49, 197}) {
    Attention shape{1, tokens, tokens, 2, 32, 32};
    shape.tokensFirst = true;
    test(shape);
    shape.causal = 0;
    test(shape);
  }
}

TEST_P(DeviceAttentionTest, SharedKeyHeads) {
  test({2, 21, 50, 6, 64, 32, /*keyHeads=*/2});
  test({2, 1, 50, 6, 64, 32, /*keyHeads=*/1});
}

TEST_P(DeviceAttentionTest, Changes) {
  test(getChanged({3, 49, 49, 2, 32, 32}));
  test(getChanged({3, 7, 577, 2, 80, 80, /*keyHeads=*/1}));
  test(getChanged({3, 1, 577, 2, 96, 96, /*keyHeads=*/1}));
}

TEST_P(DeviceAttentionTest, HeadDims) {
  for (int64_t dim : {24, 32, 64, 80, 96, 128, 256}) {
    test({1, 7, 4097, 1, dim, dim});
    test({1, 197, 49, 1, dim, dim});
  }
}

// Products of operands of 16 bits or tf32 are exact in f32.
TEST_P(DeviceAttentionTest, ShortFactors) {
  for (const char *element : {"bf16", "f16", "tf32"})
    for (int64_t queries : {1, 49}) {
      Attention shape{2, queries, 77, 2, 24, 20};
      shape.element = element;
      shape.tiling = queries == 1 ? "tiling <rows = 1, columns = 1, queryBlock "
                                    "= 1, keyBlock = 64>"
                                  : "tiling <rows = 4, columns = 2, queryBlock "
                                    "= 16, keyBlock = 32>";
      test(shape);
      shape.resultElement = element;
      test(shape, element == std::string("bf16") ? 4e-3 : 5e-4);
    }
}

// Probabilities are rounded to the type of the values.
TEST_P(DeviceAttentionTest, TensorCores) {
  for (auto [element, tolerance] :
       {std::pair("bf16", 4e-3), std::pair("f16", 5e-4),
        std::pair("tf32", 5e-4)})
    for (int64_t keys : {7, 49, 197})
      for (int64_t dim : {24, 64}) {
        Attention shape{2, 49, keys, 4, dim, dim - 3, /*keyHeads=*/2};
        shape.element = element;
        test(shape, tolerance);
        test(getChanged(shape), tolerance);
      }
  for (int64_t dim : {16, 80, 96, 128, 256}) {
    Attention shape{1, 13, 577, 1, dim, dim};
    shape.element = shape.resultElement = "bf16";
    test(shape, 6e-3);
    shape.element = shape.resultElement = "tf32";
    test(shape, 8e-4);
  }
  Attention shape{1, 49, 49, 2, 32, 32};
  shape.element = "f16";
  shape.tokensFirst = true;
  test(shape, 5e-4);
}

TEST_P(DeviceAttentionTest, Maps) {
  Attention shape = getChanged({3, 49, 77, 4, 24, 0, /*keyHeads=*/2});
  testMap(shape, 0, 49);
  testMap(shape, 48, 1);
  testMap(shape, -1, 1);
  testMap({2, 197, 77, 1, 64, 0}, 70, 100);
  testMap({2, 197, 77, 1, 64, 0}, -1, 1);
}

INSTANTIATE_TEST_SUITE_P(Architectures, DeviceAttentionTest,
                         testing::Values("sm_80", "sm_90a"), LevelName());

} // namespace
