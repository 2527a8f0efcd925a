//===- EvaluatorTest.cpp - Values of tensor ops, and what has none --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EvaluateTest.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

static const char *kMatrix = "%m = arith.constant dense<[[1, 2, 3, 4], [5, 6, "
                             "7, 8], [9, 10, 11, 12]]> : "
                             "tensor<3x4xi32>\n";
using Integers = std::vector<int32_t>;

TEST_F(EvaluateTest, SlicesWithStrides) {
  EXPECT_EQ(
      values<int32_t>(
          kMatrix +
          std::string("%r = tensor.extract_slice %m[0, 1] [2, 2] [2, 2] : "
                      "tensor<3x4xi32> to tensor<2x2xi32>")),
      (Integers{2, 4, 10, 12}));
  EXPECT_EQ(
      values<int32_t>(
          kMatrix +
          std::string("%r = tensor.extract_slice %m[1, 0] [1, 4] [1, 1] : "
                      "tensor<3x4xi32> to tensor<4xi32>")),
      (Integers{5, 6, 7, 8}));
  EXPECT_EQ(values<int32_t>(kMatrix + std::string(R"(
    %s = arith.constant dense<[[0], [-1]]> : tensor<2x1xi32>
    %r = tensor.insert_slice %s into %m[0, 3] [2, 1] [2, 1] : tensor<2x1xi32> into tensor<3x4xi32>)")),
            (Integers{1, 2, 3, 0, 5, 6, 7, 8, 9, 10, 11, -1}));
}

TEST_F(EvaluateTest, ConcatAndPad) {
  EXPECT_EQ(values<int32_t>(kMatrix + std::string(R"(
    %s = arith.constant dense<[[0], [-1], [-2]]> : tensor<3x1xi32>
    %r = tensor.concat dim(1) %s, %m : (tensor<3x1xi32>, tensor<3x4xi32>) -> tensor<3x5xi32>)")),
            (Integers{0, 1, 2, 3, 4, -1, 5, 6, 7, 8, -2, 9, 10, 11, 12}));
  EXPECT_EQ(values<int32_t>(R"(
    %v = arith.constant dense<[1, 2]> : tensor<2xi32>
    %c = arith.constant 7 : i32
    %r = tensor.pad %v low[1] high[2] {
    ^bb0(%i: index):
      tensor.yield %c : i32
    } : tensor<2xi32> to tensor<5xi32>)"),
            (Integers{7, 1, 2, 7, 7}));
}

TEST_F(EvaluateTest, TransposesEveryWidth) {
  std::string list;
  std::vector<int64_t> expected;
  for (int row = 0; row < 5; ++row) {
    list += row ? "], [" : "[[";
    for (int column = 0; column < 20; ++column)
      list += (column ? "," : "") + std::to_string(row * 20 + column);
  }
  for (int column = 0; column < 20; ++column)
    for (int row = 0; row < 5; ++row)
      expected.push_back(row * 20 + column);
  for (int width : {8, 16, 32, 64}) {
    std::string in = "tensor<5x20xi" + std::to_string(width) + ">";
    std::string out = "tensor<20x5xi" + std::to_string(width) + ">";
    std::vector<int64_t> result;
    for (const APInt &value :
         values<APInt>("%x = arith.constant dense<" + list + "]]> : " + in +
                       "\n%e = tensor.empty() : " + out +
                       "\n%r = linalg.transpose ins(%x : " + in +
                       ") outs(%e : " + out + ") permutation = [1, 0]"))
      result.push_back(value.getSExtValue());
    EXPECT_EQ(result, expected) << width;
  }
}

// The chains that exporters leave: shapes taken apart and put together.
TEST_F(EvaluateTest, ScalarsAndShapes) {
  EXPECT_EQ(values<int64_t>(R"(
    %shape = arith.constant dense<[8, 3, 224]> : tensor<3xi64>
    %two = arith.constant 2 : index
    %size = tensor.extract %shape[%two] : tensor<3xi64>
    %patch = arith.constant 16 : i64
    %n = arith.divsi %size, %patch : i64
    %both = tensor.from_elements %n, %patch : tensor<2xi64>
    %r = tensor.expand_shape %both [[0, 1]] output_shape [2, 1] : tensor<2xi64> into tensor<2x1xi64>)"),
            (std::vector<int64_t>{14, 16}));
}

TEST_F(EvaluateTest, ReadsWeights) {
  EXPECT_EQ(values("%r = vit.constant #vit.expr<ref, [@a]> : tensor<4xf32>",
                   "vit.weight @a : tensor<4xf32> seed(7 mean 0.0 scale 1.0)"),
            (std::vector<float>{-0x1.b5474p-1f, -0x1.c341fp-3f, -0x1.eecf1p-1f,
                                0x1.9a61p-1f}));
}

// Importers add weights while they evaluate.
TEST_F(EvaluateTest, FindsWeightsThatAreAddedLater) {
  module = parseSourceString<ModuleOp>(
      "vit.weight @a : tensor<1xf32> seed(1 mean 2.0 scale 0.0)\n"
      "func.func @f() -> (tensor<1xf32>, tensor<1xf32>) {\n"
      "  %a = vit.constant #vit.expr<ref, [@a]> : tensor<1xf32>\n"
      "  %b = vit.constant #vit.expr<ref, [@a]> : tensor<1xf32>\n"
      "  return %a, %b : tensor<1xf32>, tensor<1xf32>\n}",
      &context);
  Evaluator evaluator(*module);
  auto constants =
      module->lookupSymbol<func::FuncOp>("f").getOps<vit::ConstantOp>();
  auto first = *constants.begin(), second = *std::next(constants.begin());
  EXPECT_EQ(evaluator.evaluate(first.getResult()).getSplatValue<float>(), 2.0f);
  auto weight = (*module->getOps<vit::WeightOp>().begin()).clone();
  weight.setSymName("b");
  weight.setMean(APFloat(3.0f));
  module->push_back(weight);
  second.setValueAttr(
      vit::WeightExprAttr::ref(FlatSymbolRefAttr::get(&context, "b"),
                               cast<RankedTensorType>(second.getType())));
  EXPECT_EQ(evaluator.evaluate(second.getResult()).getSplatValue<float>(),
            3.0f);
}

TEST_F(EvaluateTest, TakesOperandsOfOneOp) {
  module = parseSourceString<ModuleOp>(
      "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
      "  %e = tensor.empty() : tensor<2xf32>\n"
      "  %r = linalg.exp ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) -> "
      "tensor<2xf32>\n"
      "  return %r : tensor<2xf32>\n}",
      &context);
  auto exp =
      *module->lookupSymbol<func::FuncOp>("f").getOps<linalg::ExpOp>().begin();
  auto type = cast<RankedTensorType>(exp.getResult(0).getType());
  Evaluator evaluator(*module);
  for (float x : {0.0f, 1.0f}) {
    auto results = evaluator.evaluate(
        exp, {DenseElementsAttr::get(type, ArrayRef<float>{x, 0.0f}), nullptr});
    ASSERT_TRUE(succeeded(results));
    EXPECT_EQ((*results)[0].getValues<float>()[0], float(std::exp(double(x))));
  }
  EXPECT_TRUE(failed(evaluator.evaluate(exp, {nullptr, nullptr})));
}

TEST_F(EvaluateTest, ArgumentsHaveNoValue) {
  EXPECT_FALSE(evaluate("%r = arith.addf %x, %x : tensor<2xf32>", "",
                        Evaluator::kMaxBytes, "%x: tensor<2xf32>"));
}

TEST_F(EvaluateTest, LargeTensorsHaveNoValue) {
  std::string text = "%x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>\n"
                     "%r = arith.addf %x, %x : tensor<2xf32>";
  EXPECT_TRUE(evaluate(text, "", 8));
  EXPECT_FALSE(evaluate(text, "", 7));
  EXPECT_FALSE(evaluate("%x = arith.constant 1.0 : f32\n%r = tensor.splat %x : "
                        "tensor<4294967296x4294967296xf32>"));
}

// 8 bytes a step: 16 steps of the limit and the one that is over it.
TEST_F(EvaluateTest, LargeChainsHaveNoValue) {
  auto chain = [](int steps) {
    std::string text = "%x0 = arith.constant dense<[0, 1]> : tensor<2xi32>\n";
    for (int i = 0; i < steps; ++i)
      text += "%x" + std::to_string(i + 1) + " = arith.addi %x" +
              std::to_string(i) + ", %x0 : tensor<2xi32>\n";
    return text;
  };
  EXPECT_TRUE(evaluate(chain(16), "", 8));
  EXPECT_FALSE(evaluate(chain(17), "", 8));
}

TEST_F(EvaluateTest, MissingFilesHaveNoValueAndNoMessage) {
  int messages = 0;
  ScopedDiagnosticHandler count(&context, [&](Diagnostic &) { ++messages; });
  EXPECT_FALSE(
      evaluate("%r = vit.constant #vit.expr<ref, [@a]> : tensor<4xf32>",
               "vit.weight_file @w path \"/absent/w.bin\" hash \"00\"\n"
               "vit.weight @a : tensor<4xf32> file(@w offset 0)"));
  EXPECT_EQ(messages, 0);
}

TEST_F(EvaluateTest, EmptyTensors) {
  DenseElementsAttr empty =
      evaluate(kMatrix +
               std::string("%r = tensor.extract_slice %m[0, 2] [3, 0] [1, 1] : "
                           "tensor<3x4xi32> to tensor<3x0xi32>"));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty.empty());
}

// Deeper than recursion could go.
TEST_F(EvaluateTest, LongChains) {
  std::string text = "%x0 = arith.constant dense<[0, 1]> : tensor<2xi32>\n"
                     "%one = arith.constant dense<1> : tensor<2xi32>\n";
  for (int i = 0; i < 20000; ++i)
    text += "%x" + std::to_string(i + 1) + " = arith.addi %x" +
            std::to_string(i) + ", %one : tensor<2xi32>\n";
  EXPECT_EQ(values<int32_t>(text), (Integers{20000, 20001}));
}

// Till the visitor has enough; what is given is not remembered.
TEST_F(EvaluateTest, GivenNumbers) {
  EXPECT_FALSE(
      evaluate("%n = arith.constant dense<[[0.0, 1.0]]> : tensor<1x2xf32>\n"
               "%s = tensor.collapse_shape %n [[0, 1]] : tensor<1x2xf32> into "
               "tensor<2xf32>\n"
               "%f = arith.sitofp %p : tensor<2xi64> to tensor<2xf32>\n"
               "%r = arith.addf %f, %s : tensor<2xf32>",
               "", Evaluator::kMaxBytes, "%p: tensor<2xi64>"));
  auto function = *module->getOps<func::FuncOp>().begin();
  Value given = function.getArgument(0);
  Operation *sum = function.getBody().front().getTerminator()->getPrevNode();
  Evaluator evaluator(*module);
  std::vector<double> seen;
  auto visitTill = [&](int64_t last) {
    seen.clear();
    return evaluator.evaluateEach(
        sum->getResult(0), given, {3, 0, 5},
        [&](int64_t number, ArrayRef<double> elements) {
          seen.insert(seen.end(), elements.begin(), elements.end());
          return number != last;
        });
  };
  EXPECT_EQ(visitTill(7), Evaluator::Outcome::AllVisited);
  EXPECT_EQ(seen, (std::vector<double>{3, 4, 0, 1, 5, 6}));
  EXPECT_EQ(visitTill(0), Evaluator::Outcome::Stopped);
  EXPECT_EQ(seen, (std::vector<double>{3, 4, 0, 1}));
  EXPECT_FALSE(evaluator.evaluate(sum->getResult(0)));
}

// Integers are not visited, nor what comes from another argument.
TEST_F(EvaluateTest, GivenNumbersWithoutValue) {
  EXPECT_FALSE(evaluate("%i = arith.addi %p, %p : tensor<1xi64>\n"
                        "%r = arith.sitofp %q : tensor<1xi64> to tensor<1xf32>",
                        "", Evaluator::kMaxBytes,
                        "%p: tensor<1xi64>, %q: tensor<1xi64>"));
  auto function = *module->getOps<func::FuncOp>().begin();
  Evaluator evaluator(*module);
  for (Operation &op : function.getBody().front().without_terminator())
    EXPECT_EQ(evaluator.evaluateEach(op.getResult(0), function.getArgument(0),
                                     {0},
                                     [](int64_t, ArrayRef<double>) {
                                       ADD_FAILURE() << "no value to visit";
                                       return true;
                                     }),
              Evaluator::Outcome::NoValue);
}

// 2^22 elements at each of 2^10 numbers.
TEST_F(EvaluateTest, GivenNumbersThatTakeTooLong) {
  EXPECT_FALSE(evaluate("%f = arith.sitofp %p : tensor<i64> to tensor<f32>\n"
                        "%x = tensor.extract %f[] : tensor<f32>\n"
                        "%r = tensor.splat %x : tensor<4096x1024xf32>",
                        "", Evaluator::kMaxBytes, "%p: tensor<i64>"));
  auto function = *module->getOps<func::FuncOp>().begin();
  Operation *splat = function.getBody().front().getTerminator()->getPrevNode();
  int64_t visits = 0;
  EXPECT_EQ(Evaluator(*module).evaluateEach(
                splat->getResult(0), function.getArgument(0),
                llvm::to_vector(llvm::seq<int64_t>(1024)),
                [&](int64_t, ArrayRef<double>) {
                  ++visits;
                  return true;
                }),
            Evaluator::Outcome::TooLong);
  EXPECT_EQ(visits, 2);
}

// As the copy of an op may have that no verifier has seen.
TEST_F(EvaluateTest, OtherSizesThanTheLoopsHaveNoValue) {
  EXPECT_TRUE(evaluate(
      "%x = arith.constant dense<1.0> : tensor<3x2xf32>\n"
      "%y = arith.constant dense<1.0> : tensor<1x2xf32>\n"
      "%e = tensor.empty() : tensor<1x2xf32>\n"
      "%r = linalg.exp ins(%y : tensor<1x2xf32>) outs(%e : tensor<1x2xf32>) -> "
      "tensor<1x2xf32>"));
  Block &body = (*module->getOps<func::FuncOp>().begin()).getBody().front();
  Operation *exp = body.getTerminator()->getPrevNode();
  exp->setOperand(0, body.front().getResult(0));
  EXPECT_FALSE(Evaluator(*module).evaluate(exp->getResult(0)));
}
