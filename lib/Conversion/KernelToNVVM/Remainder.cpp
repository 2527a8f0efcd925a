//===- Remainder.cpp - Exact remainders of floats -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GPU has no instruction for x - trunc(x / y) * y, and LLVM makes it of a
// division, whose rounding is lost where the quotient is large. fmod is exact:
// it is what remains of |x|, as a multiple of the last place of |y|, divided by
// y's significand. Of x = m * 2^e and y = n * 2^f with m, n < 2^24 and e >= f
// that is
//   m * 2^(e - f) mod n
// by 8 powers of 2 at a time, which 32 bits hold.
//
//===----------------------------------------------------------------------===//

#include "Remainder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

using Predicate = arith::CmpIPredicate;

namespace {

/// Builds arithmetic of integers of 32 bits.
class RemainderBuilder : public ImplicitLocOpBuilder {
public:
  explicit RemainderBuilder(Operation *op)
      : ImplicitLocOpBuilder(op->getLoc(), op) {}

  /// fmod(x, y) of f32.
  Value build(Value x, Value y);

private:
  static constexpr int32_t kFractionBits = 23, kSignBits = 8, kStepBits = 8;
  static constexpr int32_t kInfinity = 0x7f800000, kNaN = 0x7fc00000;

  /// A positive float's significand * 2^(exponent - 150).
  struct Parts {
    Value significand, exponent;
  };

  Value number(int32_t value) {
    return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
  }
  Value toBits(Value value) {
    return arith::BitcastOp::create(*this, getI32Type(), value);
  }
  Value compare(Predicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(*this, predicate, a, b);
  }
  Value select(Value condition, Value then, Value otherwise) {
    return arith::SelectOp::create(*this, condition, then, otherwise);
  }
  template <typename Op> Value apply(Value a, Value b) {
    return Op::create(*this, a, b);
  }
  Parts split(Value magnitude);
  Value join(Parts parts);
  /// significand * 2^shift mod divisor.
  Value reduce(Value significand, Value shift, Value divisor);
};

} // namespace

/// Denormals have the exponent of the smallest others, and no leading bit.
RemainderBuilder::Parts RemainderBuilder::split(Value magnitude) {
  Value exponent = apply<arith::ShRUIOp>(magnitude, number(kFractionBits));
  Value fraction =
      apply<arith::AndIOp>(magnitude, number((1 << kFractionBits) - 1));
  Value isNormal = compare(Predicate::ne, exponent, number(0));
  Value leading = select(isNormal, number(1 << kFractionBits), number(0));
  return {apply<arith::OrIOp>(fraction, leading),
          apply<arith::MaxUIOp>(exponent, number(1))};
}

Value RemainderBuilder::join(Parts parts) {
  Value zeros = math::CountLeadingZerosOp::create(*this, parts.significand);
  // As far to the left as a float has it, or as it may be.
  Value shift =
      apply<arith::MinUIOp>(apply<arith::SubIOp>(zeros, number(kSignBits)),
                            apply<arith::SubIOp>(parts.exponent, number(1)));
  Value significand = apply<arith::ShLIOp>(parts.significand, shift);
  Value exponent = apply<arith::SubIOp>(
      apply<arith::SubIOp>(parts.exponent, number(1)), shift);
  // The leading bit, if there is one, adds 1 to the exponent.
  Value bits = apply<arith::AddIOp>(
      apply<arith::ShLIOp>(exponent, number(kFractionBits)), significand);
  Value isZero = compare(Predicate::eq, parts.significand, number(0));
  return select(isZero, number(0), bits);
}

Value RemainderBuilder::reduce(Value significand, Value shift, Value divisor) {
  Value first = apply<arith::RemUIOp>(significand, divisor);
  auto loop = scf::ForOp::create(*this, number(0), shift, number(kStepBits),
                                 ValueRange(first));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Value rest = apply<arith::SubIOp>(shift, loop.getInductionVar());
  Value step = apply<arith::MinUIOp>(rest, number(kStepBits));
  Value shifted = apply<arith::ShLIOp>(loop.getRegionIterArgs().front(), step);
  scf::YieldOp::create(*this, apply<arith::RemUIOp>(shifted, divisor));
  return loop.getResult(0);
}

Value RemainderBuilder::build(Value x, Value y) {
  Value bitsOfX = toBits(x), bitsOfY = toBits(y);
  Value magnitudeMask = number(0x7fffffff);
  Value absX = apply<arith::AndIOp>(bitsOfX, magnitudeMask);
  Value absY = apply<arith::AndIOp>(bitsOfY, magnitudeMask);
  Value sign = apply<arith::XOrIOp>(bitsOfX, absX);

  Value isLess = compare(Predicate::ult, absX, absY);
  Value isNaN = apply<arith::OrIOp>(
      compare(Predicate::uge, absX, number(kInfinity)),
      apply<arith::OrIOp>(compare(Predicate::ugt, absY, number(kInfinity)),
                          compare(Predicate::eq, absY, number(0))));
  Parts dividend = split(absX), divisor = split(absY);
  // What has another result takes no steps, and nothing is divided by 0.
  Value isOther = apply<arith::OrIOp>(isLess, isNaN);
  Value shift =
      select(isOther, number(0),
             apply<arith::SubIOp>(dividend.exponent, divisor.exponent));
  Value significand = apply<arith::MaxUIOp>(divisor.significand, number(1));
  Value rest = reduce(dividend.significand, shift, significand);
  Value result = apply<arith::OrIOp>(join({rest, divisor.exponent}), sign);
  result = select(isLess, bitsOfX, result);
  result = select(isNaN, number(kNaN), result);
  return arith::BitcastOp::create(*this, getF32Type(), result);
}

void vitc::kernel::expandRemainders(func::FuncOp function) {
  function.walk([](arith::RemFOp op) {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return;
    RemainderBuilder b(op);
    Value result;
    if (auto type = dyn_cast<VectorType>(op.getType())) {
      SmallVector<Value> elements;
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        elements.push_back(
            b.build(vector::ExtractOp::create(b, op.getLhs(), i),
                    vector::ExtractOp::create(b, op.getRhs(), i)));
      result = vector::FromElementsOp::create(b, type, elements);
    } else {
      result = b.build(op.getLhs(), op.getRhs());
    }
    op.replaceAllUsesWith(result);
    op.erase();
  });
}
