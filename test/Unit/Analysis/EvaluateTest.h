//===- EvaluateTest.h - Values of functions without arguments --*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_ANALYSIS_EVALUATETEST_H
#define VITC_TEST_UNIT_ANALYSIS_EVALUATETEST_H

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "vitc/Analysis/Evaluate.h"

#include <gtest/gtest.h>

#include <vector>

namespace vitc {

class EvaluateTest : public testing::Test {
protected:
  EvaluateTest() {
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                        mlir::tensor::TensorDialect, vit::VitDialect>();
  }

  /// The value of the last op of `body`.
  mlir::DenseElementsAttr evaluate(const std::string &body,
                                   const std::string &weights = "",
                                   int64_t maxBytes = Evaluator::kMaxBytes,
                                   const std::string &arguments = "") {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        weights + "\nfunc.func @f(" + arguments + ") {\n" + body +
            "\n  return\n}",
        &context);
    if (!module) {
      ADD_FAILURE() << "the test's function is no MLIR";
      return nullptr;
    }
    mlir::Operation *last = (*module->getOps<mlir::func::FuncOp>().begin())
                                .getBody()
                                .front()
                                .getTerminator()
                                ->getPrevNode();
    return Evaluator(*module, maxBytes).evaluate(last->getResult(0));
  }

  template <typename T = float>
  std::vector<T> values(const std::string &body,
                        const std::string &weights = "") {
    mlir::DenseElementsAttr attr = evaluate(body, weights);
    if (!attr) {
      ADD_FAILURE() << "no value for" << body;
      return {};
    }
    auto range = attr.getValues<T>();
    return std::vector<T>(range.begin(), range.end());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace vitc

#endif // VITC_TEST_UNIT_ANALYSIS_EVALUATETEST_H
