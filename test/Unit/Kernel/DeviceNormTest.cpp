//===- DeviceNormTest.cpp - Norms of GPUs against double ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"
#include "StoredFloats.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

struct Norm {
  int64_t rows, channels;
  std::string input = "f32", init = "f32";
  bool isRms = false;
  /// Row i reads row (i + shift) mod rows of its item.
  int64_t shift = 0;
  /// Elements between channel c and the next in memory.
  int64_t stride = 1;
  std::string tiling = "";
};

std::string getNormModule(const Norm &norm) {
  std::string row = "i";
  if (norm.shift)
    row = llvm::formatv("(i + {0}) mod {1}", norm.shift, norm.rows);
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{5}x{2}>
  %scale = kernel.buffer %context input at 1 : memref<{1}xf32>
  %shift = kernel.buffer %context input at 2 : memref<{1}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{0}x{1}x{3}>
  kernel.norm batch(%batch) rows(%rows) channels {1} {4} epsilon 1.000000e-05
      input(%x at affine_map<(b, i, c) -> (b, {6}, c * {7})> : memref<?x{0}x{5}x{2}>)
      scale(%scale : memref<{1}xf32>) shift(%shift : memref<{1}xf32>)
      init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x{0}x{1}x{3}>)
)mlir",
      norm.rows, norm.channels, norm.input, norm.init, norm.isRms ? "rms" : "",
      norm.channels * norm.stride, row, norm.stride);
  if (!norm.tiling.empty())
    body += " tiling " + norm.tiling + "\n";
  return getModule(body);
}

std::vector<double> compute(const Norm &norm, int64_t batch,
                            llvm::ArrayRef<float> input,
                            llvm::ArrayRef<float> scale,
                            llvm::ArrayRef<float> shift) {
  int64_t channels = norm.channels;
  std::vector<double> expected(batch * norm.rows * channels);
  for (int64_t m = 0; m < batch * norm.rows; ++m) {
    int64_t source =
        m - m % norm.rows + (m % norm.rows + norm.shift) % norm.rows;
    const float *row = &input[source * channels * norm.stride];
    auto element = [&](int64_t c) { return double(row[c * norm.stride]); };
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels && !norm.isRms; ++c)
      mean += element(c) / double(channels);
    for (int64_t c = 0; c < channels; ++c)
      variance += std::pow(element(c) - mean, 2) / double(channels);
    for (int64_t c = 0; c < channels; ++c)
      expected[m * channels + c] =
          (element(c) - mean) / std::sqrt(variance + 1e-5) * scale[c] +
          shift[c];
  }
  return expected;
}

/// Of the largest result: what the type of results rounds away.
double getTolerance(llvm::StringRef init) {
  if (init == "bf16")
    return 4e-3;
  return init == "f16" || init == "tf32" ? 5e-4 : 2e-6;
}

void test(const Norm &norm, int64_t batch = 1) {
  SCOPED_TRACE(llvm::formatv("batch {0} rows {1} channels {2} from {3} to {4}",
                             batch, norm.rows, norm.channels, norm.input,
                             norm.init)
                   .str());
  int64_t results = batch * norm.rows * norm.channels;
  std::vector<float> input = getRandom(results * norm.stride, 1);
  for (float &element : input)
    element += 0.5f;
  std::vector<char> inputBytes = getBytes(norm.input, input);
  std::vector<float> scale = getRandom(norm.channels, 2);
  std::vector<float> shift = getRandom(norm.channels, 3);
  std::vector<double> expected = compute(norm, batch, input, scale, shift);
  const void *inputs[] = {inputBytes.data(), scale.data(), shift.data()};
  auto kernel = CompiledKernel::compile(getNormModule(norm), "sm_80");
  ASSERT_TRUE(kernel);
  std::vector<char> first;
  for (int64_t seed : {1, 5}) {
    std::vector<char> bytes(results * (isOf32Bits(norm.init) ? 4 : 2));
    kernel->runBuffers(batch, inputs, bytes.data(), seed);
    EXPECT_LE(getRelativeError(getFloats(norm.init, bytes), expected),
              getTolerance(norm.init));
    if (seed == 1)
      first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

// Rows of whole vectors, of parts of them, of single elements; several of a
// warp, and one that not all of its lanes have as many vectors of.
TEST(DeviceNormTest, Channels) {
  for (int64_t channels : {1, 3, 12, 33, 40, 96, 192, 320, 768, 770, 1024})
    for (const char *type : {"f32", "bf16"})
      test({7, channels, type, type});
}

// Too long for registers: read again, in chunks that end with the row or not.
TEST(DeviceNormTest, LongRows) {
  for (int64_t channels : {2048, 2304, 4096, 2100, 2307})
    for (const char *type : {"f32", "f16"})
      test({5, channels, type, type});
}

TEST(DeviceNormTest, Rows) {
  for (int64_t rows : {1, 7, 197, 577, 4097})
    for (int64_t channels : {96, 192}) {
      test({rows, channels, "bf16", "bf16"});
      test({rows, channels});
    }
  for (int64_t rows : {1, 197, 577})
    for (int64_t channels : {33, 768, 770, 1024})
      test({rows, channels, "bf16", "bf16"});
  test({4097, 33});
}

// Vectors have 16 bytes of the wider type.
TEST(DeviceNormTest, Types) {
  for (const char *input : {"f32", "bf16", "f16"})
    for (const char *init : {"f32", "tf32", "bf16", "f16"})
      test({13, 80, input, init});
}

TEST(DeviceNormTest, RootMeanSquares) {
  for (int64_t channels : {33, 96, 2304}) {
    test({9, channels, "f32", "f32", /*isRms=*/true});
    test({9, channels, "bf16", "bf16", /*isRms=*/true});
  }
}

// The first row of an item does not follow the last one of the item before.
TEST(DeviceNormTest, ShiftedRows) {
  test({49, 96, "bf16", "bf16", /*isRms=*/false, /*shift=*/5}, /*batch=*/3);
  test({7, 96, "f32", "f32", /*isRms=*/false, /*shift=*/5}, /*batch=*/5);
}

TEST(DeviceNormTest, Batches) {
  test({49, 96, "bf16", "bf16"}, /*batch=*/7);
  test({3, 768}, /*batch=*/5);
}

TEST(DeviceNormTest, ChannelsApart) {
  test({13, 96, "bf16", "bf16", /*isRms=*/false, /*shift=*/0, /*stride=*/3});
  test({13, 1000, "f32", "f32", /*isRms=*/false, /*shift=*/0, /*stride=*/2});
}

// Threads that make a block's warps whole have no row.
TEST(DeviceNormTest, Tilings) {
  for (const char *tiling : {"<rows = 1>", "<rows = 5>", "<rows = 12>"})
    for (int64_t channels : {96, 768})
      test({31, channels, "bf16", "bf16", /*isRms=*/false, /*shift=*/0,
            /*stride=*/1, tiling});
}

} // namespace
