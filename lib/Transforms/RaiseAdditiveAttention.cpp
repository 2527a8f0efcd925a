//===- RaiseAdditiveAttention.cpp - Attention with summed scores ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = %q + %k, broadcast to queries x keys;  %1 = math.tanh %0
//   %2 = the product of %1 and a vector %w
//   %3 = vit.softmax_matmul %2, %v
// becomes
//   %3 = vit.additive_attention %q, %k, %w, %v
// The product is a vit.linear with one column, a linalg.contract or a sum of
// products. What is added to all scores alike is dropped with it.
//
//===----------------------------------------------------------------------===//

#include "Axes.h"
#include "DeadOps.h"
#include "Match.h"
#include "MatchMean.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEADDITIVEATTENTIONPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A tensor and the axes of its dims.
struct Operand {
  Value tensor;
  DimAxes dims;
};

/// scores = sum over channels of weight * tanh(query + key).
struct AdditiveScores {
  AxisSpace space;
  Operand query, key, weight;
  AxisList batch, queries, keys, channels;
};
} // namespace

/// Steps up to what is not only moved.
static void skipMovement(AxisSpace &space, Operand &operand) {
  while (space.stepUp(operand.tensor, operand.dims))
    ;
}

//===----------------------------------------------------------------------===//
// The product with the weight
//===----------------------------------------------------------------------===//

/// The input of a linear layer with one column.
static bool stepThroughLinear(AdditiveScores &match, Operand &scores) {
  auto linear = scores.tensor.getDefiningOp<LinearOp>();
  if (!linear || linear.getType().getShape().back() != 1 ||
      linear.getResidual() || linear.getNorm() ||
      linear.getActivation() != Activation::None)
    return false;
  std::optional<DimAxes> input = match.space.addDims(linear.getInput());
  if (!input)
    return false;
  match.channels = input->back();
  match.weight = {linear.getWeight(), {{}, match.channels}};
  scores.tensor = linear.getInput();
  scores.dims.back() = match.channels;
  return true;
}

static bool isTanh(Value tensor) {
  std::optional<Elementwise> match =
      tensor ? matchElementwise(tensor) : std::nullopt;
  return match && match->is<math::TanhOp>();
}

/// Either operand of a contraction; the other is the weight.
static bool stepThroughContraction(AdditiveScores &match, Operand &scores) {
  std::optional<Contraction> product = matchContraction(scores.tensor);
  if (!product)
    return false;
  if (isTanh(product->rhs))
    product = product->swapped();
  std::optional<DimAxes> lhs = match.space.addDims(product->lhs);
  std::optional<DimAxes> rhs = match.space.addDims(product->rhs);
  if (!lhs || !rhs)
    return false;
  DimAxes loops(product->sizes.size());
  bindLoops(loops, product->resultMap, scores.dims);
  bindLoops(loops, product->lhsMap, *lhs);
  for (unsigned loop : product->k)
    llvm::append_range(match.channels, loops[loop]);
  match.weight = {product->rhs, AxisSpace::compose(product->rhsMap, loops)};
  scores = {product->lhs, AxisSpace::compose(product->lhsMap, loops)};
  return true;
}

/// The factor of a sum of products; the other is the weight.
static bool stepThroughSum(AdditiveScores &match, Operand &scores) {
  std::optional<Mean> sum = matchSum(scores.tensor);
  if (!sum)
    return false;
  auto op = cast<linalg::LinalgOp>(scores.tensor.getDefiningOp());
  std::optional<DimAxes> input = match.space.addDims(sum->input);
  if (!input)
    return false;
  DimAxes loops(op.getNumLoops());
  bindLoops(loops, op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
            scores.dims);
  for (int64_t dim : sum->dims) {
    loops[dim] = (*input)[dim];
    llvm::append_range(match.channels, loops[dim]);
  }
  std::optional<Elementwise> product = matchElementwise(sum->input);
  if (!product || !product->is<arith::MulFOp>())
    return false;
  unsigned index = isTanh(product->operands[0].tensor) ? 0 : 1;
  const ElementwiseOperand &tanh = product->operands[index];
  const ElementwiseOperand &weight = product->operands[1 - index];
  if (!tanh.tensor || !weight.tensor)
    return false;
  match.weight = {weight.tensor, AxisSpace::compose(weight.map, loops)};
  scores = {tanh.tensor, AxisSpace::compose(tanh.map, loops)};
  return true;
}

//===----------------------------------------------------------------------===//
// The sum of query and key
//===----------------------------------------------------------------------===//

/// Whether an operand has axes of `list`.
static bool hasAxes(const AxisSpace &space, const Operand &operand,
                    const AxisList &list) {
  AxisList own = flatten(space.resolveDims(operand.dims));
  return llvm::any_of(space.resolve(list), [&](unsigned axis) {
    return llvm::is_contained(own, axis);
  });
}

static LogicalResult matchSummedScores(SoftmaxMatmulOp op,
                                       AdditiveScores &match) {
  if (op.getScores().getType().getDimSize(1) != 1 ||
      op.getValue().getType().getDimSize(1) != 1)
    return failure();
  std::optional<DimAxes> dims = match.space.addDims(op.getScores());
  if (!dims)
    return failure();
  match.batch = (*dims)[0];
  match.queries = (*dims)[2];
  match.keys = (*dims)[3];
  Operand scores = {op.getScores(), *dims};
  skipMovement(match.space, scores);
  if (!stepThroughLinear(match, scores) &&
      !stepThroughContraction(match, scores) && !stepThroughSum(match, scores))
    return failure();
  skipMovement(match.space, scores);
  std::optional<Elementwise> tanh = matchElementwise(scores.tensor);
  if (!tanh || !tanh->is<math::TanhOp>() || !tanh->operands[0].tensor)
    return failure();
  scores = {tanh->operands[0].tensor,
            AxisSpace::compose(tanh->operands[0].map, scores.dims)};
  skipMovement(match.space, scores);
  std::optional<Elementwise> sum = matchElementwise(scores.tensor);
  if (!sum || !sum->is<arith::AddFOp>())
    return failure();
  SmallVector<Operand, 2> addends;
  for (const ElementwiseOperand &operand : sum->operands) {
    if (!operand.tensor)
      return failure();
    addends.push_back(
        {operand.tensor, AxisSpace::compose(operand.map, scores.dims)});
    skipMovement(match.space, addends.back());
  }
  // The one that all keys share is the query.
  bool isSwapped = hasAxes(match.space, addends[0], match.keys);
  match.query = addends[isSwapped ? 1 : 0];
  match.key = addends[isSwapped ? 0 : 1];
  Type element = getElementTypeOrSelf(op.getValue());
  for (const Operand *operand : {&match.query, &match.key, &match.weight})
    if (getElementTypeOrSelf(operand->tensor) != element)
      return failure();
  auto is = [&](const Operand &operand, const AxisList &list) {
    return hasAxes(match.space, operand, list);
  };
  return success(
      !is(match.query, match.keys) && is(match.key, match.keys) &&
      !is(match.key, match.queries) && is(match.query, match.channels) &&
      is(match.key, match.channels) && !is(match.weight, match.batch) &&
      !is(match.weight, match.queries) && !is(match.weight, match.keys));
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

/// A tensor of one head, [B, 1, N, D], as [B, N, D].
static Value dropHead(OpBuilder &builder, Location loc, Value tensor) {
  if (auto split = tensor.getDefiningOp<SplitHeadsOp>())
    return split.getInput();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tensor.getType()).getShape();
  return reshape(builder, loc, tensor, mergeDims(shape, 1, 3));
}

static LogicalResult raiseAdditiveAttention(SoftmaxMatmulOp op,
                                            RewriterBase &rewriter) {
  AdditiveScores match;
  if (failed(matchSummedScores(op, match)))
    return rewriter.notifyMatchFailure(
        op, "its scores are no product of a vector and a tanh of a sum");
  AxisSpace &space = match.space;
  AxisList batch = space.resolve(match.batch);
  AxisList queries = space.resolve(match.queries);
  AxisList keys = space.resolve(match.keys);
  AxisList channels = space.resolve(match.channels);

  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto build = [&](const Operand &operand, ArrayRef<AxisList> dims) {
    return space.rearrange(rewriter, loc, operand.tensor,
                           space.resolveDims(operand.dims), dims);
  };
  Value query = build(match.query, {batch, queries, channels});
  Value key = build(match.key, {batch, keys, channels});
  Value weight = build(match.weight, channels);
  Value value = dropHead(rewriter, loc, op.getValue());
  Value result =
      AdditiveAttentionOp::create(rewriter, loc, query, key, weight, value);
  for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
    if (auto merge = dyn_cast<MergeHeadsOp>(user))
      rewriter.replaceOp(merge, result);
  rewriter.replaceOp(op,
                     reshape(rewriter, loc, result, op.getType().getShape()));
  return success();
}

namespace {
struct RaiseAdditiveAttentionPass final
    : vitc::vit::impl::RaiseAdditiveAttentionPassBase<
          RaiseAdditiveAttentionPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<SoftmaxMatmulOp> ops;
    getOperation().walk([&](SoftmaxMatmulOp op) { ops.push_back(op); });
    for (SoftmaxMatmulOp op : ops)
      if (succeeded(raiseAdditiveAttention(op, rewriter)))
        ++numRaised;
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
