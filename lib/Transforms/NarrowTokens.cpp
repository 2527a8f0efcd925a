//===- NarrowTokens.cpp - Compute only the tokens that are read -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves slices of tokens up, through every op that works on tokens one by one:
//   %y = vit.linear %x, %w                     // [B, N, E]
//   %c = tensor.extract_slice %y[0, 0, 0] ...  // the class token
// becomes
//   %s = tensor.extract_slice %x[0, 0, 0] ...
//   %c = vit.linear %s, %w                     // [B, 1, E]
// Attention narrows its queries; keys and values keep all tokens. A map of the
// first query reads whatever the slices read, if that begins with token 0. One
// walk from the end upwards is enough, since every user is visited before its
// operands. An op is left alone when another token of its result is read, or
// when its dynamic size is not the batch of an argument.
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc::vit {
#define GEN_PASS_DEF_NARROWTOKENSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

namespace {
/// Tokens [begin, begin + size).
struct TokenRange {
  int64_t begin, size;
  bool operator==(const TokenRange &other) const {
    return begin == other.begin && size == other.size;
  }
};
} // namespace

/// The axis of tokens: [B, N, E] or [B, H, N, D].
static unsigned getTokenAxis(RankedTensorType type) {
  return type.getRank() - 2;
}

/// The tokens that a slice takes, when it takes all of every other axis.
static std::optional<TokenRange> getTokenRange(tensor::ExtractSliceOp slice) {
  RankedTensorType type = slice.getSourceType();
  if (type.getRank() < 3)
    return std::nullopt;
  unsigned axis = getTokenAxis(type);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (slice.getStaticStride(dim) != 1)
      return std::nullopt;
    bool whole = slice.getStaticOffset(dim) == 0 &&
                 (dim == 0 || slice.getStaticSize(dim) == type.getDimSize(dim));
    if (dim != axis && !whole)
      return std::nullopt;
  }
  TokenRange range{slice.getStaticOffset(axis), slice.getStaticSize(axis)};
  if (ShapedType::isDynamic(range.begin) || ShapedType::isDynamic(range.size) ||
      range.size == type.getDimSize(axis))
    return std::nullopt;
  return range;
}

/// Whether the use reads token 0 alone: the query of a map of the first query.
/// A bias or mask would have to narrow along.
static bool readsFirstToken(OpOperand &use) {
  auto map = dyn_cast<AttentionMapOp>(use.getOwner());
  return map && use == map.getQueryMutable() && !map.getBias() &&
         !map.getMask() && map.getQueries() == QuerySelection::First;
}

/// The one range that all slices of a value take. Other users read token 0 of
/// it.
static std::optional<TokenRange> getReadRange(Value value) {
  std::optional<TokenRange> range;
  bool firstIsRead = false;
  for (OpOperand &use : value.getUses()) {
    if (readsFirstToken(use)) {
      firstIsRead = true;
      continue;
    }
    auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner());
    std::optional<TokenRange> next =
        slice ? getTokenRange(slice) : std::nullopt;
    if (!next || (range && !(*range == *next)))
      return std::nullopt;
    range = next;
  }
  if (firstIsRead && range && range->begin != 0)
    return std::nullopt;
  return range;
}

static Value sliceTokens(OpBuilder &builder, Location loc, Value value,
                         TokenRange range) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes =
      getMixedSizes(builder, type, getBatchMultiple(value).value_or(1));
  unsigned axis = getTokenAxis(type);
  offsets[axis] = builder.getIndexAttr(range.begin);
  sizes[axis] = builder.getIndexAttr(range.size);
  return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes,
                                        strides);
}

/// Operands of `op` whose tokens are its result's tokens; empty when it mixes
/// tokens.
static SmallVector<OpOperand *> getTokenOperands(Operation *op) {
  return llvm::TypeSwitch<Operation *, SmallVector<OpOperand *>>(op)
      .Case([](LinearOp linear) {
        SmallVector<OpOperand *> operands = {&linear.getInputMutable()};
        for (OpOperand &residual : linear.getResidualMutable())
          operands.push_back(&residual);
        return operands;
      })
      .Case([](LayerNormOp norm) {
        return SmallVector<OpOperand *>{&norm.getInputMutable()};
      })
      .Case([](AttentionOp attention) {
        if (attention.getBias() || attention.getMask())
          return SmallVector<OpOperand *>{};
        return SmallVector<OpOperand *>{&attention.getQueryMutable()};
      })
      .Case<GeluOp, SplitHeadsOp, MergeHeadsOp>([](Operation *op) {
        return SmallVector<OpOperand *>{&op->getOpOperand(0)};
      })
      .Case<arith::AddFOp, arith::MulFOp, arith::SubFOp>([](Operation *op) {
        return SmallVector<OpOperand *>{&op->getOpOperand(0),
                                        &op->getOpOperand(1)};
      })
      .Default(SmallVector<OpOperand *>{});
}

static bool narrowTokens(Operation *op, RewriterBase &rewriter) {
  SmallVector<OpOperand *> operands = getTokenOperands(op);
  if (operands.empty() || op->use_empty())
    return false;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || type.getRank() < 3)
    return false;
  std::optional<TokenRange> range = getReadRange(op->getResult(0));
  if (!range || !llvm::all_of(operands, [&](OpOperand *operand) {
        auto type = cast<RankedTensorType>(operand->get().getType());
        return hasMixedSizes(op, type) &&
               (type.hasStaticShape() || getBatchMultiple(operand->get()));
      }))
    return false;

  rewriter.setInsertionPoint(op);
  IRMapping mapping;
  for (OpOperand *operand : operands)
    if (!mapping.contains(operand->get()))
      mapping.map(operand->get(),
                  sliceTokens(rewriter, op->getLoc(), operand->get(), *range));
  Operation *narrow = rewriter.clone(*op, mapping);
  // Attention reads the keys' and values' tokens as before.
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    narrow->setOperand(1, attention.getKey());
    narrow->setOperand(2, attention.getValue());
  }
  SmallVector<int64_t> shape(type.getShape());
  shape[getTokenAxis(type)] = range->size;
  narrow->getResult(0).setType(type.clone(shape));

  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    if (readsFirstToken(use)) {
      use.set(narrow->getResult(0));
      continue;
    }
    auto slice = cast<tensor::ExtractSliceOp>(use.getOwner());
    if (slice.getType() == narrow->getResult(0).getType()) {
      rewriter.replaceOp(slice, narrow);
      continue;
    }
    SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0));
    rewriter.setInsertionPoint(slice);
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        slice, slice.getType(), narrow->getResult(0), offsets,
        slice.getMixedSizes(), slice.getMixedStrides());
  }
  rewriter.eraseOp(op);
  return true;
}

namespace {
struct NarrowTokensPass final
    : vitc::vit::impl::NarrowTokensPassBase<NarrowTokensPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (Block &block : getOperation().getBody())
      for (Operation &op :
           llvm::make_early_inc_range(llvm::reverse(block.getOperations())))
        if (narrowTokens(&op, rewriter))
          ++numNarrowed;
  }
};
} // namespace
