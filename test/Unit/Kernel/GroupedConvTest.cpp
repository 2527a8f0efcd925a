//===- GroupedConvTest.cpp - Grouped convolutions against double ----------===//
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
#include <array>
#include <cmath>

using namespace vitc::test;

namespace {

using Pair = std::array<int64_t, 2>;

/// Input [batch, height, width, groups * channels], result [batch, rows,
/// columns, groups * outputs]. What the filter reaches beyond the input, and
/// before it by `pad`, is zero.
struct Conv {
  int64_t groups;
  int64_t channels = 1, outputs = 1; // of each group
  Pair input = {9, 11};
  Pair taps = {3, 3};
  Pair stride = {1, 1};
  Pair dilation = {1, 1};
  Pair pad = {1, 1};    // above and left
  Pair behind = {1, 1}; // below and right
  llvm::StringRef activation = "none";
  bool bias = true, residual = false;

  int64_t getSize(unsigned dim) const {
    int64_t window = (taps[dim] - 1) * dilation[dim] + 1;
    return (input[dim] + pad[dim] + behind[dim] - window) / stride[dim] + 1;
  }
  std::string getName() const {
    return llvm::formatv("{0} groups of {1} -> {2}, {3}x{4}, taps {5}x{6}, "
                         "stride {7}, dilation {8}, pad {9}",
                         groups, channels, outputs, input[0], input[1], taps[0],
                         taps[1], stride[1], dilation[1], pad[1]);
  }
};

class GroupedConvTest : public testing::TestWithParam<std::string> {};

std::string getModuleOf(const Conv &conv) {
  int64_t allChannels = conv.groups * conv.channels;
  int64_t allOutputs = conv.groups * conv.outputs;
  std::string result =
      llvm::formatv("memref<?x{0}x{1}x{2}xf32>", conv.getSize(0),
                    conv.getSize(1), allOutputs);
  std::string input = llvm::formatv("memref<?x{0}x{1}x{2}xf32>", conv.input[0],
                                    conv.input[1], allChannels);
  std::string filter =
      llvm::formatv("memref<{0}x{1}x{2}x{3}xf32>", conv.taps[0], conv.taps[1],
                    conv.channels, allOutputs);
  std::string body = llvm::formatv(
      R"mlir(
  %x = kernel.buffer %context input at 0 : {0}
  %w = kernel.buffer %context input at 1 : {1}
  %bias = kernel.buffer %context input at 2 : memref<{2}xf32>
  %r = kernel.buffer %context input at 3 : {3}
  %y = kernel.buffer %context output at 0 : {3}
)mlir",
      input, filter, allOutputs, result);
  const char *places = "affine_map<(b, y, x, c) -> (b, y, x, c)>";
  body += llvm::formatv(
      "kernel.grouped_conv batch(%batch) size [{0}, {1}] input_size [{2}, {3}] "
      "groups {4} stride [{5}, {6}] dilation [{7}, {8}] pad [{9}, {10}] ",
      conv.getSize(0), conv.getSize(1), conv.input[0], conv.input[1],
      conv.groups, conv.stride[0], conv.stride[1], conv.dilation[0],
      conv.dilation[1], conv.pad[0], conv.pad[1]);
  body += llvm::formatv("input(%x at {0} : {1}) filter(%w : {2}) ", places,
                        input, filter);
  if (conv.bias)
    body += llvm::formatv("bias(%bias : memref<{0}xf32>) ", allOutputs);
  if (conv.residual)
    body += llvm::formatv("residual(%r at {0} : {1}) ", places, result);
  body += llvm::formatv("init(%y at {0} : {1})", places, result);
  if (conv.activation != "none")
    body += llvm::formatv(" activation {0}", conv.activation);
  return getModule(body + "\n");
}

double activate(llvm::StringRef activation, double x) {
  if (activation == "gelu")
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  if (activation == "relu")
    return std::max(x, 0.0);
  if (activation == "silu")
    return x / (1 + std::exp(-x));
  return x;
}

/// The sum over the taps of output `o` at a place of item `b`.
double convolve(const Conv &conv, llvm::ArrayRef<float> input,
                llvm::ArrayRef<float> filter, int64_t b, int64_t y, int64_t x,
                int64_t o) {
  double sum = 0;
  for (int64_t i = 0; i < conv.taps[0]; ++i)
    for (int64_t j = 0; j < conv.taps[1]; ++j) {
      int64_t row = y * conv.stride[0] + i * conv.dilation[0] - conv.pad[0];
      int64_t column = x * conv.stride[1] + j * conv.dilation[1] - conv.pad[1];
      if (row < 0 || row >= conv.input[0] || column < 0 ||
          column >= conv.input[1])
        continue;
      int64_t place = (b * conv.input[0] + row) * conv.input[1] + column;
      for (int64_t c = 0; c < conv.channels; ++c) {
        int64_t channel = o / conv.outputs * conv.channels + c;
        int64_t tap = (i * conv.taps[1] + j) * conv.channels + c;
        sum += double(input[place * conv.groups * conv.channels + channel]) *
               filter[tap * conv.groups * conv.outputs + o];
      }
    }
  return sum;
}

/// Compares a run with double, and with itself in several ranges of tasks,
/// which must not change a bit.
void testConv(const Conv &conv, llvm::StringRef isa, int64_t batch = 2) {
  SCOPED_TRACE(conv.getName());
  auto kernel = CompiledKernel::compile(getModuleOf(conv), isa);
  ASSERT_TRUE(kernel);
  int64_t allOutputs = conv.groups * conv.outputs;
  std::vector<float> input = getRandom(
      batch * conv.input[0] * conv.input[1] * conv.groups * conv.channels, 1);
  std::vector<float> filter =
      getRandom(conv.taps[0] * conv.taps[1] * conv.channels * allOutputs, 2);
  std::vector<float> bias = getRandom(allOutputs, 3);
  std::vector<double> expected;
  std::vector<float> residual =
      getRandom(batch * conv.getSize(0) * conv.getSize(1) * allOutputs, 4);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t y = 0; y < conv.getSize(0); ++y)
      for (int64_t x = 0; x < conv.getSize(1); ++x)
        for (int64_t o = 0; o < allOutputs; ++o) {
          double sum = convolve(conv, input, filter, b, y, x, o);
          sum = activate(conv.activation, conv.bias ? sum + bias[o] : sum);
          if (conv.residual)
            sum += residual[expected.size()];
          expected.push_back(sum);
        }

  const float *inputs[] = {input.data(), filter.data(), bias.data(),
                           residual.data()};
  std::vector<float> result(expected.size());
  kernel->run(batch, inputs, result.data());
  // Rounding adds up over the terms of a sum.
  int64_t terms = conv.taps[0] * conv.taps[1] * conv.channels;
  EXPECT_LE(getRelativeError(result, expected), std::max(1e-6, 4e-9 * terms));
  for (int64_t numRanges : {2, 7}) {
    std::vector<float> again(expected.size());
    kernel->run(batch, inputs, again.data(), numRanges);
    EXPECT_EQ(again, result) << numRanges << " ranges";
  }
}

TEST_P(GroupedConvTest, DepthwiseChannels) {
  for (int64_t channels : {1, 2, 3, 16, 17, 64, 100, 144})
    testConv({channels}, GetParam());
}

// Maps of one tile, of several, and of tiles that do not meet the padding.
TEST_P(GroupedConvTest, Sizes) {
  for (int64_t width : {1, 2, 7, 14, 31, 57, 130})
    for (int64_t height : {1, 5}) {
      Conv conv = {20};
      conv.input = {height, width};
      testConv(conv, GetParam());
    }
}

TEST_P(GroupedConvTest, Filters) {
  for (Pair taps : {Pair{1, 1}, {1, 5}, {5, 1}, {2, 4}, {7, 7}, {3, 19}}) {
    Conv conv = {24};
    conv.input = {12, 40};
    conv.taps = taps;
    conv.pad = conv.behind = {taps[0] / 2, taps[1] / 2};
    testConv(conv, GetParam());
  }
}

TEST_P(GroupedConvTest, StridesAndDilations) {
  Conv conv = {17};
  conv.input = {17, 45};
  for (int64_t stride : {1, 2, 3})
    for (int64_t dilation : {1, 2, 5})
      for (int64_t pad : {0, 2, 4}) {
        conv.stride = {stride, stride};
        conv.dilation = {dilation, dilation};
        conv.pad = conv.behind = {pad, pad};
        testConv(conv, GetParam());
      }
  conv.stride = {1, 2};
  conv.dilation = {2, 1};
  conv.pad = {2, 0};
  testConv(conv, GetParam());
}

// Some windows, and whole rows and tiles of them, meet nothing of the input.
TEST_P(GroupedConvTest, PaddingBeyondFilter) {
  Conv conv = {8};
  conv.input = {3, 2};
  conv.pad = {4, 5};
  conv.behind = {6, 3};
  testConv(conv, GetParam());
  conv.pad = {0, 40};
  conv.behind = {9, 70};
  testConv(conv, GetParam());
  conv.input = {4, 4};
  conv.taps = {5, 5};
  conv.dilation = {3, 3};
  conv.pad = {9, 9};
  conv.behind = {0, 0};
  testConv(conv, GetParam());
}

// More outputs than channels: several vectors of a channel, several channels a
// vector, and groups that end within a vector.
TEST_P(GroupedConvTest, Multipliers) {
  for (int64_t outputs : {2, 3, 4, 6, 8, 16, 20, 80})
    testConv({5, 1, outputs}, GetParam());
  Conv conv = {64, 1, 2};
  conv.stride = {2, 2};
  testConv(conv, GetParam());
}

TEST_P(GroupedConvTest, Groups) {
  for (int64_t outputs : {1, 2, 3, 4, 8, 16, 24, 32, 48, 64, 72, 100})
    for (int64_t channels : std::array<int64_t, 3>{2, 7, outputs})
      testConv({3, channels, outputs}, GetParam());
  // One group is a convolution of all channels.
  testConv({1, 12, 40}, GetParam());
  Conv conv = {36, 16, 16};
  conv.taps = {1, 1};
  conv.pad = conv.behind = {0, 0};
  testConv(conv, GetParam());
}

TEST_P(GroupedConvTest, Epilogues) {
  for (int64_t outputs : {1, 24})
    for (llvm::StringRef activation : {"none", "gelu", "relu", "silu"})
      for (bool bias : {false, true})
        for (bool residual : {false, true}) {
          Conv conv = {6, 1, outputs};
          conv.input = {7, 37};
          conv.activation = activation;
          conv.bias = bias;
          conv.residual = residual;
          testConv(conv, GetParam());
        }
}

// A NaN reaches the windows that it is in and no others, not even those that
// only the padding keeps from it.
TEST_P(GroupedConvTest, NaN) {
  Conv conv = {5};
  conv.input = {6, 8};
  auto kernel = CompiledKernel::compile(getModuleOf(conv), GetParam());
  ASSERT_TRUE(kernel);
  std::vector<float> input = getRandom(6 * 8 * 5, 1);
  input[(2 * 8 + 7) * 5 + 3] = std::nanf("");
  std::vector<float> filter = getRandom(3 * 3 * 5, 2), bias = getRandom(5, 3);
  std::vector<float> result(6 * 8 * 5);
  const float *inputs[] = {input.data(), filter.data(), bias.data(), nullptr};
  kernel->run(1, inputs, result.data());
  for (int64_t y = 0; y < 6; ++y)
    for (int64_t x = 0; x < 8; ++x)
      for (int64_t c = 0; c < 5; ++c)
        EXPECT_EQ(std::isnan(result[(y * 8 + x) * 5 + c]),
                  c == 3 && y >= 1 && y <= 3 && x >= 6)
            << y << " " << x << " " << c;
}

// An empty batch has no tasks.
TEST_P(GroupedConvTest, NoItems) {
  auto kernel = CompiledKernel::compile(getModuleOf({8}), GetParam());
  ASSERT_TRUE(kernel);
  const float *inputs[] = {nullptr, nullptr, nullptr, nullptr};
  kernel->run(0, inputs, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Levels, GroupedConvTest,
                         testing::ValuesIn(getHostLevels()), LevelName());

} // namespace
