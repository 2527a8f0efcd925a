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
// kMaxPositions stay. Numbers of at most -1e9 mask as -inf does where each
// query sees another key: all else that is added has to be finite then.
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
#include "mlir/Transforms/RegionUtils.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

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

/// A sum of kMaxAddends of these leaves a key masked that such a number masks.
static constexpr double kLargestTerm = 1e6;

/// Sums of more values stay as they are.
static constexpr size_t kMaxAddends = 64;

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

namespace {
/// 0 for the first keys, as many as `seen`, and -inf for the others, or, where
/// it is finite, some number of at most kLargestMask.
struct SeenKeys {
  int64_t seen;
  bool isFinite;
};

/// The same at each position, which sees position + offset keys.
struct KeyMask {
  int64_t offset;
  bool isFinite;
};

/// An addend, the position in the cache, and the last one.
using AddendKey = std::tuple<Value, Value, int64_t>;
} // namespace

/// Of addends [.., .., Nq, Nk], what all queries see, if that is alike.
static std::optional<SeenKeys> getSeenKeys(ArrayRef<double> addends,
                                           int64_t keys) {
  std::optional<int64_t> seen;
  bool isFinite = false;
  for (; !addends.empty(); addends = addends.drop_front(keys)) {
    ArrayRef<double> row = addends.take_front(keys);
    const double *end = llvm::find_if(row, [](double x) { return x != 0; });
    int64_t ofRow = end - row.begin();
    if (ofRow == 0 || (seen && *seen != ofRow))
      return std::nullopt;
    seen = ofRow;
    for (double number : row.drop_front(ofRow)) {
      if (!(number <= kLargestMask))
        return std::nullopt;
      isFinite |= std::isfinite(number);
    }
  }
  if (!seen)
    return std::nullopt;
  return SeenKeys{*seen, isFinite};
}

/// Whether `value` is computed from `source`.
static bool isReached(Value value, Value source) {
  llvm::SetVector<Value> values;
  values.insert(value);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == source)
      return true;
    if (Operation *op = values[i].getDefiningOp()) {
      values.insert(op->operand_begin(), op->operand_end());
      getUsedValuesDefinedAbove(op->getRegions(), values);
    }
  }
  return false;
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
  /// The value with a batch of one is visited at each position.
  Evaluator::Outcome
  evaluateEach(Value addend,
               llvm::function_ref<bool(int64_t, ArrayRef<double>)> visit);
  std::optional<KeyMask> computeMask(Value addend);
  bool computeIsBounded(Value addend);
  std::optional<KeyMask> getMask(Value addend);
  bool isBounded(Value addend);
  int64_t getLastPosition() {
    return cache.getType().getDimSize(1) -
           cache.getRows().getType().getDimSize(1);
  }

  LogicalResult findMasks(ValueRange addends);
  void keepFiniteMasks();
  Value removeMasks(Value addend, DenseMap<Value, Value> &left);
  Value buildKeyLength(int64_t offset);

  Evaluator evaluator;
  IRRewriter rewriter;
  DenseMap<AddendKey, std::optional<KeyMask>> knownMasks;
  DenseMap<AddendKey, bool> knownBounded;

  AttentionOp attention;
  CacheUpdateOp cache;
  /// What the attention adds: masks, and terms that are none.
  llvm::SmallMapVector<Value, KeyMask, 4> masks;
  SmallVector<Value> others;
};
} // namespace

//===----------------------------------------------------------------------===//
// Addends
//===----------------------------------------------------------------------===//

Evaluator::Outcome KeyLengthRaiser::evaluateEach(
    Value addend, llvm::function_ref<bool(int64_t, ArrayRef<double>)> visit) {
  Value item = buildBatchItem(rewriter, addend);
  if (!item)
    return Evaluator::Outcome::NoValue;
  // The first ones and the last tell most other addends from masks.
  int64_t last = getLastPosition();
  SmallVector<int64_t> positions = {0};
  if (last > 1)
    positions.append({1, last});
  else if (last == 1)
    positions.push_back(1);
  for (int64_t at = 2; at < last; ++at)
    positions.push_back(at);
  auto outcome =
      evaluator.evaluateEach(item, cache.getPosition(), positions, visit);
  if (outcome == Evaluator::Outcome::TooLong)
    attention.emitRemark() << "adds " << addend.getType()
                           << ", which takes too long to evaluate at "
                           << positions.size() << " positions of a cache";
  return outcome;
}

/// The number of keys that the addend leaves, minus the position, if that is
/// the same at each position.
std::optional<KeyMask> KeyLengthRaiser::computeMask(Value addend) {
  int64_t keys = cast<RankedTensorType>(addend.getType()).getShape().back();
  std::optional<KeyMask> mask;
  auto outcome = evaluateEach(addend, [&](int64_t at, ArrayRef<double> row) {
    std::optional<SeenKeys> found = getSeenKeys(row, keys);
    // Also one that leaves all keys is no mask.
    if (!found || (at == 0 && found->seen == keys))
      return false;
    if (!mask)
      mask = {found->seen - at, false};
    mask->isFinite |= found->isFinite;
    return found->seen == std::min(at + mask->offset, keys);
  });
  return outcome == Evaluator::Outcome::AllVisited ? mask : std::nullopt;
}

bool KeyLengthRaiser::computeIsBounded(Value addend) {
  return evaluateEach(addend, [](int64_t, ArrayRef<double> elements) {
           return llvm::all_of(
               elements, [](double x) { return std::abs(x) <= kLargestTerm; });
         }) == Evaluator::Outcome::AllVisited;
}

std::optional<KeyMask> KeyLengthRaiser::getMask(Value addend) {
  auto [found, isNew] = knownMasks.try_emplace(
      {addend, cache.getPosition(), getLastPosition()}, std::nullopt);
  if (isNew)
    found->second = computeMask(addend);
  return found->second;
}

/// Whether no element is far from 0, at any position.
bool KeyLengthRaiser::isBounded(Value addend) {
  auto [found, isNew] = knownBounded.try_emplace(
      {addend, cache.getPosition(), getLastPosition()}, false);
  if (isNew)
    found->second = computeIsBounded(addend);
  return found->second;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Fails for a sum of too many values.
LogicalResult KeyLengthRaiser::findMasks(ValueRange addends) {
  masks.clear();
  others.clear();
  llvm::SetVector<Value> pending(addends.begin(), addends.end());
  for (size_t i = 0; i < pending.size(); ++i) {
    if (pending.size() > kMaxAddends) {
      attention.emitRemark() << "adds sums of more than " << kMaxAddends
                             << " values, which are not searched for masks";
      return failure();
    }
    Value addend = pending[i];
    if (std::optional<KeyMask> mask = getMask(addend)) {
      masks.insert({addend, *mask});
    } else if (auto sum = addend.getDefiningOp<arith::AddFOp>()) {
      pending.insert(sum.getLhs());
      pending.insert(sum.getRhs());
    } else {
      others.push_back(addend);
    }
  }
  return success();
}

/// A finite mask leaves the keys of a row of which something else masks those
/// that it sees.
void KeyLengthRaiser::keepFiniteMasks() {
  auto isFinite = [](const auto &mask) { return mask.second.isFinite; };
  if (llvm::none_of(masks, isFinite))
    return;
  IntegerAttr causal = attention.getCausalAttr();
  bool isFirstSeen = !causal || causal.getInt() >= 0;
  if (isFirstSeen &&
      llvm::all_of(others, [&](Value other) { return isBounded(other); }))
    return;
  attention.emitRemark()
      << "adds a mask of finite numbers beside what may mask all other keys; "
         "the mask stays, and all rows of the cache are read";
  masks.remove_if(isFinite);
}

/// The addend without its terms that mask free rows; null where nothing is
/// left. As deep as findMasks has let it be.
Value KeyLengthRaiser::removeMasks(Value addend, DenseMap<Value, Value> &left) {
  if (masks.contains(addend))
    return {};
  auto sum = addend.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return addend;
  if (auto known = left.find(addend); known != left.end())
    return known->second;
  Value lhs = removeMasks(sum.getLhs(), left);
  Value rhs = removeMasks(sum.getRhs(), left);
  Value result = addend;
  if (!lhs || !rhs)
    result = lhs ? lhs : rhs;
  else if (lhs != sum.getLhs() || rhs != sum.getRhs())
    result = arith::AddFOp::create(rewriter, sum.getLoc(), lhs, rhs);
  left[addend] = result;
  return result;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// position + offset for each item of the batch.
Value KeyLengthRaiser::buildKeyLength(int64_t offset) {
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
            b, loc, b.getIntegerAttr(element, offset));
        Value sum = arith::AddIOp::create(b, loc, args[0], number);
        linalg::YieldOp::create(b, loc, sum);
      });
  return lengths.getResult(0);
}

LogicalResult KeyLengthRaiser::raise(AttentionOp op) {
  attention = op;
  cache = getCache(attention.getKey());
  SmallVector<Value> addends;
  for (Value addend : {attention.getBias(), attention.getMask()})
    if (addend)
      addends.push_back(addend);
  if (!cache || attention.getKeyLength() || addends.empty() ||
      !hasMixedSizes(attention, attention.getQuery().getType()))
    return failure();
  if (cache.getType().getDimSize(1) > kMaxPositions) {
    if (llvm::any_of(addends, [&](Value addend) {
          return isReached(addend, cache.getPosition());
        }))
      attention.emitRemark()
          << "reads a whole cache of " << cache.getType().getDimSize(1)
          << " positions; masks of up to " << kMaxPositions << " are evaluated";
    return failure();
  }
  rewriter.setInsertionPoint(attention);
  if (failed(findMasks(addends)))
    return failure();
  keepFiniteMasks();
  if (masks.empty())
    return failure();
  DenseMap<Value, Value> left;
  auto removeFrom = [&](MutableOperandRange addend) {
    if (addend.empty())
      return;
    if (Value rest = removeMasks(addend[0].get(), left))
      addend.assign(rest);
    else
      addend.clear();
  };
  removeFrom(attention.getBiasMutable());
  removeFrom(attention.getMaskMutable());
  int64_t offset = masks.front().second.offset;
  for (const auto &[addend, mask] : masks)
    offset = std::min(offset, mask.offset);
  attention.getKeyLengthMutable().assign(buildKeyLength(offset));
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
