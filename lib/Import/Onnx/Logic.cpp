//===- Logic.cpp - ONNX's comparisons and logic ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bool is i1. Comparisons with NaN are false.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace vitc::onnx;

template <arith::CmpFPredicate floats, arith::CmpIPredicate signedInts,
          arith::CmpIPredicate unsignedInts>
static LogicalResult importCompare(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(inputs))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  bool isUnsigned = lhs.isUnsigned || lhs.getElementType().isInteger(1);
  Value result = node.b.elementwise(
      {lhs.value, rhs.value}, node.b.getI1Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        if (lhs.isFloat())
          return arith::CmpFOp::create(b, floats, args[0], args[1]);
        return arith::CmpIOp::create(b, isUnsigned ? unsignedInts : signedInts,
                                     args[0], args[1]);
      });
  node.setOutput(0, result);
  return success();
}

template <typename Op, bool onBool>
static LogicalResult importBitwise(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(inputs))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  if (lhs.isFloat() || lhs.getElementType().isInteger(1) != onBool)
    return node.emitError()
           << "input 0 has elements of type " << lhs.getElementType() << "; "
           << (onBool ? "bools are" : "integers are") << " needed";
  node.setOutput(
      0,
      node.b.elementwise({lhs.value, rhs.value}, lhs.getElementType(),
                         [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                           return Op::create(b, args[0], args[1]);
                         }),
      lhs.isUnsigned);
  return success();
}

/// Not of bools, BitwiseNot of integers.
static LogicalResult importNot(Node &node) {
  Tensor input = node.input(0);
  Type type = input.getElementType();
  if (input.isFloat())
    return node.emitError() << "input 0 has elements of type " << type
                            << "; bools or integers are needed";
  node.setOutput(
      0,
      node.b.generic(
          input.value, type,
          [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
            Value ones = arith::ConstantOp::create(
                b, b.getIntegerAttr(
                       type, APInt::getAllOnes(type.getIntOrFloatBitWidth())));
            return arith::XOrIOp::create(b, args[0], ones);
          }),
      input.isUnsigned);
  return success();
}

static LogicalResult importWhere(Node &node) {
  Tensor condition = node.input(0), yes = node.input(1), no = node.input(2);
  if (!condition.getElementType().isInteger(1))
    return node.emitError()
           << "the condition has elements of type "
           << condition.getElementType() << "; bools are needed";
  if (yes.getElementType() != no.getElementType() ||
      yes.isUnsigned != no.isUnsigned)
    return node.emitError()
           << "the values have elements of type " << yes.getElementType()
           << " and " << no.getElementType() << "; one type is needed";
  if (failed(node.getBroadcastShape(3)))
    return failure();
  node.setOutput(
      0,
      node.b.elementwise(
          {condition.value, yes.value, no.value}, yes.getElementType(),
          [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
            return arith::SelectOp::create(b, args[0], args[1], args[2]);
          }),
      yes.isUnsigned);
  return success();
}

static LogicalResult importIsNaN(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  node.setOutput(0, node.b.elementwise(
                        input->value, node.b.getI1Type(),
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return arith::CmpFOp::create(
                              b, arith::CmpFPredicate::UNO, args[0], args[0]);
                        }));
  return success();
}

static LogicalResult importIsInf(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  bool negative = node.getInt("detect_negative", 1) != 0;
  bool positive = node.getInt("detect_positive", 1) != 0;
  Type type = input->getElementType();
  Value result = node.b.generic(
      input->value, node.b.getI1Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        double infinity = std::numeric_limits<double>::infinity();
        auto equals = [&](Value x, double number) -> Value {
          return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x,
                                       TensorBuilder::scalar(b, type, number));
        };
        if (negative && positive)
          return equals(math::AbsFOp::create(b, args[0]), infinity);
        if (negative || positive)
          return equals(args[0], negative ? -infinity : infinity);
        return TensorBuilder::scalar(b, b.getI1Type(), 0);
      });
  node.setOutput(0, result);
  return success();
}

void vitc::onnx::registerLogicalOps(OpRegistry &registry) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  registry.add("Equal", importCompare<F::OEQ, I::eq, I::eq>, 2);
  registry.add("Greater", importCompare<F::OGT, I::sgt, I::ugt>, 2);
  registry.add("Less", importCompare<F::OLT, I::slt, I::ult>, 2);
  registry.add("GreaterOrEqual", importCompare<F::OGE, I::sge, I::uge>, 2);
  registry.add("LessOrEqual", importCompare<F::OLE, I::sle, I::ule>, 2);
  registry.add("And", importBitwise<arith::AndIOp, true>, 2);
  registry.add("Or", importBitwise<arith::OrIOp, true>, 2);
  registry.add("Xor", importBitwise<arith::XOrIOp, true>, 2);
  registry.add("BitwiseAnd", importBitwise<arith::AndIOp, false>, 2);
  registry.add("BitwiseOr", importBitwise<arith::OrIOp, false>, 2);
  registry.add("BitwiseXor", importBitwise<arith::XOrIOp, false>, 2);
  registry.add("Not", importNot);
  registry.add("BitwiseNot", importNot);
  registry.add("Where", importWhere, 3);
  registry.add("IsNaN", importIsNaN);
  registry.add("IsInf", importIsInf);
}
