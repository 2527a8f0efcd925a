//===- RaiseAttention.cpp - Softmax between two products -> attention -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = linalg.contract ins(%q, %k)        // scores
//   %1 = scaled, capped, biased, masked %0
//   %2 = linalg.softmax %1
//   %3 = linalg.contract ins(%2, %v)
// becomes
//   %3 = vit.attention %q, %k, %v bias(%b) mask(%m) scale s
// AttentionMatch.cpp finds the parts; operands and result are moved to and from
// vit.attention's order of dims here.
//
//===----------------------------------------------------------------------===//

#include "AttentionMatch.h"
#include "BatchSize.h"
#include "DeadOps.h"
#include "Heads.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"

#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEATTENTIONPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

namespace {
class AttentionBuilder {
public:
  AttentionBuilder(AttentionMatch &match, RewriterBase &rewriter, Location loc)
      : match(match), space(match.space), rewriter(rewriter), loc(loc) {}
  void run();

private:
  using Body = function_ref<Value(OpBuilder &, Location, ValueRange)>;
  Value mapElements(ValueRange inputs, ArrayRef<AffineMap> maps, Type element,
                    Body body);
  Value getQuery(const HeadAxes &axes);
  Value getAddend(const AttentionAddend &addend);
  Value sumAddends(bool ofBatch);
  AxisList getKeyValueHeads();

  AttentionMatch &match;
  AxisSpace &space;
  RewriterBase &rewriter;
  Location loc;
};
} // namespace

/// An elementwise linalg.generic with the shape of the first input.
Value AttentionBuilder::mapElements(ValueRange inputs, ArrayRef<AffineMap> maps,
                                    Type element, Body body) {
  auto type = cast<RankedTensorType>(inputs[0].getType()).clone(element);
  auto result = cast<RankedTensorType>(type);
  Value init = tensor::EmptyOp::create(
      rewriter, loc,
      getMixedSizes(rewriter, result, getBatchMultiple(inputs[0]).value_or(1)),
      element);
  SmallVector<AffineMap> all(maps);
  all.push_back(rewriter.getMultiDimIdentityMap(result.getRank()));
  SmallVector<utils::IteratorType> iterators(result.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             rewriter, loc, result, inputs, init, all, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange args) {
               linalg::YieldOp::create(builder, loc, body(builder, loc, args));
             })
      ->getResult(0);
}

/// The queries, multiplied with what scales the scores of a whole row.
Value AttentionBuilder::getQuery(const HeadAxes &axes) {
  Value query = splitHeads(rewriter, loc, space, match.query.tensor,
                           match.query.dims, axes);
  Type element = getElementTypeOrSelf(query);
  for (const AttentionMultiplier &multiplier : match.multipliers) {
    AxisList present = flatten(multiplier.dims);
    DimAxes dims = axes.getDims();
    SmallVector<AffineExpr> exprs;
    for (auto [index, dim] : llvm::enumerate(dims)) {
      bool varies = llvm::any_of(dim, [&](unsigned axis) {
        return llvm::is_contained(present, axis);
      });
      if (!varies)
        dim.clear();
      exprs.push_back(varies ? rewriter.getAffineDimExpr(index)
                             : rewriter.getAffineConstantExpr(0));
    }
    Value factor = space.rearrange(rewriter, loc, multiplier.tensor,
                                   multiplier.dims, dims);
    query = mapElements(
        {query, factor},
        {rewriter.getMultiDimIdentityMap(4),
         AffineMap::get(4, 0, exprs, rewriter.getContext())},
        element, [&](OpBuilder &builder, Location loc, ValueRange args) {
          return multiplier.divides
                     ? arith::DivFOp::create(builder, loc, args[0], args[1])
                           .getResult()
                     : arith::MulFOp::create(builder, loc, args[0], args[1])
                           .getResult();
        });
  }
  return query;
}

/// What is added to the scores, in the shape of the addend's tensor.
Value AttentionBuilder::getAddend(const AttentionAddend &addend) {
  auto type = cast<RankedTensorType>(addend.tensor.getType());
  AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
  Type element = getElementTypeOrSelf(match.query.tensor);
  auto getNumber = [&](OpBuilder &builder, Location loc, double number) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(element, number))
        .getResult();
  };
  if (addend.isMask()) {
    // In place of -3.4e38, which sums would take to -inf.
    double number = std::isinf(addend.factor) ? addend.factor : kMaskedScore;
    return mapElements(addend.tensor, identity, element,
                       [&](OpBuilder &builder, Location loc, ValueRange args) {
                         Value masked = getNumber(builder, loc, number);
                         Value zero = getNumber(builder, loc, 0);
                         return arith::SelectOp::create(
                                    builder, loc, args[0],
                                    addend.where ? masked : zero,
                                    addend.where ? zero : masked)
                             .getResult();
                       });
  }
  if (addend.factor == 1)
    return addend.tensor;
  return mapElements(
      addend.tensor, identity, element,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        Value factor = getNumber(builder, loc, addend.factor);
        return arith::MulFOp::create(builder, loc, args[0], factor).getResult();
      });
}

/// The sum of the addends that differ between items of the batch, or of those
/// that do not.
Value AttentionBuilder::sumAddends(bool ofBatch) {
  auto variesInBatch = [&](const AttentionAddend &addend) {
    AxisList axes = flatten(addend.dims);
    return llvm::any_of(match.batch, [&](unsigned axis) {
      return llvm::is_contained(axes, axis);
    });
  };
  // All masks are in one sum: a score is masked once.
  bool masksVary =
      llvm::any_of(match.addends, [&](const AttentionAddend &addend) {
        return addend.isMask() && variesInBatch(addend);
      });
  AxisList present;
  SmallVector<const AttentionAddend *> addends;
  for (const AttentionAddend &addend : match.addends) {
    if ((addend.isMask() ? masksVary : variesInBatch(addend)) != ofBatch)
      continue;
    addends.push_back(&addend);
    llvm::append_range(present, flatten(addend.dims));
  }
  auto isPresent = [&](unsigned axis) {
    return llvm::is_contained(present, axis);
  };
  // Item b reads row b mod the number of rows: the inner axes of the batch.
  AxisList batch(llvm::find_if(match.batch, isPresent), match.batch.end());
  AxisList heads =
      llvm::any_of(match.heads, isPresent) ? match.heads : AxisList();
  Value sum, masks;
  for (const AttentionAddend *addend : addends) {
    Value term =
        space.rearrange(rewriter, loc, getAddend(*addend), addend->dims,
                        {batch, heads, match.queries, match.keys});
    Value &total = addend->isMask() ? masks : sum;
    if (!total)
      total = term;
    else if (addend->isMask())
      total = arith::MinimumFOp::create(rewriter, loc, total, term);
    else
      total = arith::AddFOp::create(rewriter, loc, total, term);
  }
  if (sum && masks)
    return arith::AddFOp::create(rewriter, loc, sum, masks);
  return sum ? sum : masks;
}

/// The outermost heads that tell keys and values apart; the others share them.
AxisList AttentionBuilder::getKeyValueHeads() {
  AxisList present = flatten(match.key.dims);
  llvm::append_range(present, flatten(match.value.dims));
  AxisList heads = match.heads;
  while (!heads.empty() && !llvm::is_contained(present, heads.back()))
    heads.pop_back();
  return heads;
}

void AttentionBuilder::run() {
  rewriter.setInsertionPoint(match.product);
  AxisList sharedHeads = getKeyValueHeads();
  Value query =
      getQuery({match.batch, match.heads, match.queries, match.channels});
  Value key =
      splitHeads(rewriter, loc, space, match.key.tensor, match.key.dims,
                 {match.batch, sharedHeads, match.keys, match.channels});
  Value value =
      splitHeads(rewriter, loc, space, match.value.tensor, match.value.dims,
                 {match.batch, sharedHeads, match.keys, match.valueChannels});
  Value bias = sumAddends(/*ofBatch=*/false);
  Value mask = sumAddends(/*ofBatch=*/true);
  FloatAttr softcap =
      match.softcap ? rewriter.getF64FloatAttr(*match.softcap) : FloatAttr();
  Value attention = AttentionOp::create(
      rewriter, loc, query, key, value, bias, mask, /*keyLength=*/Value(),
      rewriter.getF64FloatAttr(match.scale), /*causal=*/IntegerAttr(), softcap);
  rewriter.replaceOp(
      match.product,
      mergeHeads(rewriter, loc, space, attention,
                 {match.batch, match.heads, match.queries, match.valueChannels},
                 match.resultDims));
}

namespace {
struct RaiseAttentionPass final
    : vitc::vit::impl::RaiseAttentionPassBase<RaiseAttentionPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::SoftmaxOp> softmaxes;
    getOperation().walk(
        [&](linalg::SoftmaxOp softmax) { softmaxes.push_back(softmax); });
    for (linalg::SoftmaxOp softmax : softmaxes) {
      AttentionMatch match;
      std::string reason;
      if (failed(matchAttention(softmax, match, reason))) {
        softmax.emitRemark("softmax is not raised to vit.attention: ")
            << reason;
        ++numLeft;
        continue;
      }
      Location loc =
          rewriter.getFusedLoc({softmax.getLoc(), match.product->getLoc()});
      AttentionBuilder(match, rewriter, loc).run();
      ++numRaised;
    }
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
