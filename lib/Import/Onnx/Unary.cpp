//===- Unary.cpp - ONNX's functions of one number -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One arith or math op each, on whole tensors.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc::onnx;

template <typename Op> static LogicalResult importFloatFunction(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  node.setOutput(0, node.b.elementwise(
                        input->value, input->getElementType(),
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return Op::create(b, args[0]);
                        }));
  return success();
}

/// 0 - x for integers, which wrap.
static LogicalResult importNeg(Node &node) {
  Tensor input = node.input(0);
  if (input.isFloat())
    return importFloatFunction<arith::NegFOp>(node);
  Type type = input.getElementType();
  node.setOutput(
      0,
      node.b.generic(input.value, type,
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::SubIOp::create(
                           b, TensorBuilder::scalar(b, type, 0), args[0]);
                     }),
      input.isUnsigned);
  return success();
}

static LogicalResult importAbs(Node &node) {
  Tensor input = node.input(0);
  if (input.isFloat())
    return importFloatFunction<math::AbsFOp>(node);
  if (input.isUnsigned) {
    node.setOutput(0, input.value, /*isUnsigned=*/true);
    return success();
  }
  node.setOutput(0, node.b.elementwise(
                        input.value, input.getElementType(),
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return math::AbsIOp::create(b, args[0]);
                        }));
  return success();
}

static LogicalResult importReciprocal(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  Type type = input->getElementType();
  node.setOutput(
      0, node.b.generic(input->value, type,
                        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return arith::DivFOp::create(
                              b, TensorBuilder::scalar(b, type, 1), args[0]);
                        }));
  return success();
}

/// -1, 0 or 1; NaN stays.
static Value buildSign(ImplicitLocOpBuilder &b, const Tensor &like, Value x) {
  Type type = x.getType();
  Value zero = TensorBuilder::scalar(b, type, 0);
  auto select = [&](arith::CmpFPredicate floatIs, arith::CmpIPredicate intIs,
                    double sign, Value otherwise) -> Value {
    Value holds = like.isFloat()
                      ? Value(arith::CmpFOp::create(b, floatIs, x, zero))
                      : Value(arith::CmpIOp::create(b, intIs, x, zero));
    return arith::SelectOp::create(
        b, holds, TensorBuilder::scalar(b, type, sign), otherwise);
  };
  Value positive = select(arith::CmpFPredicate::OGT,
                          like.isUnsigned ? arith::CmpIPredicate::ugt
                                          : arith::CmpIPredicate::sgt,
                          1, x);
  if (like.isUnsigned)
    return positive;
  return select(arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, -1,
                positive);
}

static LogicalResult importSign(Node &node) {
  Tensor input = node.input(0);
  node.setOutput(0,
                 node.b.generic(input.value, input.getElementType(),
                                [&](ImplicitLocOpBuilder &b, ValueRange args) {
                                  return buildSign(b, input, args[0]);
                                }),
                 input.isUnsigned);
  return success();
}

void vitc::onnx::registerUnaryOps(OpRegistry &registry) {
  registry.add("Neg", importNeg);
  registry.add("Abs", importAbs);
  registry.add("Sign", importSign);
  registry.add("Reciprocal", importReciprocal);
  registry.add("Sqrt", importFloatFunction<math::SqrtOp>);
  registry.add("Exp", importFloatFunction<math::ExpOp>);
  registry.add("Log", importFloatFunction<math::LogOp>);
  registry.add("Erf", importFloatFunction<math::ErfOp>);
  registry.add("Floor", importFloatFunction<math::FloorOp>);
  registry.add("Ceil", importFloatFunction<math::CeilOp>);
  registry.add("Round", importFloatFunction<math::RoundEvenOp>);
  registry.add("Sin", importFloatFunction<math::SinOp>);
  registry.add("Cos", importFloatFunction<math::CosOp>);
  registry.add("Tan", importFloatFunction<math::TanOp>);
  registry.add("Asin", importFloatFunction<math::AsinOp>);
  registry.add("Acos", importFloatFunction<math::AcosOp>);
  registry.add("Atan", importFloatFunction<math::AtanOp>);
  registry.add("Sinh", importFloatFunction<math::SinhOp>);
  registry.add("Cosh", importFloatFunction<math::CoshOp>);
  registry.add("Tanh", importFloatFunction<math::TanhOp>);
  registry.add("Asinh", importFloatFunction<math::AsinhOp>);
  registry.add("Acosh", importFloatFunction<math::AcoshOp>);
  registry.add("Atanh", importFloatFunction<math::AtanhOp>);
}
