//===- Structured.cpp - Evaluation of linalg's structured ops -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reduction whose body combines what it computed with the result by one op
// (a sum, a maximum) runs over all loops in their order, and combines in f64 or
// i64. Any other, such as an argmax with two results, runs over its parallel
// loops for one point of the reduction after the other.
//
//===----------------------------------------------------------------------===//

#include "Body.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Combiners
//===----------------------------------------------------------------------===//

/// The yielded op that combines the value of an init with `update`.
struct Combiner {
  Operation *op;
  Value update;
};

static bool isCombiner(Operation *op) {
  return isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
             arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
             arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp,
             arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op);
}

/// One for each result; none if a result is reduced otherwise.
static std::optional<SmallVector<Combiner>> getCombiners(linalg::LinalgOp op) {
  SmallVector<Combiner> combiners;
  Block *body = op.getBlock();
  for (auto [init, yielded] : llvm::zip_equal(
           op.getRegionOutputArgs(), body->getTerminator()->getOperands())) {
    Operation *combine = yielded.getDefiningOp();
    if (!combine || combine->getBlock() != body || !isCombiner(combine) ||
        !combine->hasOneUse() || !init.hasOneUse() ||
        *init.user_begin() != combine)
      return std::nullopt;
    bool first = combine->getOperand(0) == init;
    combiners.push_back({combine, combine->getOperand(first ? 1 : 0)});
  }
  return combiners;
}

/// Sums and products of narrow floats wait for their rounding.
template <typename T, typename Combine>
static void combineEach(ArrayRef<int64_t> offsets, const std::vector<T> &update,
                        std::vector<T> &result, Combine combine) {
  for (auto [i, offset] : llvm::enumerate(offsets))
    result[offset] = combine(result[offset], update[i]);
}

static void combine(Operation *op, ArrayRef<int64_t> offsets,
                    const Lanes &update, Lanes &result) {
  auto floats = [&](auto body) {
    combineEach(offsets, update.floats, result.floats, body);
  };
  auto integers = [&](auto body) {
    combineEach(offsets, update.integers, result.integers, body);
  };
  auto isMore = [](double x, double y) { return x > y || std::isnan(x); };
  if (isa<arith::AddFOp>(op))
    floats([](double x, double y) { return x + y; });
  else if (isa<arith::MulFOp>(op))
    floats([](double x, double y) { return x * y; });
  else if (isa<arith::MaximumFOp>(op))
    floats([&](double x, double y) { return isMore(x, y) ? x : y; });
  else if (isa<arith::MinimumFOp>(op))
    floats([&](double x, double y) { return isMore(-x, -y) ? x : y; });
  else if (isa<arith::MaxNumFOp>(op))
    floats([](double x, double y) { return std::fmax(x, y); });
  else if (isa<arith::MinNumFOp>(op))
    floats([](double x, double y) { return std::fmin(x, y); });
  else if (isa<arith::AddIOp>(op))
    integers([](uint64_t x, uint64_t y) { return int64_t(x + y); });
  else if (isa<arith::MulIOp>(op))
    integers([](uint64_t x, uint64_t y) { return int64_t(x * y); });
  else if (isa<arith::MaxSIOp>(op))
    integers([](int64_t x, int64_t y) { return std::max(x, y); });
  else if (isa<arith::MinSIOp>(op))
    integers([](int64_t x, int64_t y) { return std::min(x, y); });
  else if (isa<arith::MaxUIOp>(op))
    integers([](uint64_t x, uint64_t y) { return int64_t(std::max(x, y)); });
  else if (isa<arith::MinUIOp>(op))
    integers([](uint64_t x, uint64_t y) { return int64_t(std::min(x, y)); });
  else if (isa<arith::AndIOp>(op))
    integers([](int64_t x, int64_t y) { return x & y; });
  else if (isa<arith::OrIOp>(op))
    integers([](int64_t x, int64_t y) { return x | y; });
  else
    integers([](int64_t x, int64_t y) { return x ^ y; });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
class StructuredOp {
public:
  StructuredOp(linalg::LinalgOp op, ValueLookup lookup)
      : op(op), lookup(lookup), sizes(op.getStaticLoopRanges()),
        body(*op.getBlock(), lookup) {}
  FailureOr<ConstantTensors> run();

private:
  LogicalResult start();
  LogicalResult runCombiners(ArrayRef<Combiner> combiners);
  LogicalResult runInOrder();
  LogicalResult loadInputs(const Points &points);
  FailureOr<std::vector<int64_t>> getResultOffsets(unsigned result,
                                                   const Points &points);

  linalg::LinalgOp op;
  ValueLookup lookup;
  SmallVector<int64_t> sizes;
  Body body;
  /// Null where the body does not read it.
  SmallVector<const ConstantTensor *> inputs;
  ConstantTensors results;
};
} // namespace

LogicalResult StructuredOp::start() {
  int64_t points = 1;
  for (int64_t size : sizes) {
    if (ShapedType::isDynamic(size))
      return failure();
    if (llvm::MulOverflow(points, size, points) || points > kMaxPoints)
      return failure();
  }
  for (OpOperand *input : op.getDpsInputOperands()) {
    bool isRead = op.payloadUsesValueFromOperand(input);
    inputs.push_back(isRead ? lookup(input->get()) : nullptr);
    if (isRead && !inputs.back())
      return failure();
  }
  for (OpOperand &init : op.getDpsInitsMutable()) {
    ConstantTensor result(getConstantType(init.get().getType()));
    if (op.payloadUsesValueFromOperand(&init)) {
      const ConstantTensor *value = lookup(init.get());
      if (!value)
        return failure();
      std::copy(value->data(),
                value->data() + getConstantBytes(value->getType()),
                result.data());
    }
    results.push_back(result);
  }
  return success();
}

LogicalResult StructuredOp::loadInputs(const Points &points) {
  for (auto [operand, tensor] :
       llvm::zip_equal(op.getDpsInputOperands(), inputs)) {
    if (!tensor)
      continue;
    FailureOr<std::vector<int64_t>> offsets = points.getOffsets(
        op.getMatchingIndexingMap(operand), tensor->getShape());
    if (failed(offsets))
      return failure();
    gatherLanes(*tensor, *offsets, body[op.getMatchingBlockArgument(operand)]);
  }
  return success();
}

FailureOr<std::vector<int64_t>>
StructuredOp::getResultOffsets(unsigned result, const Points &points) {
  return points.getOffsets(
      op.getMatchingIndexingMap(op.getDpsInitOperand(result)),
      results[result].getShape());
}

LogicalResult StructuredOp::runCombiners(ArrayRef<Combiner> combiners) {
  // The combining ops see zeros; what they give is not used.
  SmallVector<Lanes> totals(results.size());
  for (auto [result, total] : llvm::zip_equal(results, totals))
    loadLanes(result, 0, result.size(), total);
  int64_t total = ShapedType::getNumElements(sizes);
  Points points(sizes);
  for (int64_t begin = 0; begin < total; begin += kLanes) {
    int64_t count = std::min(kLanes, total - begin);
    points.set(begin, count);
    if (failed(loadInputs(points)))
      return failure();
    for (BlockArgument init : op.getRegionOutputArgs()) {
      body[init].floats.assign(count, 0);
      body[init].integers.assign(count, 0);
    }
    if (failed(body.run(points, count)))
      return failure();
    for (auto [i, combiner] : llvm::enumerate(combiners)) {
      FailureOr<std::vector<int64_t>> offsets = getResultOffsets(i, points);
      if (failed(offsets))
        return failure();
      combine(combiner.op, *offsets, *body.getOperand(combiner.update, count),
              totals[i]);
    }
  }
  for (auto [result, total] : llvm::zip_equal(results, totals))
    storeLanes(total, 0, result.size(), result);
  return success();
}

LogicalResult StructuredOp::runInOrder() {
  SmallVector<unsigned> parallel, reduced;
  op.getParallelDims(parallel);
  op.getReductionDims(reduced);
  if (parallel.size() + reduced.size() != sizes.size())
    return failure();
  auto select = [&](ArrayRef<unsigned> dims) {
    return llvm::map_to_vector(dims, [&](unsigned dim) { return sizes[dim]; });
  };
  SmallVector<int64_t> outerSizes = select(reduced),
                       innerSizes = select(parallel);
  int64_t outerTotal = ShapedType::getNumElements(outerSizes);
  int64_t innerTotal = ShapedType::getNumElements(innerSizes);
  Points points(sizes), outer(outerSizes), inner(innerSizes);
  for (int64_t begin = 0; begin < innerTotal; begin += kLanes) {
    int64_t count = std::min(kLanes, innerTotal - begin);
    inner.set(begin, count);
    for (auto [i, dim] : llvm::enumerate(parallel))
      points.mutableIndex(dim) = inner.index(i);
    for (int64_t step = 0; step < outerTotal; ++step) {
      outer.set(step, 1);
      for (auto [i, dim] : llvm::enumerate(reduced))
        points.mutableIndex(dim).assign(count, outer.index(i)[0]);
      if (failed(loadInputs(points)))
        return failure();
      SmallVector<std::vector<int64_t>> offsets;
      for (auto [i, init] : llvm::enumerate(op.getRegionOutputArgs())) {
        FailureOr<std::vector<int64_t>> at = getResultOffsets(i, points);
        if (failed(at))
          return failure();
        gatherLanes(results[i], *at, body[init]);
        offsets.push_back(std::move(*at));
      }
      if (failed(body.run(points, count)))
        return failure();
      for (auto [i, yielded] :
           llvm::enumerate(op.getBlock()->getTerminator()->getOperands()))
        scatterLanes(*body.getOperand(yielded, count), offsets[i], results[i]);
    }
  }
  return success();
}

FailureOr<ConstantTensors> StructuredOp::run() {
  if (failed(start()))
    return failure();
  if (op.getNumReductionLoops() != 0)
    if (std::optional<SmallVector<Combiner>> combiners = getCombiners(op)) {
      if (failed(runCombiners(*combiners)))
        return failure();
      return results;
    }
  if (failed(runInOrder()))
    return failure();
  return results;
}

/// Whether operands have the sizes of the loops that index them. The verifier
/// takes a dynamic size for any.
static bool areSizesEqual(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (OpOperand &operand : op->getOpOperands())
    for (auto [size, expr] :
         llvm::zip_equal(op.getShape(&operand),
                         op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (loop && !ShapedType::isDynamic(size) &&
          size != sizes[loop.getPosition()])
        return false;
    }
  return true;
}

FailureOr<ConstantTensors> vitc::evaluateStructuredOp(linalg::LinalgOp op,
                                                      ValueLookup lookup) {
  if (!op.hasPureTensorSemantics() || !areSizesEqual(op))
    return failure();
  FailureOr<ConstantTensor> product = evaluateContraction(op, lookup);
  if (succeeded(product))
    return ConstantTensors{*product};
  return StructuredOp(op, lookup).run();
}
