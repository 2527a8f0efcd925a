//===- RaiseKeyLength.cpp - Masks of a cache's free rows -> key lengths ---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %k = vit.split_heads (vit.cache_update %cache, %rows at %p)
//   %m = ...  // 0 for j <= %p, -inf for other keys
//   %r = vit.attention %q, %k, %v mask(%m)
// becomes
//   %r = vit.attention %q, %k, %v key_length(%p + 1)
// which reads the rows of the cache that there are, and no others. A mask is
// evaluated at each position that the cache has room for; masks of more than
// kMaxPositions stay. Numbers of at most -1e9 mask as -inf does, as each query
// sees another key.
//
//===----------------------------------------------------------------------===//

#include "BatchItem.h"
#include "BatchSize.h"
#include "DeadOps.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEKEYLENGTHPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// What masks a key beside one that is seen: no score of use is as far from
/// another.
static constexpr double kLargestMask = -1e9;

/// A mask of so many positions is evaluated within seconds.
static constexpr int64_t kMaxPositions = 2048;

/// What keys are moved from, if that is a cache.
static CacheUpdateOp getCache(Value key) {
  while (Operation *op = key.getDefiningOp()) {
    if (auto cache = dyn_cast<CacheUpdateOp>(op))
      return cache;
    if (!isa<SplitHeadsOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             linalg::TransposeOp>(op))
      return {};
    key = op->getOperand(0);
  }
  return {};
}

/// Of addends [.., .., Nq, Nk], the number of keys that all queries see, if
/// those are the first ones, for which 0 is added.
static std::optional<int64_t> getNumSeen(DenseElementsAttr addend) {
  int64_t keys = addend.getType().getShape().back();
  std::optional<int64_t> seen;
  int64_t ofRow = 0;
  for (auto [index, element] : llvm::enumerate(addend.getValues<APFloat>())) {
    int64_t key = static_cast<int64_t>(index) % keys;
    double number = FloatAttr::getValueAsDouble(element);
    if (key == 0)
      ofRow = 0;
    if (number == 0 && ofRow == key)
      ++ofRow;
    else if (!(number <= kLargestMask))
      return std::nullopt;
    if (key != keys - 1)
      continue;
    if (ofRow == 0 || (seen && *seen != ofRow))
      return std::nullopt;
    seen = ofRow;
  }
  return seen;
}

namespace {
/// Takes the masks that keys of a cache have out of what attentions add.
class KeyLengthRaiser {
public:
  explicit KeyLengthRaiser(func::FuncOp function)
      : evaluator(function->getParentOfType<ModuleOp>()),
        rewriter(function.getContext()) {}

  LogicalResult raise(AttentionOp attention);

private:
  std::optional<int64_t> computeOffset(Value addend);
  std::optional<int64_t> getOffset(Value addend);
  Value removeMasks(Value addend);
  Value buildKeyLength(AttentionOp attention);

  Evaluator evaluator;
  IRRewriter rewriter;
  CacheUpdateOp cache;
  /// Keys behind the position that the masks removed leave, at most.
  std::optional<int64_t> offset;
  /// By addend and position.
  DenseMap<std::pair<Value, Value>, std::optional<int64_t>> offsets;
};
} // namespace

/// The number of keys that the addend leaves, minus the position, if that is
/// the same at each position.
std::optional<int64_t> KeyLengthRaiser::computeOffset(Value addend) {
  Value item = buildBatchItem(rewriter, addend);
  if (!item)
    return std::nullopt;
  TypedValue<RankedTensorType> position = cache.getPosition();
  RankedTensorType positionType = position.getType();
  int64_t keys = cast<RankedTensorType>(item.getType()).getShape().back();
  int64_t last =
      cache.getType().getDimSize(1) - cache.getRows().getType().getDimSize(1);
  std::optional<int64_t> result;
  for (int64_t at = 0; at <= last; ++at) {
    auto number = DenseElementsAttr::get(
        positionType,
        rewriter.getIntegerAttr(positionType.getElementType(), at));
    DenseElementsAttr values = evaluator.evaluate(item, position, number);
    std::optional<int64_t> seen = values ? getNumSeen(values) : std::nullopt;
    if (!seen)
      return std::nullopt;
    if (!result)
      result = *seen;
    // Also one that leaves all keys is no mask.
    if (*seen != std::min(at + *result, keys) || (at == 0 && *seen == keys))
      return std::nullopt;
  }
  return result;
}

std::optional<int64_t> KeyLengthRaiser::getOffset(Value addend) {
  auto [found, isNew] =
      offsets.try_emplace({addend, cache.getPosition()}, std::nullopt);
  if (isNew)
    found->second = computeOffset(addend);
  return found->second;
}

/// The addend without its terms that mask free rows; null where nothing is
/// left.
Value KeyLengthRaiser::removeMasks(Value addend) {
  if (std::optional<int64_t> own = getOffset(addend)) {
    offset = std::min(offset.value_or(*own), *own);
    return {};
  }
  auto sum = addend.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return addend;
  Value lhs = removeMasks(sum.getLhs()), rhs = removeMasks(sum.getRhs());
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  if (lhs == sum.getLhs() && rhs == sum.getRhs())
    return addend;
  return arith::AddFOp::create(rewriter, sum.getLoc(), lhs, rhs);
}

/// position + offset for each item of the batch.
Value KeyLengthRaiser::buildKeyLength(AttentionOp attention) {
  Location loc = attention.getLoc();
  Value position = cache.getPosition();
  Type element = getElementTypeOrSelf(position);
  auto query = cast<RankedTensorType>(attention.getQuery().getType());
  auto type = RankedTensorType::get(query.getDimSize(0), element);
  int64_t multiple = getBatchMultiple(attention.getQuery()).value_or(1);
  Value init = tensor::EmptyOp::create(
      rewriter, loc, getMixedSizes(rewriter, type, multiple), element);
  AffineMap first = AffineMap::get(1, 0, rewriter.getAffineConstantExpr(0));
  auto lengths = linalg::GenericOp::create(
      rewriter, loc, type, position, init,
      {first, rewriter.getMultiDimIdentityMap(1)},
      utils::IteratorType::parallel,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value number = arith::ConstantOp::create(
            b, loc, b.getIntegerAttr(element, *offset));
        Value sum = arith::AddIOp::create(b, loc, args[0], number);
        linalg::YieldOp::create(b, loc, sum);
      });
  return lengths.getResult(0);
}

LogicalResult KeyLengthRaiser::raise(AttentionOp attention) {
  cache = getCache(attention.getKey());
  if (!cache || attention.getKeyLength() ||
      (!attention.getBias() && !attention.getMask()) ||
      !hasMixedSizes(attention, attention.getQuery().getType()))
    return failure();
  if (cache.getType().getDimSize(1) > kMaxPositions) {
    attention.emitRemark() << "reads a whole cache of "
                           << cache.getType().getDimSize(1)
                           << " positions; masks of up to " << kMaxPositions
                           << " are evaluated";
    return failure();
  }
  offset = std::nullopt;
  rewriter.setInsertionPoint(attention);
  auto removeFrom = [&](MutableOperandRange addend) {
    if (addend.empty())
      return;
    if (Value left = removeMasks(addend[0].get()))
      addend.assign(left);
    else
      addend.clear();
  };
  removeFrom(attention.getBiasMutable());
  removeFrom(attention.getMaskMutable());
  if (!offset)
    return failure();
  attention.getKeyLengthMutable().assign(buildKeyLength(attention));
  return success();
}

namespace {
struct RaiseKeyLengthPass final
    : vitc::vit::impl::RaiseKeyLengthPassBase<RaiseKeyLengthPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    {
      KeyLengthRaiser raiser(getOperation());
      getOperation().walk([&](AttentionOp attention) {
        if (succeeded(raiser.raise(attention)))
          ++numRaised;
      });
    }
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
