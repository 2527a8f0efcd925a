//===- DoubleMath.cpp - Math functions of f32 by way of f64 ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Powers, trigonometric and hyperbolic functions would lose most bits of an f32
// to cancellation, and are rare in models. They are computed in f64, from four
// polynomials with relative errors below 1e-9, and rounded once.
//
//===----------------------------------------------------------------------===//

#include "MathApproximation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

static constexpr double kPi = 3.14159265358979323846;
static constexpr double kLn2 = 0.69314718055994530942;
static constexpr double kLog2E = 1.44269504088896340736;
static constexpr double kLog10Of2 = 0.30102999566398119521;
/// Adding it to an integer puts that into the low bits of the mantissa.
static constexpr double kRounder = 6755399441055744.0; // 1.5 * 2^52
/// Below it, odd functions of slope 1 are their argument.
static constexpr double kTiny = 1e-4;

namespace {
/// f64 arithmetic on a scalar or a vector.
class DoubleBuilder : public ImplicitLocOpBuilder {
public:
  DoubleBuilder(Location loc, OpBuilder &builder, Type like)
      : ImplicitLocOpBuilder(loc, builder), like(like) {}

  Value widen(Value f32) {
    return arith::ExtFOp::create(*this, type(getF64Type()), f32);
  }
  Value narrow(Value f64) {
    return arith::TruncFOp::create(*this, type(getF32Type()), f64);
  }

  Value exp2(Value x);
  Value exp(Value x) { return exp2(mul(x, kLog2E)); }
  Value log2(Value x);
  Value log(Value x) { return mul(log2(x), kLn2); }
  Value pow(Value x, Value y);
  /// sin(x + quadrant * pi / 2).
  Value sin(Value x, int64_t quadrant);
  Value atan(Value x);
  Value asin(Value x);
  Value sinh(Value x);
  Value cosh(Value x);
  Value tanh(Value x);
  Value asinh(Value x);
  Value acosh(Value x);
  Value atanh(Value x);
  Value cbrt(Value x);

  Value add(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
  Value add(Value a, double b) { return add(a, number(b)); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value mul(Value a, double b) { return mul(a, number(b)); }
  Value div(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
  Value number(double value) { return constant(getF64FloatAttr(value)); }

private:
  Type type(Type element) {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? vector.clone(element) : element;
  }
  Value constant(TypedAttr value) {
    Type shaped = type(value.getType());
    if (auto vector = dyn_cast<VectorType>(shaped))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(*this, value);
  }
  Value bits(int64_t value) { return constant(getI64IntegerAttr(value)); }
  Value toBits(Value x) {
    return arith::BitcastOp::create(*this, type(getI64Type()), x);
  }
  Value toDouble(Value x) {
    return arith::BitcastOp::create(*this, type(getF64Type()), x);
  }
  Value mask(Value x, int64_t value) {
    return arith::AndIOp::create(*this, x, bits(value));
  }
  Value abs(Value x) { return math::AbsFOp::create(*this, x); }
  Value sqrt(Value x) { return math::SqrtOp::create(*this, x); }
  Value fma(Value a, Value b, Value c) {
    return math::FmaOp::create(*this, a, b, c);
  }
  Value copySign(Value x, Value sign) {
    return math::CopySignOp::create(*this, x, sign);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, double b) {
    return arith::CmpFOp::create(*this, predicate, a, number(b));
  }
  Value isNaN(Value x) {
    return arith::CmpFOp::create(*this, arith::CmpFPredicate::UNO, x, x);
  }
  Value select(Value condition, Value then, Value otherwise) {
    return arith::SelectOp::create(*this, condition, then, otherwise);
  }
  Value isOdd(Value integer) {
    Value low = mask(toBits(add(integer, kRounder)), 1);
    return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, low, bits(0));
  }
  /// x where it is tiny, so that no cancellation shows.
  Value unlessTiny(Value x, Value result) {
    Value tiny = compare(arith::CmpFPredicate::OLT, abs(x), kTiny);
    return select(tiny, x, result);
  }
  /// sum of coefficients[i] * x^i.
  Value polynomial(ArrayRef<double> coefficients, Value x) {
    Value sum = number(coefficients.back());
    for (double coefficient : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, number(coefficient));
    return sum;
  }

  Type like;
};
} // namespace

using arith::CmpFPredicate;

Value DoubleBuilder::exp2(Value x) {
  // 2^±1000 is infinity and 0 in f32.
  Value bounded = arith::MaximumFOp::create(
      *this, arith::MinimumFOp::create(*this, x, number(1000)), number(-1000));
  Value whole = math::RoundEvenOp::create(*this, bounded);
  Value rest = mul(sub(bounded, whole), kLn2);
  static constexpr double kTaylor[] = {
      1.0,       1.0,       1.0 / 2,    1.0 / 6,     1.0 / 24,
      1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880};
  Value fraction = polynomial(kTaylor, rest);
  Value exponent =
      arith::ShLIOp::create(*this, toBits(add(whole, kRounder)), bits(52));
  Value result =
      toDouble(arith::AddIOp::create(*this, toBits(fraction), exponent));
  return select(isNaN(x), x, result);
}

Value DoubleBuilder::log2(Value x) {
  // x = 2^exponent * mantissa, the mantissa in [1, 2), then around 1.
  Value asBits = toBits(x);
  Value biased = arith::ShRUIOp::create(*this, asBits, bits(52));
  Value exponent = sub(
      toDouble(arith::OrIOp::create(*this, biased, bits(0x4330000000000000))),
      number(4503599627370496.0 + 1023)); // 2^52, whose last bit is worth 1
  Value mantissa = toDouble(arith::OrIOp::create(
      *this, mask(asBits, 0x000FFFFFFFFFFFFF), bits(0x3FF0000000000000)));
  Value isLarge = compare(CmpFPredicate::OGT, mantissa, 1.4142135623730951);
  mantissa = select(isLarge, mul(mantissa, 0.5), mantissa);
  exponent = select(isLarge, add(exponent, 1.0), exponent);
  // log m = 2 artanh((m - 1) / (m + 1)).
  Value ratio = div(add(mantissa, -1.0), add(mantissa, 1.0));
  static constexpr double kSeries[] = {1.0,     1.0 / 3,  1.0 / 5,  1.0 / 7,
                                       1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15};
  Value series = polynomial(kSeries, mul(ratio, ratio));
  Value result = fma(mul(ratio, 2 * kLog2E), series, exponent);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  result =
      select(compare(CmpFPredicate::OEQ, x, 0), number(-kInfinity), result);
  // Of what is not in (0, inf), infinity stays; all else is no number.
  Value isPositive = compare(CmpFPredicate::OGE, x, 0);
  result = select(isPositive, result,
                  number(std::numeric_limits<double>::quiet_NaN()));
  return select(compare(CmpFPredicate::OEQ, x, kInfinity), x, result);
}

Value DoubleBuilder::pow(Value x, Value y) {
  Value magnitude = abs(x);
  Value result = exp2(mul(y, log2(magnitude)));
  Value isWhole = arith::CmpFOp::create(*this, CmpFPredicate::OEQ, y,
                                        math::FloorOp::create(*this, y));
  // A negative base has powers where y is an integer, negative ones where odd.
  // Beyond 2^51 there is no odd f32.
  Value isSmall = compare(CmpFPredicate::OLT, abs(y), 2251799813685248.0);
  Value flips = arith::AndIOp::create(
      *this, arith::AndIOp::create(*this, isWhole, isSmall), isOdd(y));
  result = select(flips, copySign(result, x), result);
  Value isNegative = arith::AndIOp::create(
      *this, compare(CmpFPredicate::OLT, x, 0),
      compare(CmpFPredicate::OGT, x, -std::numeric_limits<double>::infinity()));
  Value nan = number(std::numeric_limits<double>::quiet_NaN());
  result = select(isNegative, select(isWhole, result, nan), result);
  // 1 to whatever power, and whatever to the power of 0, is 1.
  result = select(compare(CmpFPredicate::OEQ, x, 1), number(1), result);
  Value isMinusOne =
      arith::AndIOp::create(*this, compare(CmpFPredicate::OEQ, x, -1),
                            compare(CmpFPredicate::OEQ, abs(y),
                                    std::numeric_limits<double>::infinity()));
  result = select(isMinusOne, number(1), result);
  return select(compare(CmpFPredicate::OEQ, y, 0), number(1), result);
}

Value DoubleBuilder::sin(Value x, int64_t quadrant) {
  Value whole = math::RoundEvenOp::create(*this, mul(x, 2 / kPi));
  // pi / 2 in two parts.
  Value rest = fma(whole, number(-kPi / 2), x);
  rest = fma(whole, number(-6.123233995736766e-17), rest);
  Value square = mul(rest, rest);
  static constexpr double kSine[] = {
      1.0,          -1.0 / 6,        1.0 / 120,       -1.0 / 5040,
      1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800};
  static constexpr double kCosine[] = {
      1.0,         -1.0 / 2,       1.0 / 24,       -1.0 / 720,
      1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};
  Value sine = mul(rest, polynomial(kSine, square));
  Value cosine = polynomial(kCosine, square);
  Value turns = arith::AddIOp::create(*this, toBits(add(whole, kRounder)),
                                      bits(quadrant));
  auto hasBit = [&](int64_t bit) -> Value {
    return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne,
                                 mask(turns, bit), bits(0));
  };
  Value result = select(hasBit(1), cosine, sine);
  return select(hasBit(2), arith::NegFOp::create(*this, result), result);
}

Value DoubleBuilder::atan(Value x) {
  // atan a = pi/2 - atan 1/a; atan a = pi/4 + atan((a - 1) / (a + 1)).
  Value magnitude = abs(x);
  Value isLarge = compare(CmpFPredicate::OGT, magnitude, 1);
  Value small = select(isLarge, div(number(1), magnitude), magnitude);
  Value isMiddle = compare(CmpFPredicate::OGT, small, 0.41421356237309503);
  Value ratio = select(isMiddle, div(add(small, -1.0), add(small, 1.0)), small);
  static constexpr double kSeries[] = {
      1.0,      -1.0 / 3,  1.0 / 5,  -1.0 / 7,  1.0 / 9,  -1.0 / 11,
      1.0 / 13, -1.0 / 15, 1.0 / 17, -1.0 / 19, 1.0 / 21, -1.0 / 23};
  Value result = mul(ratio, polynomial(kSeries, mul(ratio, ratio)));
  result = select(isMiddle, add(result, kPi / 4), result);
  result = select(isLarge, sub(number(kPi / 2), result), result);
  return copySign(result, x);
}

Value DoubleBuilder::asin(Value x) {
  Value rest = fma(arith::NegFOp::create(*this, x), x, number(1));
  return atan(div(x, sqrt(rest)));
}

Value DoubleBuilder::sinh(Value x) {
  Value power = exp(x);
  return unlessTiny(x, mul(sub(power, div(number(1), power)), 0.5));
}

Value DoubleBuilder::cosh(Value x) {
  Value power = exp(x);
  return mul(add(power, div(number(1), power)), 0.5);
}

Value DoubleBuilder::tanh(Value x) {
  Value power = exp(mul(abs(x), -2.0));
  Value result = div(sub(number(1), power), add(power, 1.0));
  return unlessTiny(x, copySign(result, x));
}

Value DoubleBuilder::asinh(Value x) {
  Value magnitude = abs(x);
  Value root = sqrt(fma(x, x, number(1)));
  return unlessTiny(x, copySign(log(add(magnitude, root)), x));
}

Value DoubleBuilder::acosh(Value x) {
  return log(add(x, sqrt(fma(x, x, number(-1)))));
}

Value DoubleBuilder::atanh(Value x) {
  Value ratio = div(add(x, 1.0), sub(number(1), x));
  return unlessTiny(x, mul(log(ratio), 0.5));
}

Value DoubleBuilder::cbrt(Value x) {
  return copySign(exp2(mul(log2(abs(x)), 1.0 / 3)), x);
}

namespace {
/// Computes an f32 op in f64.
template <typename OpTy> struct WidenMathOp : OpRewritePattern<OpTy> {
  using Emit = Value (*)(DoubleBuilder &, ValueRange);
  WidenMathOp(MLIRContext *context, Emit emit)
      : OpRewritePattern<OpTy>(context, /*benefit=*/10), emit(emit) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not on f32");
    DoubleBuilder b(op.getLoc(), rewriter, op.getType());
    SmallVector<Value> operands = llvm::map_to_vector(
        op->getOperands(), [&](Value operand) { return b.widen(operand); });
    rewriter.replaceOp(op, b.narrow(emit(b, operands)));
    return success();
  }

  Emit emit;
};
} // namespace

void vitc::kernel::populateDoubleMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  using B = DoubleBuilder;
  using X = ValueRange;
  auto add = [&](auto op, auto emit) {
    patterns.add<WidenMathOp<decltype(op)>>(context, emit);
  };
  add(math::Exp2Op(), [](B &b, X x) { return b.exp2(x[0]); });
  add(math::PowFOp(), [](B &b, X x) { return b.pow(x[0], x[1]); });
  add(math::Log10Op(),
      [](B &b, X x) { return b.mul(b.log2(x[0]), kLog10Of2); });
  add(math::CbrtOp(), [](B &b, X x) { return b.cbrt(x[0]); });
  add(math::SinOp(), [](B &b, X x) { return b.sin(x[0], 0); });
  add(math::CosOp(), [](B &b, X x) { return b.sin(x[0], 1); });
  add(math::TanOp(),
      [](B &b, X x) { return b.div(b.sin(x[0], 0), b.sin(x[0], 1)); });
  add(math::AsinOp(), [](B &b, X x) { return b.asin(x[0]); });
  add(math::AcosOp(),
      [](B &b, X x) { return b.sub(b.number(kPi / 2), b.asin(x[0])); });
  add(math::AtanOp(), [](B &b, X x) { return b.atan(x[0]); });
  add(math::SinhOp(), [](B &b, X x) { return b.sinh(x[0]); });
  add(math::CoshOp(), [](B &b, X x) { return b.cosh(x[0]); });
  add(math::TanhOp(), [](B &b, X x) { return b.tanh(x[0]); });
  add(math::AsinhOp(), [](B &b, X x) { return b.asinh(x[0]); });
  add(math::AcoshOp(), [](B &b, X x) { return b.acosh(x[0]); });
  add(math::AtanhOp(), [](B &b, X x) { return b.atanh(x[0]); });
}
