//===- Activation.cpp - Activations and sums in linalg --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Activation.h"

#include "Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

/// numerator / (1 + exp(-factor * x)).
static Value buildSigmoid(ImplicitLocOpBuilder &b, Value numerator,
                          double factor, Value x) {
  Type type = x.getType();
  Value argument = arith::MulFOp::create(b, x, buildFloat(b, type, -factor));
  Value power = math::ExpOp::create(b, argument);
  Value divisor = arith::AddFOp::create(b, buildFloat(b, type, 1.0), power);
  return arith::DivFOp::create(b, numerator, divisor);
}

/// x * (1 + bounded) / 2.
static Value buildHalf(ImplicitLocOpBuilder &b, Value x, Value bounded) {
  Type type = x.getType();
  Value shifted = arith::AddFOp::create(b, buildFloat(b, type, 1.0), bounded);
  Value product = arith::MulFOp::create(b, x, shifted);
  return arith::MulFOp::create(b, product, buildFloat(b, type, 0.5));
}

static Value buildGeluTanh(ImplicitLocOpBuilder &b, Value x) {
  auto constant = [&](double value) {
    return buildFloat(b, x.getType(), value);
  };
  Value square = arith::MulFOp::create(b, x, x);
  Value cube = arith::MulFOp::create(b, square, x);
  Value cubic = arith::MulFOp::create(b, constant(0.044715), cube);
  Value sum = arith::AddFOp::create(b, x, cubic);
  Value argument =
      arith::MulFOp::create(b, constant(std::sqrt(2.0 / M_PI)), sum);
  return buildHalf(b, x, math::TanhOp::create(b, argument));
}

/// An activation of one element. VitToKernel has its own on purpose: the
/// reference shares no code with what it checks.
static Value buildScalar(ImplicitLocOpBuilder &b, Value x,
                         vit::Activation activation) {
  auto constant = [&](double value) {
    return buildFloat(b, x.getType(), value);
  };
  switch (activation) {
  case vit::Activation::None:
    return x;
  case vit::Activation::Gelu: {
    Value argument = arith::DivFOp::create(b, x, constant(std::sqrt(2.0)));
    return buildHalf(b, x, math::ErfOp::create(b, argument));
  }
  case vit::Activation::GeluTanh:
    return buildGeluTanh(b, x);
  case vit::Activation::GeluQuick:
    return buildSigmoid(b, x, 1.702, x);
  case vit::Activation::Relu:
    return arith::MaximumFOp::create(b, x, constant(0.0));
  case vit::Activation::Silu:
    return buildSigmoid(b, x, 1.0, x);
  case vit::Activation::Sigmoid:
    return buildSigmoid(b, constant(1.0), 1.0, x);
  }
  llvm_unreachable("all activations are covered");
}

Value vitc::buildActivation(ImplicitLocOpBuilder &builder, Value tensor,
                            Type type, vit::Activation activation) {
  if (activation == vit::Activation::None)
    return tensor;
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  return buildElementwise(
      builder, sizes, type, tensor,
      builder.getMultiDimIdentityMap(sizes.size()),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return buildScalar(b, args[0], activation);
      });
}

Value vitc::buildSum(ImplicitLocOpBuilder &builder, Value lhs, Value rhs,
                     AffineMap rhsMap) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, lhs);
  return buildElementwise(
      builder, sizes, getElementTypeOrSelf(lhs), {lhs, rhs},
      {builder.getMultiDimIdentityMap(sizes.size()), rhsMap},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::AddFOp::create(b, args[0], args[1]);
      });
}
