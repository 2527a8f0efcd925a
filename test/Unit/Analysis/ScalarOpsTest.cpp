//===- ScalarOpsTest.cpp - Values of arith and math ops -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EvaluateTest.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

/// Ops on %x and %y of four f32.
static std::string onFloats(const std::string &op, const std::string &x,
                            const std::string &y = "[1.0, 2.0, 3.0, 4.0]") {
  return "%x = arith.constant dense<" + x + "> : tensor<4xf32>\n" +
         "%y = arith.constant dense<" + y + "> : tensor<4xf32>\n%r = " + op;
}

TEST_F(EvaluateTest, FloatsAreRoundedAfterEachOp) {
  EXPECT_EQ(values(onFloats("arith.addf %x, %y : tensor<4xf32>",
                            "[16777216.0, 1.0e-10, -3.0, 0.1]")),
            (std::vector<float>{16777216.0f + 1.0f, 1e-10f + 2.0f, 0.0f,
                                0.1f + 4.0f}));
  EXPECT_EQ(values(onFloats("arith.divf %x, %y : tensor<4xf32>",
                            "[1.0, 1.0, 1.0, 1.0]")),
            (std::vector<float>{1.0f, 0.5f, 1.0f / 3.0f, 0.25f}));
  EXPECT_EQ(values(onFloats("math.exp %x : tensor<4xf32>",
                            "[0.0, 1.0, -1.0, 200.0]")),
            (std::vector<float>{1.0f, float(std::exp(1.0)),
                                float(std::exp(-1.0)), INFINITY}));
  EXPECT_EQ(
      values(onFloats("math.erf %x : tensor<4xf32>", "[0.0, 0.5, -0.5, 9.0]")),
      (std::vector<float>{0.0f, float(std::erf(0.5)), float(std::erf(-0.5)),
                          1.0f}));
  EXPECT_EQ(values(onFloats("math.roundeven %x : tensor<4xf32>",
                            "[0.5, 1.5, 2.5, -0.5]")),
            (std::vector<float>{0.0f, 2.0f, 2.0f, -0.0f}));
}

TEST_F(EvaluateTest, MaximumKeepsNaNsAndMaxnumDoesNot) {
  std::string nans = "[0x7FC00000, 5.0, -1.0, 0x7FC00000]";
  auto maximum =
      values(onFloats("arith.maximumf %x, %y : tensor<4xf32>", nans));
  EXPECT_TRUE(std::isnan(maximum[0]));
  EXPECT_EQ(maximum[1], 5.0f);
  EXPECT_EQ(maximum[2], 3.0f);
  EXPECT_EQ(values(onFloats("arith.maxnumf %x, %y : tensor<4xf32>", nans)),
            (std::vector<float>{1.0f, 5.0f, 3.0f, 4.0f}));
}

TEST_F(EvaluateTest, ComparisonsOfNaNs) {
  std::string nans = "[0x7FC00000, 2.0, 1.0, 9.0]";
  EXPECT_EQ(
      values<bool>(onFloats("arith.cmpf oeq, %x, %y : tensor<4xf32>", nans)),
      (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(
      values<bool>(onFloats("arith.cmpf une, %x, %y : tensor<4xf32>", nans)),
      (std::vector<bool>{true, false, true, true}));
  EXPECT_EQ(
      values<bool>(onFloats("arith.cmpf ult, %x, %y : tensor<4xf32>", nans)),
      (std::vector<bool>{true, false, true, false}));
}

static std::string onBytes(const std::string &op) {
  return "%x = arith.constant dense<[127, -128, -7, 7]> : tensor<4xi8>\n"
         "%y = arith.constant dense<[2, 3, 2, -2]> : tensor<4xi8>\n%r = " +
         op;
}

TEST_F(EvaluateTest, IntegersWrapAndDivide) {
  using Bytes = std::vector<int8_t>;
  EXPECT_EQ(values<int8_t>(onBytes("arith.addi %x, %y : tensor<4xi8>")),
            (Bytes{-127, -125, -5, 5}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.muli %x, %y : tensor<4xi8>")),
            (Bytes{-2, -128, -14, -14}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.divsi %x, %y : tensor<4xi8>")),
            (Bytes{63, -42, -3, -3}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.floordivsi %x, %y : tensor<4xi8>")),
            (Bytes{63, -43, -4, -4}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.ceildivsi %x, %y : tensor<4xi8>")),
            (Bytes{64, -42, -3, -3}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.remsi %x, %y : tensor<4xi8>")),
            (Bytes{1, -2, -1, 1}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.divui %x, %y : tensor<4xi8>")),
            (Bytes{63, 42, 124, 0}));
  EXPECT_EQ(values<int8_t>(onBytes("arith.maxui %x, %y : tensor<4xi8>")),
            (Bytes{127, -128, -7, -2}));
  EXPECT_EQ(values<bool>(onBytes("arith.cmpi ugt, %x, %y : tensor<4xi8>")),
            (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(values<int32_t>(
                onBytes("arith.extui %x : tensor<4xi8> to tensor<4xi32>")),
            (std::vector<int32_t>{127, 128, 249, 7}));
  EXPECT_EQ(values(onBytes("arith.uitofp %x : tensor<4xi8> to tensor<4xf32>")),
            (std::vector<float>{127, 128, 249, 7}));
}

TEST_F(EvaluateTest, ADivisionByZeroHasNoValue) {
  EXPECT_FALSE(evaluate("%x = arith.constant dense<[1, 2]> : tensor<2xi64>\n"
                        "%y = arith.constant dense<[1, 0]> : tensor<2xi64>\n"
                        "%r = arith.divsi %x, %y : tensor<2xi64>"));
}

TEST_F(EvaluateTest, FloatsOutOfRangeBecomeTheNearestInteger) {
  EXPECT_EQ(
      values<int8_t>(onFloats("arith.fptosi %x : tensor<4xf32> to tensor<4xi8>",
                              "[1.9, -1.9, 300.0, -300.0]")),
      (std::vector<int8_t>{1, -1, 127, -128}));
  EXPECT_EQ(values<uint8_t>(
                onFloats("arith.fptoui %x : tensor<4xf32> to tensor<4xi8>",
                         "[200.5, -1.9, 300.0, 0x7FC00000]")),
            (std::vector<uint8_t>{200, 0, 255, 0}));
}

TEST_F(EvaluateTest, BooleansAreOneBitWide) {
  std::string bits =
      "%x = arith.constant dense<[true, true, false]> : tensor<3xi1>\n"
      "%y = arith.constant dense<[true, false, false]> : tensor<3xi1>\n";
  EXPECT_EQ(values<bool>(bits + "%r = arith.xori %x, %y : tensor<3xi1>"),
            (std::vector<bool>{false, true, false}));
  EXPECT_EQ(values<int32_t>(
                bits + "%r = arith.extui %x : tensor<3xi1> to tensor<3xi32>"),
            (std::vector<int32_t>{1, 1, 0}));
  EXPECT_EQ(
      values(bits + "%r = arith.uitofp %x : tensor<3xi1> to tensor<3xf32>"),
      (std::vector<float>{1, 1, 0}));
  EXPECT_EQ(values<int32_t>(
                bits +
                "%a = arith.constant dense<[1, 2, 3]> : tensor<3xi32>\n"
                "%b = arith.constant dense<[4, 5, 6]> : tensor<3xi32>\n"
                "%r = arith.select %y, %a, %b : tensor<3xi1>, tensor<3xi32>"),
            (std::vector<int32_t>{1, 5, 6}));
}

// Values at and around every boundary of the narrow types, from f64.
TEST_F(EvaluateTest, NarrowFloatsAreRoundedOnce) {
  std::vector<double> doubles;
  for (double base : {1.0, 1.0 + 0x1p-8, 1.0 + 0x1p-9, 1.0 + 0x1p-11,
                      1.0 + 3 * 0x1p-11, 0x1p-14, 0x1p-24, 0x1p-25, 65504.0,
                      65520.0, 3.4e38, 0x1p-133, 0x1p-134, 0.0})
    for (double nudge : {0.0, 0x1p-40, -0x1p-40})
      for (double sign : {1.0, -1.0})
        doubles.push_back(sign * base * (1.0 + nudge));
  auto type = RankedTensorType::get({int64_t(doubles.size())},
                                    Float64Type::get(&context));
  std::string list;
  llvm::raw_string_ostream(list)
      << DenseElementsAttr::get(type, ArrayRef(doubles));
  std::string size = std::to_string(doubles.size());
  for (auto [name, semantics] : {std::pair("f16", &llvm::APFloat::IEEEhalf()),
                                 std::pair("bf16", &llvm::APFloat::BFloat())}) {
    auto narrow = values<APFloat>("%x = arith.constant " + list +
                                  "\n%r = arith.truncf %x : tensor<" + size +
                                  "xf64> to tensor<" + size + "x" + name + ">");
    ASSERT_EQ(narrow.size(), doubles.size());
    for (auto [value, result] : llvm::zip_equal(doubles, narrow)) {
      APFloat expected(value);
      bool losesInfo;
      expected.convert(*semantics, APFloat::rmNearestTiesToEven, &losesInfo);
      EXPECT_TRUE(expected.bitwiseIsEqual(result)) << name << " of " << value;
    }
  }
}
