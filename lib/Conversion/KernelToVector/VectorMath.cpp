//===- VectorMath.cpp - Arithmetic on scalars and vectors -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

Value VectorBuilder::scalar(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value VectorBuilder::splat(double value, int64_t width) {
  return arith::ConstantOp::create(
      *this,
      DenseElementsAttr::get(vectorType(width), llvm::ArrayRef<float>(value)));
}

Value VectorBuilder::broadcast(Value scalar, int64_t width) {
  return vector::BroadcastOp::create(*this, vectorType(width), scalar);
}

Value VectorBuilder::constantLike(double value, Value like) {
  auto type = dyn_cast<VectorType>(like.getType());
  return type ? splat(value, type.getDimSize(0)) : scalar(value);
}

Value VectorBuilder::extend(Value value) {
  Type type = getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  return type == value.getType() ? value
                                 : arith::ExtFOp::create(*this, type, value);
}

Value VectorBuilder::addf(Value a, Value b) {
  return arith::AddFOp::create(*this, a, b);
}
Value VectorBuilder::subf(Value a, Value b) {
  return arith::SubFOp::create(*this, a, b);
}
Value VectorBuilder::mulf(Value a, Value b) {
  return arith::MulFOp::create(*this, a, b);
}
Value VectorBuilder::divf(Value a, Value b) {
  return arith::DivFOp::create(*this, a, b);
}

Value VectorBuilder::fma(Value a, Value b, Value c) {
  // Without the instruction, math.fma would become a call of libm's fmaf.
  if (!cpu.getFma())
    return addf(mulf(a, b), c);
  return math::FmaOp::create(*this, a, b, c);
}

Value VectorBuilder::maxf(Value a, Value b) {
  Value greater = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(*this, greater, a, b);
}

Value VectorBuilder::minf(Value a, Value b) {
  Value less = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b);
  return arith::SelectOp::create(*this, less, a, b);
}

Value VectorBuilder::polynomial(ArrayRef<double> coefficients, Value x) {
  Value sum = constantLike(coefficients.back(), x);
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, constantLike(coefficient, x));
  return sum;
}

// Minimax fit of 2^f for |f| <= 1/2.
static constexpr double kExp2[] = {1.0000000716581836,   0.6931469670557862,
                                   0.24022119706408185,  0.05550713279683816,
                                   0.009675542281615157, 0.001327647267446698};

Value VectorBuilder::exp2(Value x) {
  // In this order NaN stays.
  return boundedExp2(maxf(constantLike(-127.0, x), x));
}

Value VectorBuilder::boundedExp2(Value x) {
  // Adding 1.5 * 2^23 rounds to an integer n in the low bits of the mantissa;
  // the exponent's bias of 127 is added along, so that a shift gives 2^n. It is
  // 0 for n = -127.
  constexpr double kRound = 12582912.0 + 127.0;
  constexpr unsigned kMantissaBits = 23;
  Value round = constantLike(kRound, x);
  Value shifted = addf(x, round);
  Value fraction = subf(x, subf(shifted, round));

  Type integer = getI32Type();
  if (auto type = dyn_cast<VectorType>(x.getType()))
    integer = type.clone(integer);
  Value bits = arith::BitcastOp::create(*this, integer, shifted);
  Value shift = arith::ConstantOp::create(
      *this, getIntegerAttr(getI32Type(), kMantissaBits));
  if (isa<VectorType>(integer))
    shift = vector::BroadcastOp::create(*this, integer, shift);
  bits = arith::ShLIOp::create(*this, bits, shift);
  Value power = arith::BitcastOp::create(*this, x.getType(), bits);
  return mulf(polynomial(kExp2, fraction), power);
}

// Minimax fit of log2(Phi(-a)) for 0 <= a <= 9, Phi the normal distribution.
static constexpr double kLog2Phi[] = {
    -0.9999930609106151,  -1.1512017028542862,  -0.4587709709752421,
    -0.05341210725196468, 0.008080718467016954, -0.0007692202822164721,
    3.309288130965407e-05};

Value VectorBuilder::gelu(Value x) {
  // x * Phi(x) = max(x, 0) - a * 2^P(a) with a = |x|; beyond 9 the second term
  // is below 1e-18, and P(9) above -127.
  Value a = minf(math::AbsFOp::create(*this, x), constantLike(9.0, x));
  Value tail = boundedExp2(polynomial(kLog2Phi, a));
  Value positive = maxf(constantLike(0.0, x), x);
  return fma(arith::NegFOp::create(*this, a), tail, positive);
}

Value VectorBuilder::geluTanh(Value x) {
  // x / 2 * (1 + tanh(u)) = x / (1 + 2^(-2 * log2(e) * u)) with
  // u = sqrt(2 / pi) * (x + 0.044715 * x^3).
  constexpr double kMinusTwoLog2E = -2.0 * 1.4426950408889634;
  constexpr double kLinear = kMinusTwoLog2E * 0.7978845608028654;
  constexpr double kCubic = kLinear * 0.044715;
  Value square = mulf(x, x);
  Value exponent =
      mulf(x, fma(square, constantLike(kCubic, x), constantLike(kLinear, x)));
  exponent = minf(constantLike(126.0, x), exponent);
  Value one = constantLike(1.0, x);
  return divf(x, addf(one, exp2(exponent)));
}

Value VectorBuilder::sigmoid(Value numerator, double factor, Value x) {
  // numerator / (1 + 2^(-factor * log2(e) * x)).
  double exponentFactor = -factor * 1.4426950408889634;
  Value exponent =
      minf(constantLike(126.0, x), mulf(x, constantLike(exponentFactor, x)));
  return divf(numerator, addf(constantLike(1.0, x), exp2(exponent)));
}

Value VectorBuilder::activation(vit::Activation kind, Value x) {
  switch (kind) {
  case vit::Activation::None:
    return x;
  case vit::Activation::Gelu:
    return gelu(x);
  case vit::Activation::GeluTanh:
    return geluTanh(x);
  case vit::Activation::GeluQuick:
    return sigmoid(x, 1.702, x);
  case vit::Activation::Relu:
    return maxf(constantLike(0.0, x), x);
  case vit::Activation::Silu:
    return sigmoid(x, 1.0, x);
  case vit::Activation::Sigmoid:
    return sigmoid(constantLike(1.0, x), 1.0, x);
  }
  llvm_unreachable("unknown activation");
}

Value VectorBuilder::reduce(Value vector,
                            Value (VectorBuilder::*combine)(Value, Value)) {
  for (int64_t width = cast<VectorType>(vector.getType()).getDimSize(0);
       width > 1; width /= 2) {
    auto half = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(*this, vector, offset,
                                                   width / 2, /*strides=*/1);
    };
    vector = (this->*combine)(half(0), half(width / 2));
  }
  return vector::ExtractOp::create(*this, vector, /*position=*/0);
}

Value VectorBuilder::reduceAdd(Value vector) {
  return reduce(vector, &VectorBuilder::addf);
}

Value VectorBuilder::reduceMax(Value vector) {
  return reduce(vector, &VectorBuilder::maxf);
}
