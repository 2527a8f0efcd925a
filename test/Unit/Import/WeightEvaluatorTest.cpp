//===- WeightEvaluatorTest.cpp - Weight expressions equal a naive reading -===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Weights.h"

#include "ImportTest.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/BLAKE3.h"

#include <cfloat>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace vitc;
using vit::WeightExprAttr;
using vit::WeightExprKind;

namespace {

class WeightEvaluatorTest : public import_::ImportTest {
protected:
  /// Opens a module whose weights lie in a file of these bytes; `ops` are its
  /// vit.weight ops, which name the file @w.
  FailureOr<std::unique_ptr<WeightEvaluator>> open(StringRef bytes,
                                                   const std::string &ops) {
    writeFile("w.bin", bytes);
    llvm::BLAKE3 hasher;
    hasher.update(bytes);
    std::string hash = llvm::toHex(hasher.final(), /*LowerCase=*/true);
    return openModule("vit.weight_file @w path \"" + path("w.bin") +
                      "\" hash \"" + hash + "\"\n" + ops);
  }
  FailureOr<std::unique_ptr<WeightEvaluator>>
  openModule(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    return WeightEvaluator::create(*module);
  }

  WeightExprAttr ref(StringRef name) {
    auto weight = module->lookupSymbol<vit::WeightOp>(name);
    return WeightExprAttr::ref(FlatSymbolRefAttr::get(&context, name),
                               cast<RankedTensorType>(weight.getType()));
  }
  WeightExprAttr asFloat(WeightExprAttr expr) {
    return WeightExprAttr::castTo(expr, Float32Type::get(&context));
  }
  template <typename T = float>
  static std::vector<T> write(const WeightEvaluator &evaluator,
                              WeightExprAttr expr) {
    std::string bytes;
    llvm::raw_string_ostream os(bytes);
    EXPECT_TRUE(succeeded(evaluator.write(expr, os)));
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
  }

  OwningOpRef<ModuleOp> module;
};

template <typename T> std::string asBytes(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

/// Values 0, 1, 2, ... of a matrix in row-major order.
std::vector<float> iota(int64_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

/// The packed layout, element by element from its definition.
std::vector<float> packNaively(const std::vector<float> &matrix, int64_t n,
                               int64_t k) {
  int64_t k16 = (k + 15) / 16 * 16;
  std::vector<float> packed;
  for (int64_t panel = 0; panel < n; panel += 64) {
    int64_t width = std::min<int64_t>(64, (n - panel + 15) / 16 * 16);
    for (int64_t row = 0; row < k16; ++row)
      for (int64_t col = panel; col < panel + width; ++col)
        packed.push_back(row < k && col < n ? matrix[col * k + row] : 0.0f);
  }
  return packed;
}

} // namespace

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

// All f16 bit patterns: zeros, subnormals, normals, infinities, NaNs.
TEST_F(WeightEvaluatorTest, EveryHalfIsExact) {
  std::vector<uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), 0);
  auto evaluator = open(asBytes(halves),
                        "vit.weight @h : tensor<65536xf16> file(@w offset 0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  std::vector<float> values = write(**evaluator, asFloat(ref("h")));
  ASSERT_EQ(values.size(), halves.size());
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    int exponent = (bits >> 10) & 31;
    double mantissa = bits & 1023;
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(values[bits]));
      continue;
    }
    double expected = exponent == 31 ? INFINITY
                      : exponent == 0
                          ? std::ldexp(mantissa, -24)
                          : std::ldexp(1024 + mantissa, exponent - 25);
    expected = bits & 0x8000 ? -expected : expected;
    EXPECT_EQ(values[bits], expected) << bits;
    EXPECT_EQ(std::signbit(values[bits]), (bits & 0x8000) != 0) << bits;
  }
}

TEST_F(WeightEvaluatorTest, BfloatIsTheUpperHalf) {
  auto evaluator =
      open(asBytes(std::vector<uint16_t>{0x3f80, 0xc049, 0x0001, 0xff80}),
           "vit.weight @b : tensor<4xbf16> file(@w offset 0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  EXPECT_EQ(write(**evaluator, asFloat(ref("b"))),
            (std::vector<float>{1.0f, -3.140625f, 0x1p-133f, -INFINITY}));
}

// Every value of 16 bits, what lies half way to its neighbour, and the nearest
// values of f32 on each side of both.
TEST_F(WeightEvaluatorTest, FloatsAreRoundedToNearestEven) {
  for (const llvm::fltSemantics *semantics :
       {&APFloat::IEEEhalf(), &APFloat::BFloat()}) {
    bool isHalf = semantics == &APFloat::IEEEhalf();
    std::vector<uint32_t> patterns;
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      APFloat value(*semantics, APInt(16, bits));
      bool lossy = false;
      value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                    &lossy);
      uint32_t pattern = value.bitcastToAPInt().getZExtValue();
      uint32_t half = isHalf ? 1u << 12 : 1u << 15;
      for (uint32_t offset : {0u, half, half << 1})
        for (uint32_t ulp : {~0u, 0u, 1u})
          patterns.push_back(pattern + offset + ulp);
    }
    auto evaluator =
        open(asBytes(patterns),
             llvm::formatv("vit.weight @a : tensor<{0}xf32> file(@w offset 0)",
                           patterns.size()));
    ASSERT_TRUE(succeeded(evaluator)) << messages();
    Type type = isHalf ? Type(Float16Type::get(&context))
                       : Type(BFloat16Type::get(&context));
    std::vector<uint16_t> rounded =
        write<uint16_t>(**evaluator, WeightExprAttr::castTo(ref("a"), type));
    ASSERT_EQ(rounded.size(), patterns.size());
    for (auto [pattern, actual] : llvm::zip_equal(patterns, rounded)) {
      APFloat expected(APFloat::IEEEsingle(), APInt(32, pattern));
      bool lossy = false;
      expected.convert(*semantics, APFloat::rmNearestTiesToEven, &lossy);
      EXPECT_EQ(actual, expected.bitcastToAPInt().getZExtValue()) << pattern;
    }
  }
}

// As GPUs round what they multiply: ties away from zero.
TEST_F(WeightEvaluatorTest, FloatsAreRoundedToTF32) {
  constexpr float kUnit = 0x1p-10f;
  auto evaluator =
      open(asBytes(std::vector<float>{0.0f, 1 + kUnit / 2, -1 - kUnit / 2,
                                      1 + kUnit * 0.49f, 1 + kUnit * 1.5f,
                                      INFINITY, FLT_MAX, -0x1p-149f,
                                      llvm::bit_cast<float>(0x7f800001u)}),
           "vit.weight @a : tensor<9xf32> file(@w offset 0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  std::vector<float> rounded =
      write(**evaluator,
            WeightExprAttr::castTo(ref("a"), FloatTF32Type::get(&context)));
  EXPECT_TRUE(std::isnan(rounded.back()));
  rounded.pop_back();
  EXPECT_EQ(rounded,
            (std::vector<float>{0.0f, 1 + kUnit, -1 - kUnit, 1.0f,
                                1 + 2 * kUnit, INFINITY, INFINITY, -0.0f}));
}

TEST_F(WeightEvaluatorTest, DoublesAreRoundedToNearest) {
  auto evaluator = open(asBytes(std::vector<double>{0.1, 1.0 + 0x1p-24, 1e300}),
                        "vit.weight @d : tensor<3xf64> file(@w offset 0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  EXPECT_EQ(write(**evaluator, asFloat(ref("d"))),
            (std::vector<float>{0.1f, 1.0f, INFINITY}));
}

TEST_F(WeightEvaluatorTest, DataNeedNotBeAligned) {
  auto evaluator = open("x" + asBytes(iota(5)),
                        "vit.weight @a : tensor<5xf32> file(@w offset 1)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  EXPECT_EQ(write(**evaluator, ref("a")), iota(5));
}

// The same figures as numpy's from python/vitc/zoo/weights.py.
TEST_F(WeightEvaluatorTest, GeneratedValuesAreNumpys) {
  auto evaluator = openModule(
      "vit.weight @a : tensor<4xf32> seed(7 mean 0.0 scale 1.0)\n"
      "vit.weight @b : tensor<3xf32> seed(-5 mean 1.0 scale 3.0e-01)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  EXPECT_EQ(write(**evaluator, ref("a")),
            (std::vector<float>{-0x1.b5474p-1f, -0x1.c341fp-3f, -0x1.eecf1p-1f,
                                0x1.9a61p-1f}));
  EXPECT_EQ(
      write(**evaluator, ref("b")),
      (std::vector<float>{0x1.bcbfe8p-1f, 0x1.81a226p-1f, 0x1.08d6ep+0f}));
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

TEST_F(WeightEvaluatorTest, ReshapeSliceConcatAdd) {
  auto evaluator = open(asBytes(iota(24)),
                        "vit.weight @a : tensor<1x4x3xf32> file(@w offset 0)\n"
                        "vit.weight @b : tensor<4x3xf32> file(@w offset 48)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  WeightExprAttr a = WeightExprAttr::reshape(ref("a"), {4, 3});
  WeightExprAttr sum = WeightExprAttr::add(a, ref("b"));
  WeightExprAttr all = WeightExprAttr::concat(
      {WeightExprAttr::slice(sum, 1, 2), a, WeightExprAttr::slice(a, 3, 1)});
  std::vector<float> expected;
  for (int i = 3; i < 9; ++i)
    expected.push_back(i + (i + 12));
  for (int i = 0; i < 12; ++i)
    expected.push_back(i);
  for (int i = 9; i < 12; ++i)
    expected.push_back(i);
  EXPECT_EQ(write(**evaluator, all), expected);

  // A range that begins in one piece and ends in the next.
  std::vector<float> range(8);
  ASSERT_TRUE(succeeded(
      (*evaluator)->read(all, 4, 8, reinterpret_cast<char *>(range.data()))));
  EXPECT_EQ(range,
            std::vector<float>(expected.begin() + 4, expected.begin() + 12));
}

TEST_F(WeightEvaluatorTest, ScaleAlongEachDim) {
  auto evaluator =
      open(asBytes(iota(24)) + asBytes(std::vector<float>{2, -1, 3, 0.5}),
           "vit.weight @a : tensor<2x3x4xf32> file(@w offset 0)\n"
           "vit.weight @v2 : tensor<2xf32> file(@w offset 96)\n"
           "vit.weight @v3 : tensor<3xf32> file(@w offset 96)\n"
           "vit.weight @v4 : tensor<4xf32> file(@w offset 96)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  const float factors[] = {2, -1, 3, 0.5};
  std::vector<float> expected[3];
  for (int i = 0; i < 24; ++i) {
    expected[0].push_back(i * factors[i / 12]);
    expected[1].push_back(i * factors[i / 4 % 3]);
    expected[2].push_back(i * factors[i % 4]);
  }
  const char *names[] = {"v2", "v3", "v4"};
  for (int dim = 0; dim < 3; ++dim) {
    WeightExprAttr scaled =
        WeightExprAttr::scale(ref("a"), ref(names[dim]), dim);
    EXPECT_EQ(write(**evaluator, scaled), expected[dim]) << dim;
    // A range that begins and ends inside of a row.
    std::vector<float> range(13);
    ASSERT_TRUE(succeeded(
        (*evaluator)
            ->read(scaled, 5, 13, reinterpret_cast<char *>(range.data()))));
    EXPECT_EQ(range, std::vector<float>(expected[dim].begin() + 5,
                                        expected[dim].begin() + 18))
        << dim;
  }
}

// Sums in f32 would lose what the large terms leave.
TEST_F(WeightEvaluatorTest, ProductSumsInDouble) {
  std::vector<float> matrix = {1e8f, 1, -1e8f, 2, 1, 2, 3, 4};
  auto evaluator = open(asBytes(matrix) + asBytes(std::vector<float>(4, 1)),
                        "vit.weight @a : tensor<2x4xf32> file(@w offset 0)\n"
                        "vit.weight @v : tensor<4xf32> file(@w offset 32)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  WeightExprAttr product = WeightExprAttr::product(ref("a"), ref("v"));
  EXPECT_EQ(write(**evaluator, product), (std::vector<float>{3, 10}));
}

// Of a transposed matrix whose rows are scaled, as an ONNX file's layers are.
TEST_F(WeightEvaluatorTest, ProductOfAnExpression) {
  auto evaluator =
      open(asBytes(iota(6)) + asBytes(std::vector<float>{1, 10, 100}),
           "vit.weight @a : tensor<3x2xf32> file(@w offset 0)\n"
           "vit.weight @v : tensor<3xf32> file(@w offset 24)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  WeightExprAttr scaled = WeightExprAttr::scale(
      WeightExprAttr::transpose(ref("a"), {1, 0}), ref("v"), 1);
  EXPECT_EQ(write(**evaluator, WeightExprAttr::product(scaled, ref("v"))),
            (std::vector<float>{40200, 50301}));
  EXPECT_EQ(write(**evaluator, WeightExprAttr::add(
                                   WeightExprAttr::slice(ref("v"), 0, 2),
                                   WeightExprAttr::product(scaled, ref("v")))),
            (std::vector<float>{40201, 50311}));
}

TEST_F(WeightEvaluatorTest, RefusesFactorsOfAnotherType) {
  auto evaluator = open(std::string(24, '\0'),
                        "vit.weight @a : tensor<2x4xf16> file(@w offset 0)\n"
                        "vit.weight @v : tensor<4xf16> file(@w offset 16)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  char values[16];
  EXPECT_TRUE(failed(
      (*evaluator)
          ->read(WeightExprAttr::scale(ref("a"), ref("v"), 1), 0, 8, values)));
  EXPECT_EQ(messages(),
            "a weight expression multiplies by 'tensor<4xf16>'; needs f32");
}

// More than one chunk of the stream.
TEST_F(WeightEvaluatorTest, WritesLongValues) {
  auto evaluator = open(asBytes(iota(100'000)),
                        "vit.weight @a : tensor<100000xf32> file(@w offset 0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  std::vector<float> doubled = iota(100'000);
  for (float &value : doubled)
    value += value;
  EXPECT_EQ(write(**evaluator, WeightExprAttr::add(ref("a"), ref("a"))),
            doubled);
}

TEST_F(WeightEvaluatorTest, PackWritesPanels) {
  // Narrow and full tails, K below, at and between granules, more than one
  // block of columns.
  const std::pair<int64_t, int64_t> shapes[] = {
      {10, 24}, {96, 16},    {64, 64},   {1000, 24}, {1, 1},
      {65, 7},  {130, 1040}, {16, 2500}, {48, 1024}};
  for (auto [n, k] : shapes) {
    std::vector<float> matrix = iota(n * k);
    auto evaluator =
        open(asBytes(matrix), llvm::formatv("vit.weight @m : tensor<{0}x{1}xf32"
                                            "> file(@w offset 0)",
                                            n, k));
    ASSERT_TRUE(succeeded(evaluator)) << messages();
    std::vector<float> packed =
        write(**evaluator, WeightExprAttr::pack(ref("m")));
    EXPECT_EQ(int64_t(packed.size()), WeightExprAttr::packedSize(n, k));
    EXPECT_EQ(packed, packNaively(matrix, n, k)) << n << "x" << k;
  }
}

// Of 16 bits, 8 neighbours of a row lie side by side.
TEST_F(WeightEvaluatorTest, PackWritesRuns) {
  const std::pair<int64_t, int64_t> shapes[] = {
      {10, 24}, {64, 64}, {65, 7}, {1, 1}, {130, 1030}, {16, 2500}};
  for (const char *type : {"f16", "bf16"})
    for (auto [n, k] : shapes) {
      std::vector<uint16_t> matrix(n * k);
      std::iota(matrix.begin(), matrix.end(), uint16_t(1));
      auto evaluator = open(
          asBytes(matrix),
          llvm::formatv("vit.weight @m : tensor<{0}x{1}x{2}> file(@w offset 0)",
                        n, k, type));
      ASSERT_TRUE(succeeded(evaluator)) << messages();
      int64_t k16 = (k + 15) / 16 * 16;
      std::vector<uint16_t> expected;
      for (int64_t panel = 0; panel < n; panel += 64) {
        int64_t width = std::min<int64_t>(64, (n - panel + 15) / 16 * 16);
        for (int64_t run = 0; run < k16; run += 8)
          for (int64_t row = panel; row < panel + width; ++row)
            for (int64_t col = run; col < run + 8; ++col)
              expected.push_back(row < n && col < k ? matrix[row * k + col]
                                                    : 0);
      }
      std::string bytes;
      llvm::raw_string_ostream os(bytes);
      ASSERT_TRUE(
          succeeded((*evaluator)->write(WeightExprAttr::pack(ref("m")), os)));
      EXPECT_EQ(bytes, asBytes(expected)) << n << "x" << k << " " << type;
    }
}

TEST_F(WeightEvaluatorTest, PackWritesRunsOfTF32) {
  for (auto [n, k] :
       {std::pair<int64_t, int64_t>(10, 24), {65, 7}, {16, 2500}}) {
    std::vector<float> matrix(n * k);
    for (auto [i, value] : llvm::enumerate(matrix))
      value = float(i % 1024) + 1;
    auto evaluator = open(
        asBytes(matrix),
        llvm::formatv("vit.weight @m : tensor<{0}x{1}xf32> file(@w offset 0)",
                      n, k));
    ASSERT_TRUE(succeeded(evaluator)) << messages();
    int64_t k16 = (k + 15) / 16 * 16;
    std::vector<float> expected;
    for (int64_t panel = 0; panel < n; panel += 64) {
      int64_t width = std::min<int64_t>(64, (n - panel + 15) / 16 * 16);
      for (int64_t run = 0; run < k16; run += 4)
        for (int64_t row = panel; row < panel + width; ++row)
          for (int64_t col = run; col < run + 4; ++col)
            expected.push_back(row < n && col < k ? matrix[row * k + col] : 0);
    }
    EXPECT_EQ(write(**evaluator, WeightExprAttr::pack(WeightExprAttr::castTo(
                                     ref("m"), FloatTF32Type::get(&context)))),
              expected)
        << n << "x" << k;
  }
}

TEST_F(WeightEvaluatorTest, PackReadsThroughExpressions) {
  std::vector<uint16_t> ones(2 * 40 * 20, 0x3c00);
  auto evaluator = open(
      asBytes(ones), "vit.weight @a : tensor<40x20xf16> file(@w offset 0)\n"
                     "vit.weight @b : tensor<40x20xf16> file(@w offset 800)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  WeightExprAttr both = WeightExprAttr::castTo(
      WeightExprAttr::concat({ref("a"), ref("b")}), Float32Type::get(&context));
  EXPECT_EQ(write(**evaluator, WeightExprAttr::pack(both)),
            packNaively(std::vector<float>(80 * 20, 1.0f), 80, 20));
}

// Every order of four dims, of which one is 1; bands of more and of fewer rows
// than the result has.
TEST_F(WeightEvaluatorTest, TransposeEqualsItsDefinition) {
  for (std::vector<int64_t> shape : std::vector<std::vector<int64_t>>{
           {5, 1, 3, 7}, {70, 130, 1, 40}, {3, 9, 1100, 17}}) {
    std::vector<float> in = iota(shape[0] * shape[1] * shape[2] * shape[3]);
    auto evaluator = open(
        asBytes(in),
        llvm::formatv("vit.weight @a : tensor<{0:$[x]}xf32> file(@w offset 0)",
                      llvm::make_range(shape.begin(), shape.end())));
    ASSERT_TRUE(succeeded(evaluator)) << messages();
    std::vector<int64_t> order = {0, 1, 2, 3};
    do {
      std::vector<float> expected;
      int64_t at[4];
      for (at[0] = 0; at[0] < shape[order[0]]; ++at[0])
        for (at[1] = 0; at[1] < shape[order[1]]; ++at[1])
          for (at[2] = 0; at[2] < shape[order[2]]; ++at[2])
            for (at[3] = 0; at[3] < shape[order[3]]; ++at[3]) {
              int64_t index[4];
              for (int i = 0; i < 4; ++i)
                index[order[i]] = at[i];
              expected.push_back(
                  in[((index[0] * shape[1] + index[1]) * shape[2] + index[2]) *
                         shape[3] +
                     index[3]]);
            }
      ASSERT_EQ(write(**evaluator, WeightExprAttr::transpose(ref("a"), order)),
                expected);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

// A weight as MatMul has it: [K, N], three of them side by side.
TEST_F(WeightEvaluatorTest, PackReadsThroughTransposes) {
  const int64_t k = 1040, n = 100;
  std::vector<float> values = iota(3 * k * n);
  auto evaluator = open(
      asBytes(values),
      llvm::formatv("vit.weight @a : tensor<3x{0}x{1}xf32> file(@w offset 0)",
                    k, n));
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  SmallVector<WeightExprAttr> pieces;
  std::vector<float> expected;
  for (int64_t i = 0; i < 3; ++i) {
    WeightExprAttr matrix =
        WeightExprAttr::reshape(WeightExprAttr::slice(ref("a"), i, 1), {k, n});
    pieces.push_back(WeightExprAttr::transpose(matrix, {1, 0}));
    for (int64_t column = 0; column < n; ++column)
      for (int64_t row = 0; row < k; ++row)
        expected.push_back(values[(i * k + row) * n + column]);
  }
  EXPECT_EQ(
      write(**evaluator, WeightExprAttr::pack(WeightExprAttr::concat(pieces))),
      packNaively(expected, 3 * n, k));
}

TEST_F(WeightEvaluatorTest, DataIsWrittenInItsOwnType) {
  auto evaluator = openModule("");
  ASSERT_TRUE(succeeded(evaluator));
  Builder b(&context);
  auto data = [&](Type type, auto values) {
    return WeightExprAttr::data(DenseElementsAttr::get(
        RankedTensorType::get({2, 2}, type), ArrayRef(values)));
  };
  EXPECT_EQ(
      write<int64_t>(**evaluator,
                     data(b.getI64Type(), std::vector<int64_t>{1, -2, 3, 4})),
      (std::vector<int64_t>{1, -2, 3, 4}));
  EXPECT_EQ(
      write<double>(**evaluator, data(b.getF64Type(),
                                      std::vector<double>{0.1, 0.2, 0.3, 0.4})),
      (std::vector<double>{0.1, 0.2, 0.3, 0.4}));
  SmallVector<bool> bits = {true, false, false, true};
  EXPECT_EQ(write<int8_t>(**evaluator, data(b.getI1Type(), bits)),
            (std::vector<int8_t>{1, 0, 0, 1}));
  // Equal elements are stored once, and moved as others are.
  EXPECT_EQ(write<int16_t>(**evaluator, data(b.getI16Type(),
                                             std::vector<int16_t>{7, 7, 7, 7})),
            (std::vector<int16_t>(4, 7)));
  EXPECT_EQ(
      write<int8_t>(
          **evaluator,
          WeightExprAttr::transpose(
              data(b.getI8Type(), std::vector<int8_t>{1, 2, 3, 4}), {1, 0})),
      (std::vector<int8_t>{1, 3, 2, 4}));
  EXPECT_EQ(write(**evaluator,
                  asFloat(data(b.getF64Type(),
                               std::vector<double>{0.1, 0.2, 0.3, 0.4}))),
            (std::vector<float>{0.1f, 0.2f, 0.3f, 0.4f}));
}

TEST_F(WeightEvaluatorTest, BuildersFold) {
  ASSERT_TRUE(succeeded(openModule(
      "vit.weight @a : tensor<2x1x3xf32> seed(7 mean 0.0 scale 1.0)")));
  WeightExprAttr a = ref("a");
  EXPECT_EQ(WeightExprAttr::transpose(a, {0, 1, 2}), a);
  // No element moves where a dim of 1 does.
  EXPECT_EQ(WeightExprAttr::transpose(a, {1, 0, 2}),
            WeightExprAttr::reshape(a, {1, 2, 3}));
  WeightExprAttr rotated = WeightExprAttr::transpose(a, {2, 0, 1});
  EXPECT_EQ(WeightExprAttr::transpose(rotated, {1, 2, 0}), a);
  EXPECT_EQ(WeightExprAttr::transpose(rotated, {0, 2, 1}).getParams(),
            (ArrayRef<int64_t>{2, 1, 0}));
  WeightExprAttr both = WeightExprAttr::concat({a, a});
  EXPECT_EQ(WeightExprAttr::slice(both, 2, 2), a);
  EXPECT_EQ(WeightExprAttr::slice(WeightExprAttr::slice(both, 1, 3), 1, 1),
            WeightExprAttr::slice(both, 2, 1));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST_F(WeightEvaluatorTest, RefusesAMissingFile) {
  EXPECT_TRUE(failed(openModule("vit.weight_file @w path \"/absent/w.bin\" "
                                "hash \"00\"")));
  EXPECT_EQ(messages(), "weights file '/absent/w.bin' cannot be read: No such "
                        "file or directory");
}

TEST_F(WeightEvaluatorTest, RefusesAChangedFile) {
  writeFile("w.bin", "changed");
  EXPECT_TRUE(failed(openModule("vit.weight_file @w path \"" + path("w.bin") +
                                "\" hash \"00\"")));
  EXPECT_EQ(messages(), "weights file '" + path("w.bin") +
                            "' has BLAKE3 "
                            "6a9f75eec6464a34f0a7967471bc2b468914240a1bd2921534"
                            "0487264cb279e2; the model was imported from 00");
}

TEST_F(WeightEvaluatorTest, RefusesDataBehindTheEnd) {
  EXPECT_TRUE(failed(
      open("12345678", "vit.weight @a : tensor<2xf32> file(@w offset 4)")));
  EXPECT_EQ(messages(), "'a' has 8 bytes at offset 4; the file has 8");
}

TEST_F(WeightEvaluatorTest, RefusesShapesThatOverflow) {
  EXPECT_TRUE(failed(open("12345678",
                          "vit.weight @a : tensor<4294967296x4294967296xf32> "
                          "file(@w offset 0)")));
  EXPECT_EQ(messages(),
            "'vit.weight' op 'a' has type 'tensor<4294967296x4294967296xf32>'; "
            "needs static dims of 1 or more and less than 2^62 bytes");
}

TEST_F(WeightEvaluatorTest, RefusesAWeightThatIsNotThere) {
  auto evaluator = openModule("");
  ASSERT_TRUE(succeeded(evaluator));
  char value[4];
  auto absent = WeightExprAttr::ref(
      FlatSymbolRefAttr::get(&context, "absent"),
      RankedTensorType::get({1}, Float32Type::get(&context)));
  EXPECT_TRUE(failed((*evaluator)->read(absent, 0, 1, value)));
  EXPECT_EQ(messages(), "a weight expression refers to 'absent', which no "
                        "vit.weight defines");
}

TEST_F(WeightEvaluatorTest, RefusesPackInsideOfAnExpression) {
  auto evaluator =
      openModule("vit.weight @m : tensor<2x2xf32> seed(7 mean 0.0 scale 1.0)");
  ASSERT_TRUE(succeeded(evaluator)) << messages();
  WeightExprAttr packed = WeightExprAttr::pack(ref("m"));
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  EXPECT_TRUE(
      failed((*evaluator)->write(WeightExprAttr::add(packed, packed), os)));
  EXPECT_EQ(messages(), "#vit.expr<pack> is an operand of another expression; "
                        "it must be the outermost");
}
