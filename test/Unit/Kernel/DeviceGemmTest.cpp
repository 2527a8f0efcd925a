//===- DeviceGemmTest.cpp - A GPU's products against double ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each tiling that code is generated for, whichever kernel-schedule-nvptx would
// choose, and weights of 16 bits and tf32. What a gemm does beside that is
// tested by Gemm*Test.cpp on all levels.
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"
#include "StoredFloats.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace vitc::test;

namespace {

/// gelu(norm(lhs) [batch, rows, k] * W [n, k]^T + bias) + residual.
struct Product {
  std::string tiling;
  int64_t rows, n, k;
  std::string lhs = "f32", weights = "f32", init = "f32";
  std::string norm = ""; // as the op has it
  bool weightsPerItem = false;
  int64_t chunks = 0; // that have statistics, in place of the result
  std::string arch = "sm_80";
  int64_t shift = 0;        // of lhs's rows to the product's
  bool zeroOutside = false; // behind the last row; else it goes on at the first
  std::string expected = ""; // what is rounded to instead of `weights`
};

std::string getTiling(int64_t rows, int64_t columns, int64_t kBlock,
                      int64_t stages, int64_t rowBlock, int64_t panels) {
  return llvm::formatv("<provider = nvvm, rows = {0}, columns = {1}, kBlock = "
                       "{2}, unroll = {3}, rowBlock = {4}, panels = {5}>",
                       rows, columns, kBlock, stages, rowBlock, panels);
}

std::string getProductModule(const Product &product, int64_t packedSize) {
  std::string items = product.weightsPerItem ? "?x" : "";
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{0}x{1}x{3}>
  %w = kernel.buffer %context input at 1 : memref<{6}{4}x{5}>
  %bias = kernel.buffer %context input at 2 : memref<{2}xf32>
  %r = kernel.buffer %context input at 3 : memref<?x{0}x{2}xf32>
)mlir",
      product.rows, product.k, product.n, product.lhs, packedSize,
      product.weights, items);
  // What is not asked for goes to memory that is an input.
  body +=
      llvm::formatv("%y = kernel.buffer %context {0} : memref<?x{1}x{2}x{3}>\n",
                    product.chunks ? "input at 4" : "output at 0", product.rows,
                    product.n, product.init);
  if (product.chunks)
    body += llvm::formatv(
        "%s = kernel.buffer %context output at 0 : memref<?x{0}x2x{1}xf32>\n",
        product.chunks, product.n);
  body += llvm::formatv(
      R"mlir(
  kernel.gemm batch(%batch) rows(%rows) n {2} k {1}
      lhs(%x at affine_map<(b, i, l) -> (b, (i + {8}){9}, l)>
          : memref<?x{0}x{1}x{3}>) {10}
      weights(%w : memref<{6}{4}x{5}>) bias(%bias : memref<{2}xf32>)
      residual(%r at affine_map<(b, i, j) -> (b, i, j)> : memref<?x{0}x{2}xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x{0}x{2}x{7}>)
)mlir",
      product.rows, product.k, product.n, product.lhs, packedSize,
      product.weights, items, product.init, product.shift,
      product.zeroOutside ? "" : " mod " + std::to_string(product.rows),
      product.zeroOutside ? "zero_outside" : "");
  if (product.chunks)
    body += llvm::formatv("statistics(%s : memref<?x{0}x2x{1}xf32>)",
                          product.chunks, product.n);
  body += " activation gelu";
  if (!product.norm.empty())
    body += " norm " + product.norm;
  return getModule(body + " tiling " + product.tiling + "\n");
}

/// Packed weights with `run` terms of a column side by side.
std::vector<float> interleave(llvm::ArrayRef<float> packed, int64_t n,
                              int64_t k, int64_t run) {
  std::vector<float> words(packed.size());
  int64_t depth = llvm::alignTo(k, 16);
  for (int64_t column = 0; column < n; column += 64) {
    int64_t width = std::min<int64_t>(64, llvm::alignTo(n - column, 16));
    for (int64_t l = 0; l < depth; ++l)
      for (int64_t j = 0; j < width; ++j)
        words[column * depth + (l / run * width + j) * run + l % run] =
            packed[column * depth + l * width + j];
  }
  return words;
}

/// As the op says, in double; of lhs only what is multiplied is rounded.
std::vector<double> compute(const Product &product, int64_t batch,
                            llvm::ArrayRef<float> lhs,
                            llvm::ArrayRef<std::vector<float>> weights,
                            llvm::ArrayRef<float> bias,
                            llvm::ArrayRef<float> residual) {
  int64_t k = product.k, n = product.n;
  std::vector<double> expected(batch * product.rows * n);
  std::vector<double> row(k);
  for (int64_t m = 0; m < batch * product.rows; ++m) {
    int64_t source = m - m % product.rows +
                     (m % product.rows + product.shift) % product.rows;
    bool isOutside = m % product.rows + product.shift >= product.rows;
    for (int64_t l = 0; l < k; ++l)
      row[l] = product.zeroOutside && isOutside ? 0 : lhs[source * k + l];
    if (!product.norm.empty()) {
      bool isRms = product.norm.find("rms") != std::string::npos;
      double mean = 0, variance = 0;
      for (double element : row)
        mean += isRms ? 0 : element / double(k);
      for (double &element : row) {
        element -= mean;
        variance += element * element / double(k);
      }
      for (double &element : row)
        element /= std::sqrt(variance + 1e-5);
    }
    // What tensor cores multiply is rounded.
    if (product.expected != "f32")
      for (double &element : row)
        element = roundTo(product.expected, static_cast<float>(element));
    const std::vector<float> &own =
        weights[product.weightsPerItem ? m / product.rows : 0];
    for (int64_t j = 0; j < n; ++j) {
      double sum = bias[j];
      for (int64_t l = 0; l < k; ++l)
        sum += row[l] * own[j * k + l];
      sum = 0.5 * sum * std::erfc(-sum / std::sqrt(2.0));
      expected[m * n + j] = sum + residual[m * n + j];
    }
  }
  return expected;
}

/// [batch, chunks, 2, n]: sums and sums of squares of differences to a chunk's
/// first row.
std::vector<double> getStatistics(const Product &product, int64_t batch,
                                  llvm::ArrayRef<double> result) {
  int64_t n = product.n;
  std::vector<double> statistics(batch * product.chunks * 2 * n);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t c = 0; c < product.chunks; ++c) {
      int64_t begin = c * product.rows / product.chunks;
      int64_t end = (c + 1) * product.rows / product.chunks;
      double *sums = &statistics[(b * product.chunks + c) * 2 * n];
      for (int64_t i = begin; i < end; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double difference = result[(b * product.rows + i) * n + j] -
                              result[(b * product.rows + begin) * n + j];
          sums[j] += difference;
          sums[n + j] += difference * difference;
        }
    }
  return statistics;
}

void test(Product product, int64_t batch = 1, double tolerance = 1e-5) {
  if (product.expected.empty())
    product.expected = product.weights;
  SCOPED_TRACE(llvm::formatv("batch {0} rows {1} n {2} k {3} {4}, {5} by {6} "
                             "{7}",
                             batch, product.rows, product.n, product.k,
                             product.norm, product.lhs, product.weights,
                             product.tiling)
                   .str());
  int64_t rows = batch * product.rows, n = product.n;
  std::vector<float> lhs = getRandom(rows * product.k, 1);
  std::vector<char> lhsBytes = getBytes(product.lhs, lhs);
  std::vector<std::vector<float>> weights;
  std::vector<float> packed;
  for (int64_t i = 0; i < (product.weightsPerItem ? batch : 1); ++i) {
    weights.push_back(getRandom(n * product.k, 2 + i));
    std::vector<float> own = packWeights(weights.back(), n, product.k);
    if (product.weights != "f32")
      own = interleave(own, n, product.k, product.weights == "tf32" ? 4 : 8);
    llvm::append_range(packed, own);
    for (float &weight : weights.back())
      weight = roundTo(product.expected, weight);
  }
  int64_t packedSize = packed.size() / weights.size();
  std::vector<char> weightBytes = getBytes(product.weights, packed);
  std::vector<float> bias = getRandom(n, 13),
                     residual = getRandom(rows * n, 14);
  std::vector<double> expected =
      compute(product, batch, lhs, weights, bias, residual);
  std::vector<float> unused(rows * n);
  const void *inputs[] = {lhsBytes.data(), weightBytes.data(), bias.data(),
                          residual.data(), unused.data()};

  auto kernel = CompiledKernel::compile(getProductModule(product, packedSize),
                                        product.arch);
  ASSERT_TRUE(kernel);
  if (product.chunks)
    expected = getStatistics(product, batch, expected);
  for (int64_t seed : {1, 5}) {
    std::vector<char> bytes(expected.size() *
                            (isOf32Bits(product.init) ? 4 : 2));
    kernel->runBuffers(batch, inputs, bytes.data(), seed);
    std::vector<float> values = getFloats(product.init, bytes);
    EXPECT_LE(getRelativeError(values, expected), tolerance) << "seed " << seed;
  }
}

/// Each micro-tile and block of threads that multiply-adds are generated for.
const std::string kFmaTilings[] = {
    getTiling(8, 8, 16, 3, 128, 2), getTiling(8, 8, 16, 3, 64, 2),
    getTiling(8, 8, 16, 3, 128, 1), getTiling(4, 8, 16, 3, 64, 1),
    getTiling(4, 4, 16, 3, 64, 1),  getTiling(4, 4, 16, 3, 32, 1),
    getTiling(4, 4, 16, 3, 16, 1),  getTiling(4, 4, 32, 2, 32, 1),
    getTiling(4, 4, 8, 4, 32, 1),
};
const std::string kTensorTilings[] = {
    getTiling(64, 32, 32, 3, 128, 2), getTiling(32, 32, 32, 3, 64, 2),
    getTiling(32, 32, 32, 3, 128, 1), getTiling(32, 16, 32, 3, 64, 1),
    getTiling(16, 16, 32, 3, 32, 1),  getTiling(16, 16, 32, 3, 16, 1),
    getTiling(16, 16, 64, 2, 16, 1),
};

TEST(DeviceGemmTest, FmaTilings) {
  for (const std::string &tiling : kFmaTilings)
    for (int64_t rows : {1, 7, 197})
      test({tiling, rows, 84, 72});
}

// Terms and columns that no vector divides, several blocks of columns.
TEST(DeviceGemmTest, FmaTails) {
  for (int64_t n : {1, 63, 130, 200})
    for (int64_t k : {1, 27, 16})
      test({kFmaTilings[0], 13, n, k});
}

TEST(DeviceGemmTest, FmaManyRows) {
  test({kFmaTilings[0], 577, 192, 100}, /*batch=*/2);
}

TEST(DeviceGemmTest, FmaNorms) {
  for (const char *norm : {"<epsilon = 1.000000e-05 : f64>",
                           "<epsilon = 1.000000e-05 : f64, rms = true>"})
    for (const std::string &tiling : {kFmaTilings[0], kFmaTilings[6]})
      for (int64_t k : {27, 100, 1537})
        test({tiling, 21, 20, k, "f32", "f32", "f32", norm});
}

TEST(DeviceGemmTest, FmaWeightsPerItem) {
  for (const std::string &tiling : {kFmaTilings[0], kFmaTilings[5]})
    test({tiling, 37, 84, 20, "f32", "f32", "f32", "", true}, /*batch=*/3);
}

TEST(DeviceGemmTest, FmaStatistics) {
  for (const std::string &tiling : {kFmaTilings[0], kFmaTilings[5]})
    test({tiling, 150, 84, 20, "f32", "f32", "f32", "", false, /*chunks=*/3},
         /*batch=*/2);
}

TEST(DeviceGemmTest, FewRows) {
  for (int64_t columns : {4, 8, 16, 32, 64})
    for (int64_t rows : {1, 3, 8})
      test({getTiling(rows, columns, 512, 1, rows, 1), 7, 84, 1000});
  // One block of terms, or several; terms that no vector divides.
  for (int64_t kBlock : {16, 304, 2048})
    for (int64_t k : {1, 27, 1537})
      test({getTiling(1, 8, kBlock, 1, 1, 1), 1, 70, k});
}

TEST(DeviceGemmTest, FewRowsNorms) {
  for (const char *norm : {"<epsilon = 1.000000e-05 : f64>",
                           "<epsilon = 1.000000e-05 : f64, rms = true>"})
    for (int64_t rows : {1, 4})
      for (int64_t k : {27, 768})
        test({getTiling(rows, 8, 768, 1, rows, 1), 6, 70, k, "f32", "f32",
              "f32", norm});
}

TEST(DeviceGemmTest, FewRowsOf16Bits) {
  for (const char *type : {"bf16", "f16"})
    for (int64_t k : {27, 1000})
      test({getTiling(2, 16, 512, 1, 2, 1), 5, 70, k, "f32", type});
}

// The largest block has more terms than k has, which behind its last run of
// four are zeros.
TEST(DeviceGemmTest, FewRowsOfTF32) {
  for (int64_t kBlock : {16, 512, 1008})
    for (int64_t rows : {1, 7})
      for (int64_t k : {27, 1000})
        test(
            {getTiling(rows, 16, kBlock, 1, rows, 1), 7, 70, k, "f32", "tf32"});
  test({getTiling(4, 8, 768, 1, 4, 1), 6, 70, 768, "f32", "tf32", "f32",
        "<epsilon = 1.000000e-05 : f64>"},
       1, 1e-4);
}

TEST(DeviceGemmTest, FewRowsWeightsPerItem) {
  test(
      {getTiling(2, 8, 512, 1, 2, 1), 3, 70, 40, "f32", "f32", "f32", "", true},
      /*batch=*/3);
}

TEST(DeviceGemmTest, TensorTilings) {
  for (const std::string &tiling : kTensorTilings)
    for (int64_t rows : {1, 7, 197})
      test({tiling, rows, 84, 72, "f32", "bf16"});
}

// Rows of 16 bits are copied as they are, those of others rounded on the way.
TEST(DeviceGemmTest, TensorTypes) {
  for (const char *lhs : {"f32", "bf16", "f16"})
    for (const char *weights : {"bf16", "f16"})
      for (int64_t k : {27, 80, 200})
        test({kTensorTilings[1], 77, 100, k, lhs, weights});
}

TEST(DeviceGemmTest, TensorResults) {
  test({kTensorTilings[0], 77, 100, 80, "bf16", "bf16", "bf16"}, 1, 4e-3);
  test({kTensorTilings[0], 77, 100, 80, "f16", "f16", "f16"}, 1, 5e-4);
  test({kTensorTilings[3], 77, 63, 80, "f16", "f16", "f16"}, 1, 5e-4);
}

// What is rounded to 16 bits is nearly the same as in double.
TEST(DeviceGemmTest, TensorNorms) {
  for (const char *norm : {"<epsilon = 1.000000e-05 : f64>",
                           "<epsilon = 1.000000e-05 : f64, rms = true>"})
    test({kTensorTilings[0], 150, 84, 100, "f32", "bf16", "f32", norm}, 1,
         1e-3);
}

TEST(DeviceGemmTest, TensorWeightsPerItem) {
  test({kTensorTilings[2], 37, 84, 48, "bf16", "bf16", "f32", "", true},
       /*batch=*/3);
}

/// The same blocks of half as many terms.
const std::string kTF32Tilings[] = {
    getTiling(64, 32, 16, 3, 128, 2), getTiling(32, 32, 16, 3, 64, 2),
    getTiling(32, 32, 16, 3, 128, 1), getTiling(32, 16, 16, 3, 64, 1),
    getTiling(16, 16, 16, 3, 32, 1),  getTiling(16, 16, 16, 3, 16, 1),
    getTiling(16, 16, 32, 2, 16, 1),  getTiling(16, 16, 8, 4, 16, 1),
};

TEST(DeviceGemmTest, TF32Tilings) {
  for (const std::string &tiling : kTF32Tilings)
    for (int64_t rows : {1, 7, 197})
      for (const char *lhs : {"f32", "tf32"})
        test({tiling, rows, 84, 76, lhs, "tf32"});
}

TEST(DeviceGemmTest, TF32ManyRows) {
  for (int64_t rows : {577, 4097})
    test({kTF32Tilings[0], rows, 84, 100, "tf32", "tf32"});
}

// Terms and columns that no vector divides.
TEST(DeviceGemmTest, TF32Tails) {
  for (const char *lhs : {"f32", "tf32", "bf16"})
    for (int64_t n : {1, 63, 130})
      for (int64_t k : {1, 27, 200})
        test({kTF32Tilings[1], 77, n, k, lhs, "tf32"});
}

// Operands without the last 13 bits give what all bits do, nearly.
TEST(DeviceGemmTest, TF32IsNearF32) {
  for (int64_t rows : {1, 7, 197, 577, 4097}) {
    Product product = {kTF32Tilings[1], rows, 84, 100, "f32", "tf32"};
    product.expected = "f32";
    test(product, 1, 1e-3);
  }
}

TEST(DeviceGemmTest, TF32Norms) {
  for (const char *norm : {"<epsilon = 1.000000e-05 : f64>",
                           "<epsilon = 1.000000e-05 : f64, rms = true>"})
    test({kTF32Tilings[0], 150, 84, 100, "f32", "tf32", "f32", norm}, 1, 1e-4);
}

// The results are rounded as tensor cores would do it.
TEST(DeviceGemmTest, TF32Results) {
  test({kTF32Tilings[0], 77, 100, 80, "tf32", "tf32", "tf32"}, 1, 6e-4);
  test({kTF32Tilings[3], 77, 63, 80, "tf32", "tf32", "tf32"}, 1, 6e-4);
}

TEST(DeviceGemmTest, TF32WeightsPerItem) {
  test({kTF32Tilings[2], 37, 84, 48, "tf32", "tf32", "f32", "", true},
       /*batch=*/3);
}

TEST(DeviceGemmTest, TF32Statistics) {
  test({kTF32Tilings[4], 150, 84, 48, "f32", "tf32", "f32", "", false,
        /*chunks=*/3},
       /*batch=*/2);
}

/// By warpgroups: rows and panels of a block, terms and number of steps.
std::string getWarpgroupTiling(int64_t rowBlock, int64_t panels, int64_t kBlock,
                               int64_t stages) {
  return getTiling(64, 64 * panels, kBlock, stages, rowBlock, panels);
}

Product getWarpgroupProduct(std::string tiling, int64_t rows, int64_t n,
                            int64_t k, std::string lhs = "bf16",
                            std::string weights = "bf16",
                            std::string init = "f32", std::string norm = "") {
  Product product = {tiling, rows, n, k, lhs, weights, init, norm};
  product.arch = "sm_90a";
  return product;
}

TEST(DeviceGemmTest, WarpgroupTilings) {
  for (const std::string &tiling :
       {getWarpgroupTiling(128, 4, 64, 4), getWarpgroupTiling(128, 4, 32, 8),
        getWarpgroupTiling(128, 3, 64, 5), getWarpgroupTiling(128, 2, 16, 2),
        getWarpgroupTiling(128, 1, 128, 3), getWarpgroupTiling(64, 4, 32, 3),
        getWarpgroupTiling(64, 2, 64, 4), getWarpgroupTiling(64, 1, 128, 2)})
    for (const char *lhs : {"bf16", "f32"})
      test(getWarpgroupProduct(tiling, 70, 84, 72, lhs));
}

TEST(DeviceGemmTest, WarpgroupRows) {
  std::string tiling = getWarpgroupTiling(128, 4, 64, 4);
  for (const char *lhs : {"bf16", "f32"})
    for (const char *weights : {"bf16", "f16"})
      for (int64_t rows : {1, 7, 197, 577})
        test(getWarpgroupProduct(tiling, rows, 84, 72, lhs, weights));
}

// More tiles than blocks stay: each block has several.
TEST(DeviceGemmTest, WarpgroupManyRows) {
  for (const char *lhs : {"bf16", "f32"})
    test(getWarpgroupProduct(getWarpgroupTiling(64, 1, 32, 3), 4097, 330, 40,
                             lhs));
}

// Columns and terms that nothing divides.
TEST(DeviceGemmTest, WarpgroupTails) {
  for (const char *lhs : {"bf16", "f32"})
    for (int64_t n : {1, 63, 96, 330})
      for (int64_t k : {1, 27, 200})
        test(getWarpgroupProduct(getWarpgroupTiling(64, 2, 64, 3), 77, n, k,
                                 lhs));
}

TEST(DeviceGemmTest, WarpgroupResults) {
  std::string tiling = getWarpgroupTiling(128, 2, 32, 4);
  test(getWarpgroupProduct(tiling, 77, 100, 80, "bf16", "bf16", "bf16"), 1,
       4e-3);
  test(getWarpgroupProduct(tiling, 77, 100, 80, "f16", "f16", "f16"), 1, 5e-4);
  test(getWarpgroupProduct(tiling, 77, 63, 80, "f16", "f16", "f16"), 1, 5e-4);
}

// A block normalises rows of several tiles.
TEST(DeviceGemmTest, WarpgroupNorms) {
  for (const char *norm : {"<epsilon = 1.000000e-05 : f64>",
                           "<epsilon = 1.000000e-05 : f64, rms = true>"})
    for (int64_t rows : {150, 2100})
      test(getWarpgroupProduct(getWarpgroupTiling(64, 1, 32, 3), rows, 500, 100,
                               "f32", "bf16", "f32", norm),
           1, 1e-3);
  // One block a multiprocessor.
  for (int64_t rowBlock : {64, 128})
    test(getWarpgroupProduct(getWarpgroupTiling(rowBlock, 4, 32, 3), 150, 500,
                             100, "f32", "bf16", "f32",
                             "<epsilon = 1.000000e-05 : f64>"),
         1, 1e-3);
}

TEST(DeviceGemmTest, WarpgroupBatches) {
  for (const char *lhs : {"bf16", "f32"}) {
    Product product =
        getWarpgroupProduct(getWarpgroupTiling(128, 2, 64, 3), 49, 96, 96, lhs);
    product.shift = 5;
    test(product, /*batch=*/7);
    product.zeroOutside = true;
    test(product, /*batch=*/7);
  }
}

TEST(DeviceGemmTest, TensorStatistics) {
  test({kTensorTilings[4], 150, 84, 48, "f16", "f16", "f32", "", false,
        /*chunks=*/3},
       /*batch=*/2);
}

} // namespace
