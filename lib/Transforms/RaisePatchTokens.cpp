//===- RaisePatchTokens.cpp - Class tokens and positions of patches -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = vit.patch_embed %image, %filter
//   %1 = tensor.concat dim(1) %class_token, %0
//   %2 = %1 + %position
// becomes
//   %2 = vit.patch_embed %image, %filter tokens(%class_token)
//   position(%position)
// Positions may come before the tokens, which then have none, or after;
// register tokens may be put behind the class token later.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "MatchMean.h"
#include "SliceMatch.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Analysis/MovedInput.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEPATCHTOKENSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

//===----------------------------------------------------------------------===//
// Rows of constants
//===----------------------------------------------------------------------===//

/// The tensor that a linalg op broadcasts along dim 0 alone; `tensor` itself
/// where it is no such op's result.
static Value skipBatchBroadcast(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto broadcast = tensor.getDefiningOp<linalg::BroadcastOp>())
    return broadcast.getDimensions() == ArrayRef<int64_t>{0}
               ? broadcast.getInput()
               : tensor;
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  std::optional<vitc::MovedInput> moved =
      generic ? vitc::getMovedInput(generic) : std::nullopt;
  if (!moved || !readsAllBut({moved->tensor, moved->map, std::nullopt},
                             type.getShape(), {0}))
    return tensor;
  return moved->tensor;
}

/// A constant of rows * E elements as a weight [rows, E]; null for another
/// value.
static WeightExprAttr getRows(Value tensor, int64_t rows, int64_t embedDim) {
  tensor = skipUnitReshapes(skipBatchBroadcast(skipUnitReshapes(tensor)));
  WeightExprAttr expr;
  DenseElementsAttr data;
  if (auto weight = tensor.getDefiningOp<ConstantOp>())
    expr = weight.getValue();
  else if (matchPattern(tensor, m_Constant(&data)) &&
           data.getType().getRank() > 0)
    expr = WeightExprAttr::data(data);
  if (!expr || expr.getType().getNumElements() != rows * embedDim)
    return {};
  return WeightExprAttr::reshape(expr, {rows, embedDim});
}

static WeightExprAttr getZeros(WeightExprAttr rows) {
  return WeightExprAttr::data(DenseElementsAttr::get(
      rows.getType(),
      FloatAttr::get(rows.getType().getElementType(), 0).getValue()));
}

/// `rows` with `inserted` before row `index`; either may be null, for none.
static WeightExprAttr insertRows(WeightExprAttr rows, int64_t index,
                                 WeightExprAttr inserted) {
  if (!rows)
    return inserted;
  SmallVector<WeightExprAttr> parts;
  int64_t numRows = rows.getType().getDimSize(0);
  if (index > 0)
    parts.push_back(WeightExprAttr::slice(rows, 0, index));
  parts.push_back(inserted);
  if (index < numRows)
    parts.push_back(WeightExprAttr::slice(rows, index, numRows - index));
  return WeightExprAttr::concat(parts);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

namespace {
/// What a patch embedding grows into.
struct Folded {
  Operation *op;
  WeightExprAttr tokens, position;
};
} // namespace

static WeightExprAttr getExpr(Value parameter) {
  return parameter ? parameter.getDefiningOp<ConstantOp>().getValue()
                   : WeightExprAttr();
}

/// The concatenation that is the only reader of `embed`: whole, as the last
/// part, or as the parts behind and before what is inserted. Sets `index` to
/// the number of tokens before that.
static tensor::ConcatOp getConcat(PatchEmbedOp embed, int64_t &index) {
  tensor::ConcatOp concat;
  int64_t numTokens = embed.getType().getDimSize(1);
  index = 0;
  if (embed->hasOneUse()) {
    concat = dyn_cast<tensor::ConcatOp>(*embed->user_begin());
    if (concat && concat.getInputs().back() != embed.getResult())
      return {};
  } else {
    for (Operation *user : embed->getUsers()) {
      if (!isa<tensor::ExtractSliceOp>(user) || !user->hasOneUse())
        return {};
      auto reader = dyn_cast<tensor::ConcatOp>(*user->user_begin());
      if (!reader || (concat && reader != concat))
        return {};
      concat = reader;
    }
    if (!concat || std::distance(embed->user_begin(), embed->user_end()) != 2)
      return {};
    std::optional<Slice> front = matchSlice(concat.getInputs().front());
    std::optional<Slice> back = matchSlice(concat.getInputs().back());
    if (!front || !back || front->source != embed.getResult() ||
        back->source != embed.getResult() || !front->isRangeOf(1) ||
        !back->isRangeOf(1) || front->offsets[1] != 0 ||
        back->offsets[1] != front->sizes[1] ||
        back->offsets[1] + back->sizes[1] != numTokens)
      return {};
    index = front->sizes[1];
  }
  if (!concat || concat.getDim() != 1 || concat.getRank() != 3)
    return {};
  return concat;
}

/// Tokens put before the patches.
static std::optional<Folded> foldTokens(PatchEmbedOp embed) {
  int64_t index;
  tensor::ConcatOp concat = getConcat(embed, index);
  if (!concat || index > embed.getNumTokens())
    return std::nullopt;
  SmallVector<WeightExprAttr> parts;
  for (Value input : concat.getInputs().drop_back().drop_front(index > 0)) {
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(input.getType()).getShape();
    WeightExprAttr rows = getRows(input, shape[1], shape[2]);
    if (!rows) {
      concat.emitRemark("not folded into vit.patch_embed: it joins tokens that "
                        "are not constant");
      return std::nullopt;
    }
    parts.push_back(rows);
  }
  if (parts.empty())
    return std::nullopt;
  WeightExprAttr inserted = WeightExprAttr::concat(parts);
  WeightExprAttr position = getExpr(embed.getPosition());
  if (position)
    position = insertRows(position, index, getZeros(inserted));
  return Folded{concat, insertRows(getExpr(embed.getTokens()), index, inserted),
                position};
}

/// A constant for each token, added to it.
static std::optional<Folded> foldPosition(PatchEmbedOp embed) {
  if (!embed->hasOneUse() || embed->user_begin()->getNumResults() != 1)
    return std::nullopt;
  Operation *user = *embed->user_begin();
  if (user->getResult(0).getType() != embed.getType())
    return std::nullopt;
  std::optional<Elementwise> sum = matchElementwise(user->getResult(0));
  if (!sum || !sum->is<arith::AddFOp>())
    return std::nullopt;
  ArrayRef<int64_t> shape = embed.getType().getShape();
  for (unsigned index : {0, 1}) {
    const ElementwiseOperand &constant = sum->operands[1 - index];
    if (!sum->operands[index].isIdentity() ||
        sum->operands[index].tensor != embed.getResult() ||
        !readsAllBut(constant, shape, {0}))
      continue;
    WeightExprAttr rows = getRows(constant.tensor, shape[1], shape[2]);
    if (!rows)
      continue;
    WeightExprAttr position = getExpr(embed.getPosition());
    if (position)
      rows = WeightExprAttr::add(position, rows);
    return Folded{user, getExpr(embed.getTokens()), rows};
  }
  return std::nullopt;
}

/// The embedding with what was folded, in place of the op that it was in.
static PatchEmbedOp rebuild(PatchEmbedOp embed, const Folded &folded,
                            RewriterBase &rewriter) {
  rewriter.setInsertionPoint(folded.op);
  Location loc = rewriter.getFusedLoc({embed.getLoc(), folded.op->getLoc()});
  auto build = [&](WeightExprAttr expr) -> Value {
    if (!expr)
      return {};
    return ConstantOp::create(rewriter, loc, expr);
  };
  auto grown = PatchEmbedOp::create(
      rewriter, loc, embed.getImage(), embed.getFilter(), embed.getBias(),
      build(folded.tokens), build(folded.position), embed.getNormAttr());
  rewriter.replaceOp(folded.op, grown);
  return grown;
}

/// Whether tokens and positions, if there are any, can be part of others.
static bool isFoldable(PatchEmbedOp embed) {
  auto isConstant = [](Value parameter) {
    return !parameter || parameter.getDefiningOp<ConstantOp>();
  };
  return isConstant(embed.getTokens()) && isConstant(embed.getPosition());
}

namespace {
struct RaisePatchTokensPass final
    : vitc::vit::impl::RaisePatchTokensPassBase<RaisePatchTokensPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    eraseDeadOps(getOperation(), rewriter);
    SmallVector<PatchEmbedOp> embeds;
    getOperation().walk([&](PatchEmbedOp embed) {
      if (isFoldable(embed))
        embeds.push_back(embed);
    });
    for (PatchEmbedOp embed : embeds) {
      std::optional<Folded> folded;
      do {
        folded = foldTokens(embed);
        if (!folded)
          folded = foldPosition(embed);
        if (folded) {
          embed = rebuild(embed, *folded, rewriter);
          eraseDeadOps(getOperation(), rewriter);
          ++numRaised;
        }
      } while (folded);
    }
  }
};
} // namespace
