//===- HalfPrecision.cpp - Arithmetic on f16 and bf16 ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Floats of 16 bits are computed with in f32, and rounded after each op as
// IEEE 754 says: for + - * / and the square root the result is the same as of
// one operation. Casts that an instruction set lacks are integer arithmetic,
// where LLVM would call its runtime library.
//
//===----------------------------------------------------------------------===//

#include "MathApproximation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

static bool isHalf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(element) : element;
}

/// Ops that take bits as they are, and the casts that all others end as.
static bool takesHalf(Operation *op) {
  if (isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp>(op))
    return true;
  if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
    return false;
  Type wide = isa<arith::ExtFOp>(op) ? op->getResult(0).getType()
                                     : op->getOperand(0).getType();
  return getElementTypeOrSelf(wide).isF32();
}

namespace {
/// op(x : f16) : f16 becomes truncf(op(extf(x))).
struct WidenHalfOp : RewritePattern {
  explicit WidenHalfOp(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
        op->getNumResults() != 1 || takesHalf(op) ||
        (!isHalf(op->getResult(0).getType()) &&
         llvm::none_of(op->getOperandTypes(), isHalf)))
      return rewriter.notifyMatchFailure(op, "not on floats of 16 bits");
    Location loc = op->getLoc();
    Type f32 = rewriter.getF32Type();
    SmallVector<Value> operands(op->getOperands());
    for (Value &operand : operands)
      if (isHalf(operand.getType()))
        operand = arith::ExtFOp::create(
            rewriter, loc, withElement(operand.getType(), f32), operand);
    Type type = op->getResult(0).getType();
    Type wide = isHalf(type) ? withElement(type, f32) : type;
    Value result = operands[0];
    // A cast to f32 that is one no more.
    bool isCast = isa<arith::ExtFOp, arith::TruncFOp>(op);
    if (!isCast || result.getType() != wide) {
      OperationState state(loc, op->getName(), operands, wide, op->getAttrs());
      state.propertiesAttr = op->getPropertiesAsAttribute();
      result = rewriter.create(state)->getResult(0);
    }
    if (wide != type)
      result = arith::TruncFOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Integer arithmetic on the bits of f32 values.
struct BitBuilder : ImplicitLocOpBuilder {
  BitBuilder(Location loc, OpBuilder &builder, Type like)
      : ImplicitLocOpBuilder(loc, builder), like(like) {}

  Type type(Type element) { return withElement(like, element); }
  Value bits(int64_t value) {
    Type integers = type(getI32Type());
    TypedAttr number = getI32IntegerAttr(static_cast<int32_t>(value));
    if (auto vector = dyn_cast<VectorType>(integers))
      number = DenseElementsAttr::get(vector, Attribute(number));
    return arith::ConstantOp::create(*this, number);
  }
  Value toFloat(Value value) {
    return arith::BitcastOp::create(*this, type(getF32Type()), value);
  }
  Value toBits(Value value) {
    return arith::BitcastOp::create(*this, type(getI32Type()), value);
  }
  Value mask(Value value, int64_t bitMask) {
    return arith::AndIOp::create(*this, value, bits(bitMask));
  }
  Value add(Value value, int64_t addend) {
    return arith::AddIOp::create(*this, value, bits(addend));
  }
  Value shiftLeft(Value value, int64_t count) {
    return arith::ShLIOp::create(*this, value, bits(count));
  }
  Value shiftRight(Value value, int64_t count) {
    return arith::ShRUIOp::create(*this, value, bits(count));
  }
  Value select(arith::CmpIPredicate predicate, Value value, int64_t limit,
               Value then, Value otherwise) {
    Value condition =
        arith::CmpIOp::create(*this, predicate, value, bits(limit));
    return arith::SelectOp::create(*this, condition, then, otherwise);
  }

  Type like;
};

/// 2^-14, the smallest normal f16, as f32.
constexpr int64_t kSmallestNormal = int64_t(127 - 14) << 23;
/// Moves the exponent between the biases 15 and 127.
constexpr int64_t kBias = int64_t(127 - 15) << 23;

struct ExpandHalfExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn().getType()).isF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not from f16 to f32");
    BitBuilder b(op.getLoc(), rewriter, op.getType());
    Value half = arith::ExtUIOp::create(
        b, b.type(b.getI32Type()),
        arith::BitcastOp::create(b, b.type(b.getI16Type()), op.getIn()));
    Value sign = b.shiftLeft(b.mask(half, 0x8000), 16);
    Value shifted = b.shiftLeft(b.mask(half, 0x7FFF), 13);
    Value exponent = b.mask(shifted, 0x7C00 << 13);
    Value normal = b.add(shifted, kBias);
    Value infinite = b.add(normal, int64_t(128 - 16) << 23);
    // A mantissa without its leading 1: put it there, and take it away again.
    Value subnormal = b.toBits(
        arith::SubFOp::create(b, b.toFloat(b.add(shifted, kSmallestNormal)),
                              b.toFloat(b.bits(kSmallestNormal))));
    auto eq = arith::CmpIPredicate::eq;
    Value magnitude =
        b.select(eq, exponent, 0, subnormal,
                 b.select(eq, exponent, 0x7C00 << 13, infinite, normal));
    rewriter.replaceOp(op, b.toFloat(arith::OrIOp::create(b, magnitude, sign)));
    return success();
  }
};

/// Rounds to nearest even.
struct ExpandHalfTruncF : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn().getType()).isF32() ||
        !getElementTypeOrSelf(op.getType()).isF16())
      return rewriter.notifyMatchFailure(op, "not from f32 to f16");
    BitBuilder b(op.getLoc(), rewriter, op.getIn().getType());
    constexpr int64_t kInfinity = int64_t(255) << 23;
    constexpr int64_t kTooLarge = int64_t(127 + 16) << 23;
    // Its last bit is worth an f16's smallest step, so that adding it rounds.
    constexpr int64_t kRounder = int64_t(127 - 24 + 23) << 23;
    Value value = b.toBits(op.getIn());
    Value sign = b.shiftRight(b.mask(value, 0x80000000), 16);
    Value magnitude = b.mask(value, 0x7FFFFFFF);
    auto ugt = arith::CmpIPredicate::ugt, ult = arith::CmpIPredicate::ult;
    Value infinite =
        b.select(ugt, magnitude, kInfinity, b.bits(0x7E00), b.bits(0x7C00));
    Value subnormal =
        b.add(b.toBits(arith::AddFOp::create(b, b.toFloat(magnitude),
                                             b.toFloat(b.bits(kRounder)))),
              -kRounder);
    Value odd = b.mask(b.shiftRight(magnitude, 13), 1);
    Value normal = b.shiftRight(
        arith::AddIOp::create(b, b.add(magnitude, 0xFFF - kBias), odd), 13);
    Value finite = b.select(ult, magnitude, kSmallestNormal, subnormal, normal);
    Value half = arith::OrIOp::create(
        b, sign, b.select(ult, magnitude, kTooLarge, finite, infinite));
    half = arith::TruncIOp::create(b, b.type(b.getI16Type()), half);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};
} // namespace

void vitc::kernel::populateHalfPrecisionPatterns(RewritePatternSet &patterns,
                                                 CpuAttr cpu) {
  patterns.add<WidenHalfOp>(patterns.getContext());
  arith::populateExpandBFloat16Patterns(patterns);
  // The casts came to x86 before fused multiply-add, which stands for them.
  if (!cpu.getFma())
    patterns.add<ExpandHalfExtF, ExpandHalfTruncF>(patterns.getContext());
}

LogicalResult vitc::kernel::expandHalfCasts(func::FuncOp function,
                                            CpuAttr cpu) {
  SmallVector<Operation *> casts;
  function.walk([&](Operation *op) {
    if (isa<arith::ExtFOp, arith::TruncFOp>(op))
      casts.push_back(op);
  });
  if (casts.empty())
    return success();
  RewritePatternSet patterns(function.getContext());
  populateHalfPrecisionPatterns(patterns, cpu);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  return applyOpPatternsGreedily(casts, std::move(patterns), config);
}
