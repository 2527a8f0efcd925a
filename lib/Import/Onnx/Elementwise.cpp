//===- Elementwise.cpp - ONNX's arithmetic --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops of two or more operands that broadcast as numpy's do: Add Sub Mul Div Mod
// Pow BitShift, Max Min Sum Mean, Clip. Where a constant makes an op a simpler
// one, that one is built: x^2 is x * x.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static Value buildBinary(Node &node, const Tensor &lhs, const Tensor &rhs) {
  return node.b.elementwise(
      {lhs.value, rhs.value}, lhs.getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return createByType<FloatOp, SignedOp, UnsignedOp>(b, lhs, args[0],
                                                           args[1]);
      });
}

template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static LogicalResult importBinary(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(inputs))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  node.setOutput(0, buildBinary<FloatOp, SignedOp, UnsignedOp>(node, lhs, rhs),
                 lhs.isUnsigned);
  return success();
}

/// Truncating division that never traps: x / 0 is x, and the least number
/// divided by -1 is itself.
static Value buildIntegerQuotient(ImplicitLocOpBuilder &b, Value lhs, Value rhs,
                                  bool isUnsigned) {
  Type type = lhs.getType();
  Value zero = TensorBuilder::scalar(b, type, 0);
  Value one = TensorBuilder::scalar(b, type, 1);
  Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rhs, zero);
  Value divisor = arith::SelectOp::create(b, isZero, one, rhs);
  if (isUnsigned)
    return arith::DivUIOp::create(b, lhs, divisor);
  Value minusOne = TensorBuilder::scalar(b, type, -1);
  Value isMinusOne =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, divisor, minusOne);
  divisor = arith::SelectOp::create(b, isMinusOne, one, divisor);
  Value quotient = arith::DivSIOp::create(b, lhs, divisor);
  Value negated = arith::SubIOp::create(b, zero, lhs);
  return arith::SelectOp::create(b, isMinusOne, negated, quotient);
}

static LogicalResult importDiv(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(inputs))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  if (lhs.isFloat()) {
    node.setOutput(0,
                   buildBinary<arith::DivFOp, arith::DivSIOp>(node, lhs, rhs));
    return success();
  }
  Value result = node.b.generic({lhs.value, rhs.value}, lhs.getElementType(),
                                [&](ImplicitLocOpBuilder &b, ValueRange args) {
                                  return buildIntegerQuotient(
                                      b, args[0], args[1], lhs.isUnsigned);
                                });
  node.setOutput(0, result, lhs.isUnsigned);
  return success();
}

/// lhs - quotient * rhs, and, unless it is C's fmod, with the sign of rhs.
static Value buildRemainder(ImplicitLocOpBuilder &b, const Tensor &like,
                            Value lhs, Value rhs, bool signOfDividend) {
  Value remainder;
  if (like.isFloat()) {
    remainder = arith::RemFOp::create(b, lhs, rhs);
  } else {
    Value quotient = buildIntegerQuotient(b, lhs, rhs, like.isUnsigned);
    remainder =
        arith::SubIOp::create(b, lhs, arith::MulIOp::create(b, quotient, rhs));
  }
  if (signOfDividend || like.isUnsigned)
    return remainder;
  Value zero = TensorBuilder::scalar(b, lhs.getType(), 0);
  auto isNegative = [&](Value value) -> Value {
    if (like.isFloat())
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, zero);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, zero);
  };
  Value isZero = like.isFloat()
                     ? Value(arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                   remainder, zero))
                     : Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                   remainder, zero));
  Value differs =
      arith::XOrIOp::create(b, isNegative(remainder), isNegative(rhs));
  Value moved = createByType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(
      b, like, remainder, rhs);
  Value signedRemainder = arith::SelectOp::create(b, differs, moved, remainder);
  return arith::SelectOp::create(b, isZero, remainder, signedRemainder);
}

static LogicalResult importMod(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(inputs))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  bool fmod = node.getInt("fmod", 0) != 0;
  Value result =
      node.b.generic({lhs.value, rhs.value}, lhs.getElementType(),
                     [&](ImplicitLocOpBuilder &b, ValueRange args) {
                       return buildRemainder(b, lhs, args[0], args[1], fmod);
                     });
  node.setOutput(0, result, lhs.isUnsigned);
  return success();
}

/// By a negative amount, or one of the type's width and more, all bits leave.
static Value buildShift(ImplicitLocOpBuilder &b, Value x, Value amount,
                        bool left, bool isUnsigned) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value last = TensorBuilder::scalar(b, x.getType(), width - 1);
  Value allLeave =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, amount, last);
  Value bounded = arith::SelectOp::create(b, allLeave, last, amount);
  if (!left && !isUnsigned)
    return arith::ShRSIOp::create(b, x, bounded);
  Value shifted = left ? Value(arith::ShLIOp::create(b, x, bounded))
                       : Value(arith::ShRUIOp::create(b, x, bounded));
  Value zero = TensorBuilder::scalar(b, x.getType(), 0);
  return arith::SelectOp::create(b, allLeave, zero, shifted);
}

static LogicalResult importBitShift(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  FailureOr<std::string> direction = node.getRequiredString("direction");
  if (failed(inputs) || failed(direction))
    return failure();
  Tensor lhs = (*inputs)[0], rhs = (*inputs)[1];
  if (lhs.isFloat())
    return node.emitError() << "input 0 has elements of type "
                            << lhs.getElementType() << "; integers are needed";
  if (*direction != "LEFT" && *direction != "RIGHT")
    return node.emitError()
           << "direction is '" << *direction << "'; LEFT or RIGHT is needed";
  bool left = *direction == "LEFT";
  Value result = node.b.generic({lhs.value, rhs.value}, lhs.getElementType(),
                                [&](ImplicitLocOpBuilder &b, ValueRange args) {
                                  return buildShift(b, args[0], args[1], left,
                                                    lhs.isUnsigned);
                                });
  node.setOutput(0, result, lhs.isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Pow
//===----------------------------------------------------------------------===//

/// The one number that a constant input holds and that broadcasting does not
/// spread to a larger shape than input 0's.
static std::optional<double> getUniformExponent(Node &node) {
  if (!node.isConstant(1))
    return std::nullopt;
  FailureOr<Shape> shape = node.getBroadcastShape(2);
  if (failed(shape) || *shape != node.getShape(0))
    return std::nullopt;
  FailureOr<DenseElementsAttr> value = node.getConstant(1);
  if (failed(value) || value->empty() ||
      (!value->isSplat() && value->getNumElements() != 1))
    return std::nullopt;
  if (isa<FloatType>(value->getElementType()))
    return (*value->getValues<APFloat>().begin()).convertToDouble();
  return static_cast<double>(node.getIntsOf(1)->front());
}

/// x^2, x^3, x^1/2, x^-1 ... without a power; null for other exponents. As in
/// PyTorch x^1/2 is the square root, which of -inf is NaN and of -0 is -0.
static Value buildSimplePower(Node &node, const Tensor &base, double exponent) {
  TensorBuilder &b = node.b;
  Type type = base.getElementType();
  auto product = [&](Value lhs, Value rhs) {
    return buildBinary<arith::MulFOp, arith::MulIOp>(node, Tensor{lhs},
                                                     Tensor{rhs});
  };
  if (exponent == 1)
    return base.value;
  if (exponent == 2)
    return product(base.value, base.value);
  if (exponent == 3)
    return product(product(base.value, base.value), base.value);
  if (!base.isFloat())
    return Value();
  if (exponent == 0.5)
    return b.elementwise(base.value, type,
                         [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                           return math::SqrtOp::create(b, args[0]);
                         });
  if (exponent == -1)
    return b.generic(base.value, type,
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::DivFOp::create(
                           b, TensorBuilder::scalar(b, type, 1), args[0]);
                     });
  return Value();
}

static LogicalResult importPow(Node &node) {
  Tensor base = node.input(0), exponent = node.input(1);
  if (failed(node.getBroadcastShape(2)))
    return failure();
  Type type = base.getElementType();
  if (std::optional<double> uniform = getUniformExponent(node))
    if (Value simple = buildSimplePower(node, base, *uniform)) {
      node.setOutput(0, simple, base.isUnsigned);
      return success();
    }

  // Powers of integers are exact in f64 up to 2^53.
  TensorBuilder &b = node.b;
  Type computed = base.isFloat() ? type : b.getF64Type();
  Value lhs = b.castTo(base.value, computed, base.isUnsigned);
  Value rhs = b.castTo(exponent.value, computed, exponent.isUnsigned);
  Value power =
      b.elementwise({lhs, rhs}, computed,
                    [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                      return math::PowFOp::create(b, args[0], args[1]);
                    });
  node.setOutput(0, b.castTo(power, type, false, base.isUnsigned),
                 base.isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Any number of operands
//===----------------------------------------------------------------------===//

template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static FailureOr<Tensor> accumulate(Node &node) {
  FailureOr<SmallVector<Tensor>> inputs = getVariadicInputs(node);
  if (failed(inputs))
    return failure();
  Tensor result = inputs->front();
  for (const Tensor &input : llvm::drop_begin(*inputs))
    result.value =
        buildBinary<FloatOp, SignedOp, UnsignedOp>(node, result, input);
  return result;
}

template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static LogicalResult importVariadic(Node &node) {
  FailureOr<Tensor> result = accumulate<FloatOp, SignedOp, UnsignedOp>(node);
  if (failed(result))
    return failure();
  node.setOutput(0, result->value, result->isUnsigned);
  return success();
}

static LogicalResult importMean(Node &node) {
  FailureOr<Tensor> sum = accumulate<arith::AddFOp, arith::AddIOp>(node);
  if (failed(sum) || failed(getFloatInput(node, 0)))
    return failure();
  Type type = sum->getElementType();
  Value mean = node.b.generic(
      sum->value, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::DivFOp::create(
            b, args[0], TensorBuilder::scalar(b, type, node.getNumInputs()));
      });
  node.setOutput(0, mean);
  return success();
}

/// min(max(x, input 1), input 2); either bound may be absent.
static LogicalResult importClip(Node &node) {
  Tensor input = node.input(0);
  Value result = input.value;
  for (unsigned bound : {1, 2}) {
    if (!node.hasInput(bound))
      continue;
    if (failed(verifyTypeOfFirst(node, bound)))
      return failure();
    if (node.getShape(bound).size() > 0 &&
        failed(verifyShape(node, bound, {Size(1)})))
      return failure();
    Tensor limit{node.b.reshape(node.input(bound).value, {})};
    Tensor value{result, input.isUnsigned};
    result =
        bound == 1
            ? buildBinary<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
                  node, value, limit)
            : buildBinary<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
                  node, value, limit);
  }
  node.setOutput(0, result, input.isUnsigned);
  return success();
}

void vitc::onnx::registerElementwiseOps(OpRegistry &registry) {
  registry.add("Add", importBinary<arith::AddFOp, arith::AddIOp>, 2);
  registry.add("Sub", importBinary<arith::SubFOp, arith::SubIOp>, 2);
  registry.add("Mul", importBinary<arith::MulFOp, arith::MulIOp>, 2);
  registry.add("Div", importDiv, 2);
  registry.add("Mod", importMod, 2);
  registry.add("Pow", importPow, 2);
  registry.add("BitShift", importBitShift, 2);
  registry.add("Sum", importVariadic<arith::AddFOp, arith::AddIOp>);
  registry.add("Mean", importMean);
  registry.add(
      "Max", importVariadic<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>);
  registry.add(
      "Min", importVariadic<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>);
  // Before, the bounds were attributes.
  registry.add("Clip", importClip, 1, /*since=*/11);
}
