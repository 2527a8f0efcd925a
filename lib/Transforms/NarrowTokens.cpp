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
// Attention narrows its queries; keys and values keep all tokens. What
// attention maps read of all tokens is computed beside, so that the rest of
// @attention is @forward, op by op. One walk from the end upwards is enough,
// since every user is visited before its operands. An op is left alone when
// another token of its result is read, or when its dynamic size is not the
// batch of an argument.
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
#include "llvm/ADT/SmallPtrSet.h"
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

/// Whether a slice that begins at item 0 takes every item of a dynamic batch;
/// true for a static number of items.
static bool takesWholeBatch(tensor::ExtractSliceOp slice) {
  if (!ShapedType::isDynamic(slice.getStaticSize(0)))
    return true;
  std::optional<int64_t> multiple = getBatchMultiple(slice.getSource());
  return multiple && multiple == getBatchMultiple(slice.getResult());
}

/// The tokens that a slice takes, when it takes all of every other axis. Of the
/// batch it may take the first items.
static std::optional<TokenRange> getTokenRange(tensor::ExtractSliceOp slice) {
  RankedTensorType type = slice.getSourceType();
  if (type.getRank() < 3 || !takesWholeBatch(slice))
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

namespace {
/// Narrows the ops of a function, which are visited from the end upwards.
class Narrowing {
public:
  explicit Narrowing(RewriterBase &rewriter) : rewriter(rewriter) {}

  bool visit(Operation *op);

private:
  std::optional<TokenRange> getReadRange(Value value) const;
  bool narrow(Operation *op);
  bool feedsMapsOnly(Operation *op) const;

  RewriterBase &rewriter;
  /// Visited ops that attention maps alone read, and maps.
  llvm::SmallPtrSet<Operation *, 16> readByMaps;
};
} // namespace

bool Narrowing::feedsMapsOnly(Operation *op) const {
  if (isa<AttentionMapOp>(op))
    return true;
  return !op->use_empty() && llvm::all_of(op->getUsers(), [&](Operation *user) {
    return readByMaps.contains(user);
  });
}

/// The one range that all slices of a value take; maps may read all of it.
std::optional<TokenRange> Narrowing::getReadRange(Value value) const {
  std::optional<TokenRange> range;
  for (Operation *user : value.getUsers()) {
    if (readByMaps.contains(user))
      continue;
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    std::optional<TokenRange> next =
        slice ? getTokenRange(slice) : std::nullopt;
    if (!next || (range && !(*range == *next)))
      return std::nullopt;
    range = next;
  }
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
      .Case<LayerNormOp, RmsNormOp>([](auto norm) {
        return SmallVector<OpOperand *>{&norm.getInputMutable()};
      })
      .Case([](AttentionOp attention) {
        if (attention.getBias() || attention.getMask())
          return SmallVector<OpOperand *>{};
        return SmallVector<OpOperand *>{&attention.getQueryMutable()};
      })
      .Case([](SoftmaxMatmulOp attention) {
        return SmallVector<OpOperand *>{&attention.getScoresMutable()};
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

bool Narrowing::narrow(Operation *op) {
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
  // Attention reads the keys' and values' tokens as before, also where one of
  // them is its query, too.
  if (auto attention = dyn_cast<SoftmaxMatmulOp>(op))
    narrow->setOperand(1, attention.getValue());
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    narrow->setOperand(1, attention.getKey());
    narrow->setOperand(2, attention.getValue());
    if (std::optional<int64_t> causal = attention.getCausal())
      cast<AttentionOp>(narrow).setCausal(*causal + range->begin);
  }
  SmallVector<int64_t> shape(type.getShape());
  shape[getTokenAxis(type)] = range->size;
  narrow->getResult(0).setType(type.clone(shape));

  for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
    if (readByMaps.contains(user))
      continue;
    auto slice = cast<tensor::ExtractSliceOp>(user);
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
  return true;
}

bool Narrowing::visit(Operation *op) {
  bool isNarrowed = narrow(op);
  if (isNarrowed && op->use_empty())
    rewriter.eraseOp(op);
  else if (feedsMapsOnly(op))
    readByMaps.insert(op);
  return isNarrowed;
}

namespace {
struct NarrowTokensPass final
    : vitc::vit::impl::NarrowTokensPassBase<NarrowTokensPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Narrowing narrowing(rewriter);
    for (Block &block : getOperation().getBody())
      for (Operation &op :
           llvm::make_early_inc_range(llvm::reverse(block.getOperations())))
        if (narrowing.visit(&op))
          ++numNarrowed;
  }
};
} // namespace
