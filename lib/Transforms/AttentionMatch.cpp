//===- AttentionMatch.cpp - Softmax between two products ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Starts at the product with the values (WeightedValues.cpp), whose dims get
// names, and follows them up: through softmax, sums and scales to the product
// of queries and keys, and through movement to where queries, keys and values
// come from. Which axes meet where tells batch, heads, queries, keys and
// channels from each other.
//
//===----------------------------------------------------------------------===//

#include "AttentionMatch.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace vitc::vit;

/// How far a product may be above its softmax, in ops.
static constexpr unsigned kMaxDepth = 16;

namespace {
class AttentionMatcher {
public:
  AttentionMatcher(linalg::SoftmaxOp softmax, AttentionMatch &match,
                   std::string &reason)
      : softmax(softmax), match(match), space(match.space), reason(reason) {}
  LogicalResult run();

private:
  LogicalResult fail(const Twine &why) {
    reason = why.str();
    return failure();
  }
  LogicalResult matchScores(Value value, DimAxes dims, double factor);
  LogicalResult matchSelect(const Elementwise &select, ArrayRef<AxisList> dims,
                            double factor);
  LogicalResult matchSoftcap(const ElementwiseOperand &scores,
                             ArrayRef<AxisList> dims, double factor);
  LogicalResult addMultiplier(const ElementwiseOperand &scores,
                              const ElementwiseOperand &multiplier,
                              bool divides, ArrayRef<AxisList> dims,
                              double factor);
  void addAddend(const ElementwiseOperand &operand, ArrayRef<AxisList> dims,
                 double factor);
  void addAddend(Value value, DimAxes dims, double factor);
  LogicalResult matchProduct(Contraction product, ArrayRef<AxisList> dims,
                             double factor);
  void followOperand(AttentionOperand &operand, bool takesScale);
  LogicalResult nameAxes();
  LogicalResult checkTypes();
  bool sharesDimWithChannels(unsigned axis) const;
  void takeHeadDim(llvm::function_ref<bool(unsigned)> isShared);

  linalg::SoftmaxOp softmax;
  AttentionMatch &match;
  AxisSpace &space;
  std::string &reason;
  /// The dims of the softmax, and those of key and value where they enter their
  /// products.
  DimAxes scoreDims, keyDims, valueDims;
};
} // namespace

/// Whether a product that is no constant is above `value`.
static bool hasProductAbove(Value value, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > kMaxDepth)
    return false;
  if (std::optional<Contraction> product = matchContraction(value))
    return !isMovedConstant(product->lhs) || !isMovedConstant(product->rhs);
  AxisSpace space;
  Value source = value;
  if (std::optional<DimAxes> dims = space.addDims(value))
    if (space.stepUp(source, *dims))
      return hasProductAbove(source, depth + 1);
  std::optional<Elementwise> match = matchElementwise(value);
  if (!match || !match->is<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                           arith::DivFOp, arith::SelectOp, arith::ExtFOp,
                           arith::TruncFOp, math::TanhOp>())
    return false;
  return llvm::any_of(match->operands, [&](const ElementwiseOperand &operand) {
    return operand.tensor && hasProductAbove(operand.tensor, depth + 1);
  });
}

LogicalResult AttentionMatcher::run() {
  WeightedValues values;
  if (failed(matchWeightedValues(softmax, space, values, reason)))
    return failure();
  match.product = values.product;
  match.value = values.value;
  match.resultDims = values.resultDims;
  match.keys = values.keys;
  match.valueChannels = values.valueChannels;
  scoreDims = values.scoreDims;
  valueDims = values.value.dims;
  if (failed(matchScores(softmax.getInput(), scoreDims, 1)))
    return failure();
  followOperand(match.query, /*takesScale=*/true);
  followOperand(match.key, /*takesScale=*/true);
  followOperand(match.value, /*takesScale=*/false);
  return success(succeeded(nameAxes()) && succeeded(checkTypes()));
}

//===----------------------------------------------------------------------===//
// Up to queries and keys
//===----------------------------------------------------------------------===//

void AttentionMatcher::addAddend(Value value, DimAxes dims, double factor) {
  for (;;) {
    if (space.stepUp(value, dims))
      continue;
    std::optional<Elementwise> sum = matchElementwise(value);
    if (!sum || !sum->is<arith::AddFOp>())
      break;
    for (const ElementwiseOperand &operand : sum->operands)
      addAddend(operand, dims, factor);
    return;
  }
  match.addends.push_back({{value, dims}, factor, true});
}

void AttentionMatcher::addAddend(const ElementwiseOperand &operand,
                                 ArrayRef<AxisList> dims, double factor) {
  // The same number for all keys changes no probability.
  if (!operand.scalar)
    addAddend(operand.tensor, AxisSpace::compose(operand.map, dims), factor);
}

/// select(condition, number, scores) or select(condition, scores, number).
LogicalResult AttentionMatcher::matchSelect(const Elementwise &select,
                                            ArrayRef<AxisList> dims,
                                            double factor) {
  bool where = select.operands[1].scalar.has_value();
  const ElementwiseOperand &condition = select.operands[0];
  const ElementwiseOperand &masked = select.operands[where ? 1 : 2];
  const ElementwiseOperand &scores = select.operands[where ? 2 : 1];
  if (!masked.scalar || !scores.tensor || !condition.tensor)
    return fail("a select between two computed tensors makes the scores");
  double number = *masked.scalar * factor;
  llvm::raw_string_ostream stream(reason);
  if (!(number <= kMaskedScore)) {
    stream << "masked scores are " << number << "; -1e30 or less is needed";
    return failure();
  }
  for (const AttentionAddend &addend : match.addends)
    if (addend.isMask() && addend.factor != number) {
      stream << "masked scores are " << addend.factor << " and " << number
             << "; one number is needed";
      return failure();
    }
  Value value = condition.tensor;
  DimAxes conditionDims = AxisSpace::compose(condition.map, dims);
  while (space.stepUp(value, conditionDims))
    ;
  match.addends.push_back({{value, conditionDims}, number, where});
  return matchScores(scores.tensor, AxisSpace::compose(scores.map, dims),
                     factor);
}

LogicalResult AttentionMatcher::addMultiplier(
    const ElementwiseOperand &scores, const ElementwiseOperand &multiplier,
    bool divides, ArrayRef<AxisList> dims, double factor) {
  Value value = multiplier.tensor;
  DimAxes multiplierDims = AxisSpace::compose(multiplier.map, dims);
  while (space.stepUp(value, multiplierDims))
    ;
  match.multipliers.push_back({{value, multiplierDims}, divides});
  size_t numAddends = match.addends.size();
  if (failed(matchScores(scores.tensor, AxisSpace::compose(scores.map, dims),
                         factor)))
    return failure();
  if (match.addends.size() != numAddends)
    return fail("a scale that is no number multiplies bias or mask");
  return success();
}

/// factor * tanh(scores): the factor is the cap of factor * scores.
LogicalResult AttentionMatcher::matchSoftcap(const ElementwiseOperand &scores,
                                             ArrayRef<AxisList> dims,
                                             double factor) {
  if (match.softcap)
    return fail("the scores have two softcaps");
  if (!match.multipliers.empty())
    return fail("a scale that is no number multiplies scores with a softcap");
  if (!scores.tensor || !std::isfinite(factor) || factor == 0)
    return fail("the scores are tanh of no product");
  match.softcap = std::abs(factor);
  size_t numAddends = match.addends.size();
  if (failed(matchScores(scores.tensor, AxisSpace::compose(scores.map, dims),
                         factor)))
    return failure();
  if (match.addends.size() != numAddends)
    return fail("a softcap limits the sum of scores and bias or mask");
  return success();
}

LogicalResult AttentionMatcher::matchScores(Value value, DimAxes dims,
                                            double factor) {
  for (;;) {
    if (std::optional<Contraction> product = matchContraction(value))
      return matchProduct(*product, dims, factor);
    if (space.stepUp(value, dims))
      continue;
    if (std::optional<Scaled> scaled = matchScaled(value)) {
      factor *= scaled->factor;
      dims = AxisSpace::compose(scaled->tensor.map, dims);
      value = scaled->tensor.tensor;
      continue;
    }
    std::optional<Elementwise> op = matchElementwise(value);
    if (!op)
      break;
    if (op->is<arith::ExtFOp, arith::TruncFOp>()) {
      dims = AxisSpace::compose(op->operands[0].map, dims);
      value = op->operands[0].tensor;
      continue;
    }
    if (op->is<arith::SelectOp>())
      return matchSelect(*op, dims, factor);
    if (op->is<math::TanhOp>())
      return matchSoftcap(op->operands[0], dims, factor);
    if (!op->is<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>())
      break;

    bool isFirst =
        op->operands[0].tensor && hasProductAbove(op->operands[0].tensor);
    const ElementwiseOperand &scores = op->operands[isFirst ? 0 : 1];
    const ElementwiseOperand &other = op->operands[isFirst ? 1 : 0];
    if (!scores.tensor || !hasProductAbove(scores.tensor))
      break;
    if (op->is<arith::MulFOp, arith::DivFOp>()) {
      if (op->is<arith::DivFOp>() && !isFirst)
        return fail("the scores are a divisor");
      return addMultiplier(scores, other, op->is<arith::DivFOp>(), dims,
                           factor);
    }
    bool subtracts = op->is<arith::SubFOp>();
    addAddend(other, dims, subtracts && isFirst ? -factor : factor);
    dims = AxisSpace::compose(scores.map, dims);
    value = scores.tensor;
    if (subtracts && !isFirst)
      factor = -factor;
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return fail("the scores are an argument");
  return fail("the scores come from " + Twine(op->getName().getStringRef()) +
              ", not from a product of queries and keys");
}

/// Query and key may be scaled before their product.
void AttentionMatcher::followOperand(AttentionOperand &operand,
                                     bool takesScale) {
  for (;;) {
    if (space.stepUp(operand.tensor, operand.dims))
      continue;
    std::optional<Scaled> scaled =
        takesScale ? matchScaled(operand.tensor) : std::nullopt;
    if (!scaled)
      return;
    match.scale *= scaled->factor;
    operand.dims = AxisSpace::compose(scaled->tensor.map, operand.dims);
    operand.tensor = scaled->tensor.tensor;
  }
}

LogicalResult AttentionMatcher::matchProduct(Contraction product,
                                             ArrayRef<AxisList> dims,
                                             double factor) {
  match.scale = factor;
  DimAxes loops(product.sizes.size());
  bindLoops(loops, product.resultMap, space.resolveDims(dims));
  AxisList keys = space.resolve(match.keys);
  auto isReadBy = [&](AffineMap map) {
    AxisList read = flatten(AxisSpace::compose(map, loops));
    return llvm::count_if(
        keys, [&](unsigned axis) { return llvm::is_contained(read, axis); });
  };
  int64_t inLhs = isReadBy(product.lhsMap), inRhs = isReadBy(product.rhsMap);
  if (inLhs > 0 && inRhs > 0)
    return fail("softmax is taken along an axis that both factors of the "
                "scores have");
  if (inLhs + inRhs != static_cast<int64_t>(keys.size()))
    return fail("softmax is taken along an axis that the product of queries "
                "and keys has not");
  if (inLhs > 0)
    product = product.swapped();

  std::optional<DimAxes> query = space.addDims(product.lhs);
  if (!query)
    return fail("an operand is empty or has a dynamic size that is no known "
                "multiple of the batch");
  for (auto [expr, dim] : llvm::zip(product.lhsMap.getResults(), *query)) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (!llvm::is_contained(product.k, loop))
      continue;
    loops[loop] = dim;
    llvm::append_range(match.channels, dim);
  }
  match.query = {product.lhs, AxisSpace::compose(product.lhsMap, loops)};
  match.key = {product.rhs, AxisSpace::compose(product.rhsMap, loops)};
  keyDims = match.key.dims;
  return success();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Heads lie beside their channels in the embedding that queries or keys are
/// split from.
bool AttentionMatcher::sharesDimWithChannels(unsigned axis) const {
  for (const AttentionOperand *operand : {&match.query, &match.key})
    for (const AxisList &dim : space.resolveDims(operand->dims))
      if (llvm::is_contained(dim, axis) &&
          llvm::any_of(match.channels, [&](unsigned channel) {
            return llvm::is_contained(dim, channel);
          }))
        return true;
  return false;
}

/// Where queries and keys come with their heads in a dim of their own, that is
/// the third from the end, or, where queries are there, the last one before.
void AttentionMatcher::takeHeadDim(function_ref<bool(unsigned)> isShared) {
  int64_t rank = scoreDims.size();
  if (rank < 4)
    return;
  auto isHeadDim = [&](const AxisList &dim) {
    return llvm::all_of(dim, [&](unsigned axis) {
      return isShared(axis) && !space.isDynamic(axis) &&
             !llvm::is_contained(match.keys, axis);
    });
  };
  const AxisList *dim = &scoreDims[rank - 3];
  for (int64_t index = rank - 1; index > 0 && !isHeadDim(*dim); --index)
    if (!scoreDims[index].empty())
      dim = &scoreDims[index];
  if (!isHeadDim(*dim))
    return;
  match.heads = *dim;
  llvm::erase_if(match.batch, [&](unsigned axis) {
    return llvm::is_contained(match.heads, axis);
  });
}

LogicalResult AttentionMatcher::nameAxes() {
  for (AxisList *list : {&match.keys, &match.channels, &match.valueChannels})
    *list = space.resolve(*list);
  for (DimAxes *dims : {&match.query.dims, &match.key.dims, &match.value.dims,
                        &match.resultDims, &scoreDims, &keyDims, &valueDims})
    *dims = space.resolveDims(*dims);
  // Of probabilities that are sliced, the other rows are not computed.
  for (AxisList &dim : scoreDims)
    llvm::erase_if(dim, [&](unsigned axis) { return space.isFixed(axis); });
  for (AttentionAddend &addend : match.addends)
    addend.dims = space.resolveDims(addend.dims);
  for (AttentionMultiplier &multiplier : match.multipliers)
    multiplier.dims = space.resolveDims(multiplier.dims);

  for (const AxisList *list :
       {&match.keys, &match.channels, &match.valueChannels})
    if (ShapedType::isDynamic(space.getSize(*list)))
      return fail("keys or channels grow with the batch");

  AxisList shared = flatten(keyDims);
  llvm::append_range(shared, flatten(valueDims));
  auto isShared = [&](unsigned axis) {
    return llvm::is_contained(shared, axis) || space.isDynamic(axis);
  };
  for (unsigned axis : flatten(scoreDims)) {
    if (llvm::is_contained(match.keys, axis))
      continue;
    if (!space.isDynamic(axis) && sharesDimWithChannels(axis))
      match.heads.push_back(axis);
    else
      (isShared(axis) ? match.batch : match.queries).push_back(axis);
  }
  if (match.heads.empty())
    takeHeadDim(isShared);
  // The dim that grows is the first one of vit.attention's.
  auto growing = llvm::find_if(
      match.batch, [&](unsigned axis) { return space.isDynamic(axis); });
  if (growing != match.batch.end())
    std::rotate(match.batch.begin(), growing, growing + 1);

  for (const AttentionMultiplier &multiplier : match.multipliers)
    for (unsigned axis : flatten(multiplier.dims))
      if (llvm::is_contained(match.keys, axis))
        return fail("a scale that is no number differs between keys");
  return success();
}

/// vit.attention has one element type; masks of i1 become numbers of it.
LogicalResult AttentionMatcher::checkTypes() {
  Type element = getElementTypeOrSelf(match.query.tensor);
  auto check = [&](const char *role, Value value) {
    Type type = getElementTypeOrSelf(value);
    if (type == element)
      return success();
    llvm::raw_string_ostream(reason)
        << role << " is " << type << ", the query " << element;
    return failure();
  };
  llvm::APFloat mask(kMaskedScore);
  bool losesInfo;
  mask.convert(cast<FloatType>(element).getFloatSemantics(),
               llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  for (const AttentionAddend &addend : match.addends) {
    if (addend.isMask() && !std::isinf(addend.factor) && !mask.isFinite()) {
      llvm::raw_string_ostream(reason)
          << "masked scores are " << addend.factor << ", beyond " << element;
      return failure();
    }
    if (!addend.isMask() && failed(check("a bias or mask", addend.tensor)))
      return failure();
  }
  for (const AttentionMultiplier &multiplier : match.multipliers)
    if (failed(check("a scale that is no number", multiplier.tensor)))
      return failure();
  return success(succeeded(check("the key", match.key.tensor)) &&
                 succeeded(check("the value", match.value.tensor)) &&
                 succeeded(check("the result", match.product->getResult(0))));
}

LogicalResult vitc::vit::matchAttention(linalg::SoftmaxOp softmax,
                                        AttentionMatch &match,
                                        std::string &reason) {
  return AttentionMatcher(softmax, match, reason).run();
}
