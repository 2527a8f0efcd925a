//===- AttentionWindowTest.cpp - Attention on the tokens of windows -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries, keys and values are read from, and results written to, where a
// shifted window's tokens lie in a picture, against double.
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace vitc::test;

namespace {

/// Pictures of size x size tokens, each with queries, keys and values of all
/// heads, in windows of window x window tokens, shifted by `shift`.
struct Windows {
  int64_t pictures, size, window, shift, heads, headDim;
  /// Whether heads are not side by side, but tokens that follow each other.
  bool interleaved = false;
  /// Whether tokens see those of their own region of the picture only.
  bool regions = false;

  int64_t getSide() const { return size / window; }
  int64_t getTokens() const { return window * window; }
  int64_t getWidth() const { return heads * headDim; }
  /// The region of a token: 3 x 3 of them begin where a shift wraps around.
  int64_t getRegion(int64_t b, int64_t i) const {
    auto getPart = [&](int64_t place) {
      return place / (size - window) + (place + shift) / size;
    };
    int64_t inPicture = b % (getSide() * getSide());
    return 3 * getPart(inPicture / getSide() * window + i / window) +
           getPart(inPicture % getSide() * window + i % window);
  }
  /// Where element 0 of a token of a window lies in rows of `width` elements,
  /// of which a head has `headDim`.
  int64_t getOffset(int64_t b, int64_t h, int64_t i, int64_t width) const {
    int64_t inPicture = b % (getSide() * getSide());
    int64_t y = (inPicture / getSide() * window + i / window + shift) % size;
    int64_t x = (inPicture % getSide() * window + i % window + shift) % size;
    int64_t place = (b / (getSide() * getSide()) * size + y) * size + x;
    int64_t column = interleaved ? (h + i) % heads : h;
    return place * width + column * headDim;
  }
};

std::string getMap(const Windows &windows, int64_t firstColumn) {
  std::string column = windows.interleaved
                           ? llvm::formatv("((h + i) mod {0})", windows.heads)
                           : std::string("h");
  return llvm::formatv(
      "affine_map<(b, h, i, d) -> (b floordiv {0},"
      " (b mod {0} floordiv {1} * {2} + i floordiv {2} + {3}) mod {4},"
      " (b mod {1} * {2} + i mod {2} + {3}) mod {4}, {5} * {6} + d + {7})>",
      windows.getSide() * windows.getSide(), windows.getSide(), windows.window,
      windows.shift, windows.size, column, windows.headDim, firstColumn);
}

std::string getRegions(const Windows &windows) {
  if (!windows.regions)
    return "";
  std::string y = llvm::formatv("(b mod {0} floordiv {1} * {2} + i floordiv "
                                "{2})",
                                windows.getSide() * windows.getSide(),
                                windows.getSide(), windows.window);
  std::string x = llvm::formatv("(b mod {0} * {1} + i mod {1})",
                                windows.getSide(), windows.window);
  return llvm::formatv("groups affine_map<(b, i) -> ("
                       "3 * ({0} floordiv {2} + ({0} + {3}) floordiv {4})"
                       " + {1} floordiv {2} + ({1} + {3}) floordiv {4})>"
                       " group_bias 0xFFF0000000000000\n",
                       y, x, windows.size - windows.window, windows.shift,
                       windows.size);
}

std::string getWindowModule(const Windows &windows) {
  std::string type = llvm::formatv("memref<?x{0}x{0}x{1}xf32>", windows.size,
                                   3 * windows.getWidth());
  std::string resultType = llvm::formatv("memref<?x{0}x{0}x{1}xf32>",
                                         windows.size, windows.getWidth());
  std::string body = llvm::formatv(
      R"mlir(
  %side = arith.constant {0} : index
  %windows = arith.muli %batch, %side : index
  %tokens = arith.constant {1} : index
  %x = kernel.buffer %context input at 0 : {2}
  %o = kernel.buffer %context output at 0 : {3}
  kernel.attention batch(%windows) queries(%tokens) keys(%tokens) heads {4}
      head_dim {5} value_dim {5} scale 1.0
)mlir",
      windows.getSide() * windows.getSide(), windows.getTokens(), type,
      resultType, windows.heads, windows.headDim);
  int64_t column = 0;
  for (const char *operand : {"query", "key", "value"}) {
    body += llvm::formatv("{0}(%x at {1} : {2})\n", operand,
                          getMap(windows, column), type);
    column += windows.getWidth();
  }
  body += getRegions(windows);
  body +=
      llvm::formatv("init(%o at {0} : {1})\n", getMap(windows, 0), resultType);
  return getModule(body);
}

std::vector<double> getExpected(const Windows &windows,
                                const std::vector<float> &x) {
  int64_t width = windows.getWidth(), tokens = windows.getTokens();
  int64_t count = windows.pictures * windows.getSide() * windows.getSide();
  std::vector<double> expected(x.size() / 3);
  for (int64_t b = 0; b < count; ++b)
    for (int64_t h = 0; h < windows.heads; ++h)
      for (int64_t i = 0; i < tokens; ++i) {
        auto element = [&](int64_t part, int64_t token, int64_t d) -> double {
          int64_t row = windows.getOffset(b, h, token, 3 * width);
          return x[row + part * width + d];
        };
        std::vector<double> weights(tokens, 0);
        for (int64_t j = 0; j < tokens; ++j) {
          for (int64_t d = 0; d < windows.headDim; ++d)
            weights[j] += element(0, i, d) * element(1, j, d);
          if (windows.regions &&
              windows.getRegion(b, i) != windows.getRegion(b, j))
            weights[j] = -std::numeric_limits<double>::infinity();
        }
        double maximum = *std::max_element(weights.begin(), weights.end());
        double sum = 0;
        for (double &weight : weights)
          sum += weight = std::exp(weight - maximum);
        for (int64_t d = 0; d < windows.headDim; ++d) {
          double result = 0;
          for (int64_t j = 0; j < tokens; ++j)
            result += weights[j] / sum * element(2, j, d);
          expected[windows.getOffset(b, h, i, width) + d] = result;
        }
      }
  return expected;
}

class AttentionWindowTest : public testing::TestWithParam<std::string> {
protected:
  void test(const Windows &windows) {
    SCOPED_TRACE(llvm::formatv("pictures {0} window {1} shift {2} heads {3}",
                               windows.pictures, windows.window, windows.shift,
                               windows.heads)
                     .str());
    std::vector<float> x = getRandom(windows.pictures * windows.size *
                                         windows.size * 3 * windows.getWidth(),
                                     1);
    auto kernel = CompiledKernel::compile(getWindowModule(windows), GetParam());
    ASSERT_TRUE(kernel);
    std::vector<float> result(x.size() / 3, 12345);
    const float *inputs[] = {x.data()};
    kernel->run(windows.pictures, inputs, result.data());
    EXPECT_LE(getRelativeError(result, getExpected(windows, x)), 1e-5);
    // Ranges begin within a window's heads.
    for (int64_t numRanges : {2, 5, 7}) {
      std::vector<float> again(result.size(), 12345);
      kernel->run(windows.pictures, inputs, again.data(), numRanges);
      EXPECT_EQ(result, again) << numRanges << " ranges";
    }
  }
};

TEST_P(AttentionWindowTest, Swin) {
  test({1, 14, 7, 0, 3, 32});
  test({2, 14, 7, 3, 3, 32});
  test({3, 8, 4, 2, 5, 16});
}

TEST_P(AttentionWindowTest, Regions) {
  for (int64_t window : {4, 7}) {
    Windows windows{2, 2 * window, window, window / 2, 3, 32};
    windows.regions = true;
    test(windows);
  }
}

// Several blocks of queries a window, and several of keys.
TEST_P(AttentionWindowTest, LargeWindow) { test({2, 48, 24, 12, 2, 8}); }

// A token's place that depends on its head, too.
TEST_P(AttentionWindowTest, HeadsByToken) {
  test({2, 8, 4, 2, 3, 16, /*interleaved=*/true});
}

INSTANTIATE_TEST_SUITE_P(Levels, AttentionWindowTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
