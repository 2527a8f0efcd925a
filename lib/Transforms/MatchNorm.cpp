//===- MatchNorm.cpp - Norms that are written out -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatchNorm.h"

#include "DeadOps.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AffineExpr.h"

using namespace mlir;
using namespace vitc::vit;

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

/// The tensor that an elementwise op reads at its own indices.
static Value getTensor(const ElementwiseOperand &operand, Value result) {
  return readsAllBut(operand, getShape(result), {}) ? operand.tensor : Value();
}

/// The tensor and the number that a commutative op combines.
static std::optional<std::pair<Value, double>>
getTensorAndNumber(const Elementwise &match, Value result) {
  for (unsigned index : {0, 1}) {
    Value tensor = getTensor(match.operands[index], result);
    std::optional<double> number = match.operands[1 - index].scalar;
    if (tensor && number)
      return std::pair(tensor, *number);
  }
  return std::nullopt;
}

/// x of x to the power `exponent`.
static Value getBase(Value tensor, double exponent) {
  tensor = skipUnitReshapes(tensor);
  std::optional<Elementwise> match = matchElementwise(tensor);
  if (!match)
    return {};
  if ((exponent == 0.5 && match->is<math::SqrtOp>()) ||
      (exponent == -0.5 && match->is<math::RsqrtOp>()))
    return getTensor(match->operands[0], tensor);
  if (match->is<math::PowFOp, math::FPowIOp>() &&
      match->operands[1].scalar == exponent)
    return getTensor(match->operands[0], tensor);
  if (exponent == 2 && match->is<arith::MulFOp>()) {
    Value lhs = getTensor(match->operands[0], tensor);
    return lhs == getTensor(match->operands[1], tensor) ? lhs : Value();
  }
  // 1 / sqrt(x)
  if (exponent < 0 && match->is<arith::DivFOp>() &&
      match->operands[0].scalar == 1.0)
    if (Value root = getTensor(match->operands[1], tensor))
      return getBase(root, -exponent);
  return {};
}

/// Matches `root` to (mean(input^2) + epsilon) to the power `exponent`.
static std::optional<RmsNormalized> matchRoot(Value root, double exponent) {
  Value base = getBase(root, exponent);
  if (!base)
    return std::nullopt;
  base = skipUnitReshapes(base);
  double epsilon = 0;
  std::optional<Elementwise> match = matchElementwise(base);
  if (match && match->is<arith::AddFOp>()) {
    auto sum = getTensorAndNumber(*match, base);
    if (!sum)
      return std::nullopt;
    std::tie(base, epsilon) = *sum;
  }
  std::optional<Mean> mean = matchMean(base);
  if (!mean || epsilon < 0)
    return std::nullopt;
  Value input = getBase(mean->input, 2);
  if (!input || input.getType() != mean->input.getType())
    return std::nullopt;
  return RmsNormalized{cast<TypedValue<RankedTensorType>>(input), mean->dims,
                       epsilon};
}

std::optional<RmsNormalized> vitc::vit::matchRmsNormalized(Value tensor) {
  std::optional<Elementwise> match = matchElementwise(tensor);
  if (!match || !match->is<arith::MulFOp, arith::DivFOp>())
    return std::nullopt;
  bool isQuotient = match->is<arith::DivFOp>();
  for (unsigned index : {0, 1}) {
    if (isQuotient && index == 1)
      break;
    const ElementwiseOperand &root = match->operands[1 - index];
    if (!match->operands[index].isIdentity() || !root.tensor)
      continue;
    std::optional<RmsNormalized> norm =
        matchRoot(root.tensor, isQuotient ? 0.5 : -0.5);
    if (norm && norm->input == match->operands[index].tensor &&
        readsAllBut(root, getShape(tensor), norm->dims))
      return norm;
  }
  return std::nullopt;
}

Value vitc::vit::getCentered(Value tensor, ArrayRef<int64_t> dims) {
  std::optional<Elementwise> match = matchElementwise(tensor);
  if (!match || !match->is<arith::SubFOp>() || !match->operands[0].isIdentity())
    return {};
  Value input = match->operands[0].tensor;
  const ElementwiseOperand &subtrahend = match->operands[1];
  if (!readsAllBut(subtrahend, getShape(tensor), dims))
    return {};
  std::optional<Mean> mean = matchMean(subtrahend.tensor);
  return mean && mean->input == input && mean->dims == dims ? input : Value();
}

//===----------------------------------------------------------------------===//
// Scale and shift
//===----------------------------------------------------------------------===//

/// The constant that the one user of `tensor`, an `OpTy`, combines with it at
/// each position of `dim`, and the user's result.
template <typename OpTy>
static std::pair<Value, Value> matchConstantUser(Value tensor, int64_t dim) {
  if (!tensor.hasOneUse() ||
      tensor.use_begin()->getOwner()->getNumResults() != 1)
    return {};
  Value result = tensor.use_begin()->getOwner()->getResult(0);
  std::optional<Elementwise> match = matchElementwise(result);
  if (!match || !match->is<OpTy>())
    return {};
  SmallVector<int64_t> others;
  for (int64_t other = 0; other < static_cast<int64_t>(getShape(result).size());
       ++other)
    if (other != dim)
      others.push_back(other);
  for (unsigned index : {0, 1}) {
    const ElementwiseOperand &constant = match->operands[1 - index];
    if (!match->operands[index].isIdentity() ||
        match->operands[index].tensor != tensor || !constant.tensor)
      continue;
    Operation *op = skipUnitReshapes(constant.tensor).getDefiningOp();
    if (op && op->hasTrait<OpTrait::ConstantLike>() &&
        cast<RankedTensorType>(constant.tensor.getType()).getNumElements() ==
            getShape(result)[dim] &&
        readsAllBut(constant, getShape(result), others))
      return {constant.tensor, result};
  }
  return {};
}

/// Follows `normalized` while it has one user; a shift only `withShift`.
static NormAffine matchNormAffine(OpBuilder &builder, Value normalized,
                                  int64_t dim, bool withShift) {
  NormAffine affine;
  affine.result = normalized;
  int64_t channels = getShape(normalized)[dim];
  auto take = [&](std::pair<Value, Value> constantAndResult, Value &operand) {
    auto [constant, result] = constantAndResult;
    if (!constant)
      return;
    builder.setInsertionPointAfterValue(constant);
    operand = reshape(builder, constant.getLoc(), constant, channels);
    affine.result = result;
  };
  take(matchConstantUser<arith::MulFOp>(normalized, dim), affine.scale);
  if (withShift)
    take(matchConstantUser<arith::AddFOp>(affine.result, dim), affine.shift);
  return affine;
}

/// Builds a norm of the last dim of `input`, transposed there from `dim` and
/// back where it is another.
static Value buildNorm(OpBuilder &builder, Location loc, Value input,
                       int64_t dim,
                       function_ref<Value(Value)> buildLastDimNorm) {
  int64_t rank = getShape(input).size();
  if (dim == rank - 1)
    return buildLastDimNorm(input);
  SmallVector<int64_t> toLast, back(rank);
  for (int64_t other = 0; other < rank; ++other)
    if (other != dim)
      toLast.push_back(other);
  toLast.push_back(dim);
  for (auto [position, from] : llvm::enumerate(toLast))
    back[from] = position;
  Value norm = buildLastDimNorm(transpose(builder, loc, input, toLast));
  return transpose(builder, loc, norm, back);
}

LogicalResult vitc::vit::raiseNorm(Operation *op, Value input,
                                   ArrayRef<int64_t> dims, StringRef opName,
                                   bool withShift, RewriterBase &rewriter,
                                   LastDimNormBuilder buildLastDimNorm) {
  if (dims.size() != 1 || !isMovable(input)) {
    op->emitRemark("not raised to ")
        << opName << ": it is along dims [" << dims << "] of "
        << input.getType() << "; " << opName << " is along one static dim";
    return rewriter.notifyMatchFailure(op, "is along no static dim");
  }
  NormAffine affine =
      matchNormAffine(rewriter, op->getResult(0), dims.front(), withShift);
  Operation *last = affine.result.getDefiningOp();
  rewriter.setInsertionPoint(last);
  Value raised =
      buildNorm(rewriter, last->getLoc(), input, dims.front(),
                [&](Value value) { return buildLastDimNorm(value, affine); });
  rewriter.replaceAllUsesWith(affine.result, raised);
  return success();
}

int64_t vitc::vit::raiseNorms(
    func::FuncOp function,
    function_ref<LogicalResult(Operation *, RewriterBase &)> raise) {
  IRRewriter rewriter(function.getContext());
  int64_t numRaised = 0;
  function.walk([&](Operation *op) {
    if (op->getNumResults() == 1 &&
        isa<RankedTensorType>(op->getResult(0).getType()) &&
        succeeded(raise(op, rewriter)))
      ++numRaised;
  });
  eraseDeadOps(function, rewriter);
  return numRaised;
}
