//===- GemmPrologueTest.cpp - Products of copied rows against double ------===//
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
#include <cstring>
#include <functional>

using namespace vitc::test;

namespace {

enum class Norm { None, Layer, Rms };

constexpr double kEpsilon = 1e-5;

/// Where element l of row i lies in an item of lhs.
struct Lhs {
  std::string shape; // of an item: "14x14x96"
  int64_t size;      // elements of an item
  std::string map;   // of (b, i, l)
  /// Negative outside of lhs.
  std::function<int64_t(int64_t i, int64_t l)> offset;
  bool leadsOutside = false;
};

/// relu(x * scale + shift) for each of `count` channels of an item.
struct Channels {
  int64_t count = 0; // 0: lhs is read as it is
  std::string map;   // of (b, l)
  std::function<int64_t(int64_t l)> channel;
};

/// norm(rows of lhs) * W [n, k]^T + bias.
struct Product {
  int64_t rows, n, k;
  Lhs lhs;
  Norm norm = Norm::Layer;
  Channels channels = {};
};

Lhs getDense(int64_t rows, int64_t k) {
  return {llvm::formatv("{0}x{1}", rows, k), rows * k, "(b, i, l)",
          [=](int64_t i, int64_t l) { return i * k + l; }};
}

/// Windows of 7 x 7 of a map of side x side tokens that was shifted by 3.
Lhs getWindows(int64_t side, int64_t channels) {
  return {llvm::formatv("{0}x{0}x{1}", side, channels), side * side * channels,
          llvm::formatv("(b, (7 * (i floordiv {0}) + (i mod 49) floordiv 7 + "
                        "3) mod {1}, (7 * ((i floordiv 49) mod {2}) + "
                        "(i mod 49) mod 7 + 3) mod {1}, l)",
                        7 * side, side, side / 7),
          [=](int64_t i, int64_t l) {
            int64_t window = i / 49, token = i % 49;
            int64_t y = 7 * (window / (side / 7)) + token / 7 + 3;
            int64_t x = 7 * (window % (side / 7)) + token % 7 + 3;
            return (y % side * side + x % side) * channels + l;
          }};
}

/// Four neighbours of a map of side x side tokens become one, as in Swin.
Lhs getMergedPatches(int64_t side, int64_t channels) {
  return {llvm::formatv("{0}x{0}x{1}", side, channels), side * side * channels,
          llvm::formatv("(b, 2 * (i floordiv {0}) + (l floordiv {1}) mod 2, "
                        "2 * (i mod {0}) + l floordiv {2}, l mod {1})",
                        side / 2, channels, 2 * channels),
          [=](int64_t i, int64_t l) {
            int64_t y = 2 * (i / (side / 2)) + l / channels % 2;
            int64_t x = 2 * (i % (side / 2)) + l / channels / 2;
            return (y * side + x) * channels + l % channels;
          }};
}

/// Patches of `patch` x `patch` pixels of 3 planes of side x side; pixels in
/// the order of planes, or with the planes innermost.
Lhs getPatches(int64_t side, int64_t patch, bool planesInnermost) {
  int64_t columns = side / patch;
  const char *pixel =
      planesInnermost
          ? "(b, l mod 3, {0} * (i floordiv {1}) + l floordiv {3}, "
            "{0} * (i mod {1}) + (l floordiv 3) mod {0})"
          : "(b, l floordiv {2}, {0} * (i floordiv {1}) + "
            "(l floordiv {0}) mod {0}, {0} * (i mod {1}) + l mod {0})";
  return {llvm::formatv("3x{0}x{0}", side), 3 * side * side,
          llvm::formatv(pixel, patch, columns, patch * patch, 3 * patch).str(),
          [=](int64_t i, int64_t l) {
            int64_t plane = planesInnermost ? l % 3 : l / patch / patch;
            int64_t place = planesInnermost ? l / 3 : l % (patch * patch);
            int64_t y = patch * (i / columns) + place / patch;
            int64_t x = patch * (i % columns) + place % patch;
            return (plane * side + y) * side + x;
          }};
}

/// Rows that lie across: a map of pixels with the channels outermost.
Lhs getTransposed(int64_t rows, int64_t k) {
  return {llvm::formatv("{0}x{1}", k, rows), rows * k, "(b, l, i)",
          [=](int64_t i, int64_t l) { return l * rows + i; }};
}

/// The pixels under a 3 x 3 filter that goes over a map in steps of `stride`,
/// with a border of `pad` zeros: its places are the rows.
struct Taps {
  int64_t side, channels, stride, pad;
  bool channelsInnermost = true;
  int64_t size = 3; // of the filter, a square

  int64_t getColumns() const { return (side + 2 * pad - size) / stride + 1; }
  int64_t getRows() const { return getColumns() * getColumns(); }
  int64_t getDepth() const { return size * size * channels; }
  Lhs getLhs() const {
    const char *shape = channelsInnermost ? "{0}x{0}x{1}" : "{1}x{0}x{0}";
    const char *map =
        channelsInnermost
            ? "(b, {0} * (i floordiv {1}) + l floordiv {3} - {4}, "
              "{0} * (i mod {1}) + (l floordiv {2}) mod {5} - {4}, l mod {2})"
            : "(b, l floordiv {6}, {0} * (i floordiv {1}) + (l floordiv {5}) "
              "mod {5} - {4}, {0} * (i mod {1}) + l mod {5} - {4})";
    Taps taps = *this;
    return {llvm::formatv(shape, side, channels), side * side * channels,
            llvm::formatv(map, stride, getColumns(), channels, size * channels,
                          pad, size, size * size)
                .str(),
            [=](int64_t i, int64_t l) -> int64_t {
              int64_t c = taps.getChannel(l), tap = taps.getTap(l);
              int64_t y = stride * (i / taps.getColumns()) + tap / size - pad;
              int64_t x = stride * (i % taps.getColumns()) + tap % size - pad;
              if (y < 0 || y >= side || x < 0 || x >= side)
                return -1;
              return channelsInnermost ? (y * side + x) * channels + c
                                       : (c * side + y) * side + x;
            },
            /*leadsOutside=*/pad > 0};
  }
  int64_t getChannel(int64_t l) const {
    return channelsInnermost ? l % channels : l / (size * size);
  }
  int64_t getTap(int64_t l) const {
    return channelsInnermost ? l / channels : l % (size * size);
  }
  Channels getChannels() const {
    Taps taps = *this;
    return {channels,
            channelsInnermost
                ? llvm::formatv("(b, l mod {0})", channels).str()
                : llvm::formatv("(b, l floordiv {0})", size * size).str(),
            [=](int64_t l) { return taps.getChannel(l); }};
  }
};

/// What scales lhs in the text of a gemm.
std::string getScaling(const Channels &channels) {
  if (channels.count == 0)
    return "";
  return llvm::formatv("lhs_scale(%scale at affine_map<(b, l) -> {1}> : "
                       "memref<?x{0}xf32>) lhs_shift(%shift : "
                       "memref<?x{0}xf32>) lhs_activation relu",
                       channels.count, channels.map);
}

std::string getProductModule(const Product &product) {
  static const char *const kNorms[] = {
      "", "norm <epsilon = 1.000000e-05 : f64>",
      "norm <epsilon = 1.000000e-05 : f64, rms = true>"};
  return getModule(llvm::formatv(
                       R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{3}xf32>
  %w = kernel.buffer %context input at 1 : memref<{4}xf32>
  %bias = kernel.buffer %context input at 2 : memref<{1}xf32>
  %scale = kernel.buffer %context input at 3 : memref<?x{9}xf32>
  %shift = kernel.buffer %context input at 4 : memref<?x{9}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}x{1}xf32>
  kernel.gemm batch(%batch) rows(%rows) n {1} k {2}
      lhs(%x at affine_map<(b, i, l) -> {5}> : memref<?x{3}xf32>) {7} {8}
      weights(%w : memref<{4}xf32>) bias(%bias : memref<{1}xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x{0}x{1}xf32>) {6}
)mlir",
                       product.rows, product.n, product.k, product.lhs.shape,
                       packWeights(std::vector<float>(product.n * product.k),
                                   product.n, product.k)
                           .size(),
                       product.lhs.map, kNorms[static_cast<int>(product.norm)],
                       product.lhs.leadsOutside ? "zero_outside" : "",
                       getScaling(product.channels),
                       std::max<int64_t>(product.channels.count, 1))
                       .str());
}

void normalise(std::vector<double> &row, Norm norm) {
  double mean = 0, variance = 0;
  if (norm == Norm::Layer)
    for (double value : row)
      mean += value / row.size();
  for (double value : row)
    variance += (value - mean) * (value - mean) / row.size();
  for (double &value : row)
    value = (value - mean) / std::sqrt(variance + kEpsilon);
}

class GemmPrologueTest : public testing::TestWithParam<std::string> {
protected:
  /// The result of `product` for `input`, checked against double and in
  /// several ranges of tasks, which must not change a bit.
  std::vector<float> test(const Product &product, int64_t batch,
                          llvm::ArrayRef<float> input);
  /// The same for random values around `offset`.
  void test(const Product &product, int64_t batch = 2, float offset = 0) {
    std::vector<float> input = getRandom(batch * product.lhs.size, 1);
    for (float &value : input)
      value += offset;
    test(product, batch, input);
  }
};

std::vector<float> GemmPrologueTest::test(const Product &product, int64_t batch,
                                          llvm::ArrayRef<float> input) {
  SCOPED_TRACE(llvm::formatv("batch {0} rows {1} n {2} k {3} lhs {4} {5}",
                             batch, product.rows, product.n, product.k,
                             product.lhs.map, GetParam())
                   .str());
  auto [rows, n, k] = std::tie(product.rows, product.n, product.k);
  std::vector<float> weights = getRandom(n * k, 2);
  std::vector<float> packed = packWeights(weights, n, k);
  std::vector<float> bias = getRandom(n, 3);
  const Channels &channels = product.channels;
  std::vector<float> scale = getRandom(batch * channels.count, 4);
  std::vector<float> shift = getRandom(batch * channels.count, 5);
  std::vector<double> expected, row(k);
  for (int64_t m = 0; m < batch * rows; ++m) {
    for (int64_t l = 0; l < k; ++l) {
      int64_t item = m / rows, offset = product.lhs.offset(m % rows, l);
      row[l] = offset < 0 ? 0.0 : input[item * product.lhs.size + offset];
      if (offset < 0 || channels.count == 0)
        continue;
      int64_t c = item * channels.count + channels.channel(l);
      row[l] = std::max(0.0, row[l] * scale[c] + shift[c]);
    }
    if (product.norm != Norm::None)
      normalise(row, product.norm);
    for (int64_t j = 0; j < n; ++j) {
      double sum = bias[j];
      for (int64_t l = 0; l < k; ++l)
        sum += row[l] * weights[j * k + l];
      expected.push_back(sum);
    }
  }

  std::vector<float> result(expected.size());
  auto kernel = CompiledKernel::compile(getProductModule(product), GetParam());
  if (!kernel)
    return result;
  const float *inputs[] = {input.data(), packed.data(), bias.data(),
                           scale.data(), shift.data()};
  kernel->run(batch, inputs, result.data());
  EXPECT_LE(getRelativeError(result, expected), 1e-5);
  for (int64_t numRanges : {2, 7}) {
    std::vector<float> again(expected.size());
    kernel->run(batch, inputs, again.data(), numRanges);
    EXPECT_EQ(0, std::memcmp(again.data(), result.data(),
                             result.size() * sizeof(float)))
        << numRanges << " ranges";
  }
  return result;
}

// One row an item, some, and more than a task's.
TEST_P(GemmPrologueTest, NormRows) {
  for (int64_t rows : {1, 49, 197, 3136})
    for (int64_t batch : {1, 7})
      if (batch * rows <= 3136)
        test({rows, 100, 48, getDense(rows, 48)}, batch);
}

// With columns for several groups of panels and a tail.
TEST_P(GemmPrologueTest, NormColumns) {
  for (int64_t n : {1, 63, 64, 400, 456, 840})
    test({50, n, 40, getDense(50, 40)});
}

TEST_P(GemmPrologueTest, NormDepths) {
  for (int64_t k : {1, 7, 48, 96, 100, 384, 768, 1537, 3072})
    test({13, 80, k, getDense(13, k)});
  for (int64_t k : {7, 96, 768})
    test({13, 80, k, getDense(13, k), Norm::Rms});
}

// Differences from the mean, not of squares: nothing cancels.
TEST_P(GemmPrologueTest, NormLargeMean) {
  test({13, 80, 768, getDense(13, 768)}, /*batch=*/2, /*offset=*/16);
}

// The bits of kernel.norm and the product after it.
TEST_P(GemmPrologueTest, NormBits) {
  if (isGpu(GetParam()))
    GTEST_SKIP() << "a GPU's kernels sum a row in an order of their own";
  int64_t rows = 21, k = 100, n = 80;
  auto norm = CompiledKernel::compile(getModule(R"mlir(
  %rows = arith.constant 21 : index
  %x = kernel.buffer %context input at 0 : memref<?x21x100xf32>
  %y = kernel.buffer %context output at 0 : memref<?x21x100xf32>
  kernel.norm batch(%batch) rows(%rows) channels 100 epsilon 1.000000e-05
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x21x100xf32>)
      init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x21x100xf32>)
)mlir"),
                                      GetParam());
  ASSERT_TRUE(norm);
  std::vector<float> input = getRandom(rows * k, 1), normalised(rows * k);
  norm->run(1, {input.data()}, normalised.data());
  Product fused = {rows, n, k, getDense(rows, k)};
  Product plain = {rows, n, k, getDense(rows, k), Norm::None};
  EXPECT_EQ(test(fused, 1, input), test(plain, 1, normalised));
}

// A NaN reaches its row and no other.
TEST_P(GemmPrologueTest, NormNaN) {
  Product product = {9, 40, 48, getDense(9, 48)};
  std::vector<float> input = getRandom(9 * 48, 1);
  input[4 * 48 + 5] = std::nanf("");
  std::vector<float> result = test(product, 1, input);
  for (auto [i, value] : llvm::enumerate(result))
    EXPECT_EQ(std::isnan(value), int64_t(i) / product.n == 4) << i;
}

TEST_P(GemmPrologueTest, Windows) {
  for (int64_t channels : {48, 96})
    test({196, 3 * channels, channels, getWindows(14, channels)});
}

TEST_P(GemmPrologueTest, MergedPatches) {
  for (Norm norm : {Norm::None, Norm::Layer, Norm::Rms})
    for (int64_t channels : {12, 96})
      test({49, 2 * channels, 4 * channels, getMergedPatches(14, channels),
            norm});
}

TEST_P(GemmPrologueTest, Patches) {
  for (Norm norm : {Norm::None, Norm::Layer})
    for (bool planesInnermost : {false, true})
      for (int64_t patch : {4, 16})
        test({(64 / patch) * (64 / patch), 72, 3 * patch * patch,
              getPatches(64, patch, planesInnermost), norm});
}

TEST_P(GemmPrologueTest, Transposed) {
  for (Norm norm : {Norm::None, Norm::Layer})
    for (int64_t k : {1, 7, 48})
      test({13, 80, k, getTransposed(13, k), norm});
}

// Borders on all sides, on two, and on none, where no index leaves the map;
// maps that are narrower than the filter; runs of a few elements.
TEST_P(GemmPrologueTest, Padding) {
  for (bool channelsInnermost : {true, false})
    for (auto [side, stride, pad] :
         {std::tuple(8, 1, 1), std::tuple(8, 2, 1), std::tuple(9, 1, 0),
          std::tuple(2, 1, 2), std::tuple(1, 1, 1)})
      for (int64_t channels : {3, 20}) {
        Taps taps = {side, channels, stride, pad, channelsInnermost};
        test({taps.getRows(), 24, taps.getDepth(), taps.getLhs(), Norm::None});
      }
}

// The first convolution of a ResNet: 21 runs of 7 pixels, of which two vectors
// that overlap copy each.
TEST_P(GemmPrologueTest, Stem) {
  Taps taps = {18, 3, 2, 3, /*channelsInnermost=*/false, /*size=*/7};
  test({taps.getRows(), 24, taps.getDepth(), taps.getLhs(), Norm::None});
}

// Zeros stay zeros: what is outside is not scaled.
TEST_P(GemmPrologueTest, ScaledChannels) {
  for (bool channelsInnermost : {true, false})
    for (int64_t pad : {0, 1}) {
      Taps taps = {8, 20, 1, pad, channelsInnermost};
      test({taps.getRows(), 24, taps.getDepth(), taps.getLhs(), Norm::None,
            taps.getChannels()});
    }
}

// A 1x1 convolution's rows are contiguous.
TEST_P(GemmPrologueTest, ScaledRows) {
  for (Norm norm : {Norm::None, Norm::Layer})
    for (int64_t k : {1, 7, 96, 300})
      test({30, 72, k, getDense(30, k), norm, {k, "(b, l)", [](int64_t l) {
                                                 return l;
                                               }}});
}

INSTANTIATE_TEST_SUITE_P(Levels, GemmPrologueTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
