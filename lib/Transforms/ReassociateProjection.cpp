//===- ReassociateProjection.cpp - Project tokens before a linear layer ---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linformer projects N keys and values to K along the sequence:
//   %k = vit.linear %x, %wk                       // [B, N, E]
//   %0 = linalg.contract %k, %ek                  // [B, K, E]
//   %v = vit.linear %x, %wv
//   %1 = linalg.contract %v, %ev
// becomes
//   %p = linalg.contract %x, concat(%ek, %ev)     // [B, 2 K, E]
//   %0 = vit.linear slice of %p, %wk
//   %1 = vit.linear slice of %p, %wv
// which multiplies less where K is below N. A bias b adds (E 1) b^T, a
// constant. A norm that other ops read too is computed again for the
// projection: they can take it into their products, and it is written in the
// order that the projection reads.
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"
#include "ConstantWeight.h"
#include "NormRows.h"
#include "SequenceProduct.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace vitc::vit {
#define GEN_PASS_DEF_REASSOCIATEPROJECTIONPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A projection of what a linear layer computes.
struct Projection {
  Operation *op;
  LinearOp linear;
  WeightExprAttr weight; // [K, N]
  unsigned dim;
};
} // namespace

/// Why the linear layer cannot follow the projection; empty if it can.
static std::string getObstacle(const Projection &projection) {
  LinearOp linear = projection.linear;
  if (!linear->hasOneUse())
    return "another op reads the linear layer before it";
  if (linear.getActivation() != Activation::None || linear.getResidual() ||
      linear.getNorm())
    return "the linear layer before it has a norm, an activation or a residual";
  if (!projection.weight)
    return "its weight is computed";
  if (!linear.getBias())
    return "";
  WeightExprAttr bias = getConstantWeight(linear.getBias());
  if (!bias || !bias.getType().getElementType().isF32())
    return "the linear layer before it has a bias that is no f32 constant";
  return "";
}

/// Why it takes more multiply-adds to project first; empty if it takes fewer.
static std::string getCostObstacle(const Projection &projection) {
  RankedTensorType weight = projection.weight.getType();
  int64_t projected = weight.getDimSize(0), tokens = weight.getDimSize(1);
  LinearOp linear = projection.linear;
  int64_t inputs = linear.getWeight().getType().getDimSize(1);
  int64_t outputs = linear.getWeight().getType().getDimSize(0);
  int64_t before = tokens * outputs * (inputs + projected);
  int64_t after = projected * inputs * (tokens + outputs);
  if (after < before)
    return "";
  return llvm::formatv("that takes {0} multiply-adds, not {1}", after, before);
}

static std::optional<Projection> matchProjection(Operation *op) {
  std::optional<SequenceProduct> product = matchSequenceProduct(op);
  if (!product)
    return std::nullopt;
  auto linear = product->tokens.getDefiningOp<LinearOp>();
  if (!linear)
    return std::nullopt;
  Projection projection = {op, linear, getConstantWeight(product->weight),
                           product->dim};
  RankedTensorType type = linear.getType();
  std::string reason = getObstacle(projection);
  if (reason.empty())
    reason = getCostObstacle(projection);
  if (reason.empty() &&
      (!hasMixedSizes(op, type) ||
       (!type.hasStaticShape() && !vitc::getBatchMultiple(linear.getInput()))))
    reason = llvm::formatv("no argument has the dynamic size of {0}", type);
  if (reason.empty())
    return projection;
  op->emitRemark("not moved before the linear layer: ") << reason;
  return std::nullopt;
}

/// What the projections read: a norm of their own where other ops read it too.
static Value getInput(ArrayRef<Projection> projections,
                      RewriterBase &rewriter) {
  Value input = LinearOp(projections.front().linear).getInput();
  Operation *op = input.getDefiningOp();
  bool isShared = llvm::any_of(input.getUsers(), [&](Operation *user) {
    return llvm::none_of(projections, [&](const Projection &projection) {
      return projection.linear == user;
    });
  });
  return op && isShared && matchNorm(op) ? rewriter.clone(*op)->getResult(0)
                                         : input;
}

/// What the projection makes of the linear layer's bias, in `type`; null
/// without one.
static Value getAddend(const Projection &projection, RankedTensorType type,
                       RewriterBase &rewriter) {
  LinearOp linear = projection.linear;
  if (!linear.getBias())
    return {};
  auto getOnes = [&](ArrayRef<int64_t> shape) {
    auto ones = RankedTensorType::get(shape, rewriter.getF32Type());
    return WeightExprAttr::data(DenseElementsAttr::get(ones, 1.0f));
  };
  RankedTensorType weight = projection.weight.getType();
  WeightExprAttr sums =
      WeightExprAttr::product(projection.weight, getOnes(weight.getDimSize(1)));
  WeightExprAttr rows = getOnes({weight.getDimSize(0), type.getShape().back()});
  rows = WeightExprAttr::scale(rows, getConstantWeight(linear.getBias()),
                               /*dim=*/1);
  Location loc = rewriter.getFusedLoc(
      {linear.getBias().getLoc(), projection.op->getLoc()});
  Value addend = ConstantOp::create(
      rewriter, loc, WeightExprAttr::scale(rows, sums, /*dim=*/0));
  SmallVector<int64_t> others;
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    if (dim != projection.dim)
      others.push_back(dim);
  Value empty = tensor::EmptyOp::create(
      rewriter, loc,
      getMixedSizes(rewriter, type,
                    vitc::getBatchMultiple(linear.getInput()).value_or(1)),
      type.getElementType());
  return linalg::BroadcastOp::create(rewriter, loc, addend, empty, others)
      ->getResult(0);
}

/// Rows [begin, begin + size) of dim `dim`.
static Value slice(Value tokens, unsigned dim, int64_t begin, int64_t size,
                   RewriterBase &rewriter) {
  auto type = cast<RankedTensorType>(tokens.getType());
  if (type.getDimSize(dim) == size)
    return tokens;
  SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), rewriter.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes =
      getMixedSizes(rewriter, type, vitc::getBatchMultiple(tokens).value_or(1));
  offsets[dim] = rewriter.getIndexAttr(begin);
  sizes[dim] = rewriter.getIndexAttr(size);
  return tensor::ExtractSliceOp::create(rewriter, tokens.getLoc(), tokens,
                                        offsets, sizes, strides);
}

/// Moves projections of one input in front of their linear layers.
static void reassociate(ArrayRef<Projection> projections,
                        RewriterBase &rewriter) {
  const Projection &first = projections.front();
  // Where keys and values share a projection it is computed once.
  llvm::MapVector<WeightExprAttr, int64_t> begins;
  SmallVector<WeightExprAttr> weights;
  SmallVector<Location> locations;
  int64_t size = 0;
  for (const Projection &projection : projections) {
    locations.push_back(projection.op->getLoc());
    if (!begins.try_emplace(projection.weight, size).second)
      continue;
    weights.push_back(projection.weight);
    size += projection.weight.getType().getDimSize(0);
  }
  rewriter.setInsertionPoint(first.op);
  Location loc = rewriter.getFusedLoc(locations);
  Value weight =
      ConstantOp::create(rewriter, loc, WeightExprAttr::concat(weights));
  Value projected = buildSequenceProduct(
      rewriter, loc, {getInput(projections, rewriter), weight, first.dim});

  for (const Projection &projection : projections) {
    LinearOp linear = projection.linear;
    auto type = cast<RankedTensorType>(projection.op->getResult(0).getType());
    rewriter.setInsertionPoint(projection.op);
    Value rows = slice(projected, first.dim, begins.lookup(projection.weight),
                       projection.weight.getType().getDimSize(0), rewriter);
    Value addend = getAddend(projection, type, rewriter);
    rewriter
        .replaceOpWithNewOp<LinearOp>(projection.op, rows, linear.getWeight(),
                                      /*bias=*/Value(), addend,
                                      Activation::None, NormAttr())
        ->setLoc(
            rewriter.getFusedLoc({linear.getLoc(), projection.op->getLoc()}));
    rewriter.eraseOp(linear);
  }
}

namespace {
struct ReassociateProjectionPass final
    : vitc::vit::impl::ReassociateProjectionPassBase<
          ReassociateProjectionPass> {
  using Base::Base;
  void runOnOperation() override {
    // Projections of different blocks do not always run together.
    using Place = std::tuple<Value, Block *, unsigned>;
    llvm::MapVector<Place, SmallVector<Projection>> groups;
    getOperation().walk([&](Operation *op) {
      if (std::optional<Projection> match = matchProjection(op))
        groups[{match->linear.getInput(), op->getBlock(), match->dim}]
            .push_back(*match);
    });
    IRRewriter rewriter(&getContext());
    for (auto &[place, projections] : groups) {
      reassociate(projections, rewriter);
      numMoved += projections.size();
    }
  }
};
} // namespace
