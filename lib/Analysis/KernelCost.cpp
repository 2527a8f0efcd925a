//===- KernelCost.cpp - What a kernel computes and moves ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/KernelCost.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/AffineMap.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/Footprint.h"
#include "vitc/Analysis/IndexRange.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

BatchCount &BatchCount::operator+=(const BatchCount &other) {
  base += other.base;
  perBatch += other.perBatch;
  return *this;
}

BatchCount KernelCost::getBytes() const {
  BatchCount bytes = weights;
  bytes += read;
  bytes += written;
  return bytes;
}

/// The elements of a `type` that a map touches over the box `sizes`: as many as
/// the dims that it uses have positions, and no more than its results can take.
static int64_t countTouched(ShapedType type, AffineMap map,
                            ArrayRef<int64_t> sizes) {
  int64_t positions = 1;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (map.isFunctionOfDim(dim))
      positions *= size;
  int64_t elements = 1;
  for (auto [expr, extent] :
       llvm::zip_equal(map.getResults(), type.getShape())) {
    std::optional<IndexRange> bounds = getIndexRange(expr, sizes);
    int64_t range = bounds ? bounds->last - bounds->first + 1 : positions;
    if (!ShapedType::isDynamic(extent))
      range = std::min(range, extent);
    elements *= range;
  }
  return std::min(positions, elements);
}

static int64_t getElementBytes(ShapedType type) {
  return vit::WeightExprAttr::getStoredElementBytes(type.getElementType());
}

namespace {
/// Adds up what one kernel does. Sizes are those behind the batch.
class CostCounter {
public:
  /// None where the batch is neither a number nor a multiple of the run's.
  static std::optional<CostCounter> create(Value batch) {
    if (std::optional<KernelSize> size = getKernelSize(batch))
      return CostCounter(size->factor, size->timesBatch);
    return std::nullopt;
  }

  /// `flops` for each item.
  void compute(int64_t flops) { add(cost.flops, flops * batch, isDynamic); }
  void read(Value operand, AffineMap map, ArrayRef<int64_t> sizes) {
    // Keys that are values, too, are the same elements.
    if (!operand || !known.insert({operand, map}).second)
      return;
    access(isWeight(operand) ? cost.weights : cost.read, operand, map, sizes,
           /*isWrite=*/false);
  }
  /// All of an operand or, where it has a part for each item, of that part.
  void readAll(Value operand) {
    if (!operand)
      return;
    addBytes(isWeight(operand) ? cost.weights : cost.read, operand,
             getNumElements(operand));
    AffineExpr item = getAffineDimExpr(0, operand.getContext());
    note(operand, AffineMap::get(1, 0, item), {}, /*isWrite=*/false);
  }
  void write(Value operand, AffineMap map, ArrayRef<int64_t> sizes) {
    access(cost.written, operand, map, sizes, /*isWrite=*/true);
  }
  /// The elements of a table of which `numLoads` are read.
  void readTable(Value table, int64_t numLoads) {
    int64_t elements = getNumElements(table);
    addBytes(isWeight(table) ? cost.weights : cost.read, table,
             isPerBatch(table) ? elements
                               : std::min(elements, numLoads * batch));
    note(table, AffineMap(), {}, /*isWrite=*/false);
  }

  KernelCost cost;

private:
  CostCounter(int64_t batch, bool isDynamic)
      : batch(batch), isDynamic(isDynamic) {}

  static void add(BatchCount &count, int64_t value, bool perBatch) {
    (perBatch ? count.perBatch : count.base) += value;
  }
  static bool isWeight(Value operand) {
    auto buffer = operand.getDefiningOp<BufferOp>();
    return buffer && buffer.getSpace() == Space::Weights;
  }
  bool isPerBatch(Value operand) const {
    return isDynamic && !cast<ShapedType>(operand.getType()).hasStaticShape();
  }
  /// At a batch of one.
  int64_t getNumElements(Value operand) const {
    int64_t elements = 1;
    for (int64_t size : cast<ShapedType>(operand.getType()).getShape())
      elements *= ShapedType::isDynamic(size) ? batch : size;
    return elements;
  }
  void addBytes(BatchCount &count, Value operand, int64_t elements) {
    auto type = cast<ShapedType>(operand.getType());
    add(count, elements * getElementBytes(type), isPerBatch(operand));
  }
  void access(BatchCount &count, Value operand, AffineMap map,
              ArrayRef<int64_t> sizes, bool isWrite) {
    note(operand, map, sizes, isWrite);
    auto type = cast<ShapedType>(operand.getType());
    add(count,
        countTouched(type, map, cost.accesses.back().sizes) *
            getElementBytes(type),
        isPerBatch(operand) && map.isFunctionOfDim(0));
  }
  void note(Value operand, AffineMap map, ArrayRef<int64_t> sizes,
            bool isWrite) {
    SmallVector<int64_t> box = {batch};
    llvm::append_range(box, sizes);
    cost.accesses.push_back({operand, map, box, isDynamic, isWrite});
  }

  /// Items of this kernel in a run, or in each item of the run's batch.
  int64_t batch;
  bool isDynamic;
  llvm::DenseSet<std::pair<Value, AffineMap>> known;
};
} // namespace

static LogicalResult count(GemmOp op, CostCounter &counter) {
  std::optional<int64_t> rows = getConstantIntValue(op.getRows());
  if (!rows)
    return failure();
  int64_t n = op.getN(), k = op.getK();
  counter.compute(*rows * n *
                  (2 * k + bool(op.getBias()) + bool(op.getResidual()) +
                   getActivationFlops(op.getActivation())));
  if (vit::NormAttr norm = op.getNormAttr())
    counter.compute(*rows * k *
                    (norm.getRms() ? kRmsNormFlops : kLayerNormFlops));
  counter.read(op.getLhs(), op.getLhsMap(), {*rows, k});
  if (op.getLhsScale()) {
    counter.compute(*rows * k * 2);
    counter.readAll(op.getLhsScale());
    counter.readAll(op.getLhsShift());
  }
  counter.compute(*rows * k * getActivationFlops(op.getLhsActivation()));
  counter.readAll(op.getWeights());
  counter.readAll(op.getBias());
  if (op.getResidual())
    counter.read(op.getResidual(), *op.getResidualMap(), {*rows, n});
  counter.write(op.getInit(), op.getResultMap(), {*rows, n});
  if (std::optional<int64_t> chunks = op.getNumChunks()) {
    // A difference, a sum, and a square that is added to another.
    counter.compute(*rows * n * 4);
    counter.write(op.getStatistics(),
                  AffineMap::getMultiDimIdentityMap(4, op.getContext()),
                  {*chunks, 2, n});
  }
  return success();
}

static LogicalResult count(AttentionOp op, CostCounter &counter) {
  std::optional<int64_t> queries = getConstantIntValue(op.getQueries());
  std::optional<int64_t> keys = getConstantIntValue(op.getKeys());
  if (!queries || !keys)
    return failure();
  int64_t heads = op.getHeads(), headDim = op.getHeadDim(),
          valueDim = op.getValueDim();
  counter.compute(heads * *queries * *keys *
                  (2 * (headDim + valueDim) + kSoftmaxFlops +
                   bool(op.getBias()) + bool(op.getMask())));
  if (op.getQuery())
    counter.read(op.getQuery(), *op.getQueryMap(), {heads, *queries, headDim});
  if (op.getKey())
    counter.read(op.getKey(), *op.getKeyMap(), {heads, *keys, headDim});
  counter.read(op.getValue(), op.getValueMap(), {heads, *keys, valueDim});
  if (op.getBias())
    counter.read(op.getBias(), *op.getBiasMap(), {heads, *queries, *keys});
  if (op.getMask())
    counter.read(op.getMask(), *op.getMaskMap(), {heads, *queries, *keys});
  if (op.getKeyLength())
    counter.read(op.getKeyLength(), *op.getKeyLengthMap(), {});
  counter.write(op.getInit(), op.getResultMap(), {heads, *queries, valueDim});
  return success();
}

static LogicalResult count(GroupedConvOp op, CostCounter &counter) {
  ArrayRef<int64_t> size = op.getSize(), inputSize = op.getInputSize();
  SmallVector<int64_t> box = {size[0], size[1], op.getOutputs()};
  int64_t terms = op.getTapRows() * op.getTapColumns() * op.getGroupChannels();
  counter.compute(llvm::product_of(box) *
                  (2 * terms + bool(op.getBias()) + bool(op.getResidual()) +
                   getActivationFlops(op.getActivation())));
  counter.read(op.getInput(), op.getInputMap(),
               {inputSize[0], inputSize[1],
                static_cast<int64_t>(op.getGroups()) * op.getGroupChannels()});
  counter.readAll(op.getFilter());
  counter.readAll(op.getBias());
  if (op.getResidual())
    counter.read(op.getResidual(), *op.getResidualMap(), box);
  counter.write(op.getInit(), op.getResultMap(), box);
  return success();
}

static LogicalResult count(NormOp op, CostCounter &counter) {
  std::optional<int64_t> rows = getConstantIntValue(op.getRows());
  if (!rows)
    return failure();
  SmallVector<int64_t> box = {*rows, static_cast<int64_t>(op.getChannels())};
  counter.compute(llvm::product_of(box) *
                  ((op.getRms() ? kRmsNormFlops : kLayerNormFlops) +
                   bool(op.getScale()) + bool(op.getShift())));
  counter.read(op.getInput(), op.getInputMap(), box);
  counter.readAll(op.getScale());
  counter.readAll(op.getShift());
  counter.write(op.getInit(), op.getResultMap(), box);
  return success();
}

static LogicalResult count(MeanOp op, CostCounter &counter) {
  std::optional<int64_t> rows = getConstantIntValue(op.getRows());
  if (!rows)
    return failure();
  int64_t channels = op.getChannels();
  counter.compute(*rows * channels);
  counter.read(op.getInput(), op.getInputMap(), {*rows, channels});
  counter.write(op.getInit(), op.getResultMap(), {channels});
  return success();
}

static LogicalResult count(GatherOp op, CostCounter &counter) {
  SmallVector<int64_t> box(op.getSizes());
  box.append(op.getOffsets().size(), 1);
  counter.read(op.getInput(), op.getInputMap(), box);
  counter.write(op.getInit(), op.getResultMap(), box);
  return success();
}

static LogicalResult count(GenericOp op, CostCounter &counter) {
  SmallVector<int64_t> box(op.getSizes());
  llvm::append_range(box, op.getReduce());
  int64_t iterations = llvm::product_of(box), flops = 0;
  for (Operation &inner : op.getBody().front()) {
    if (isa<math::MathDialect, arith::ArithDialect>(inner.getDialect()) &&
        !inner.hasTrait<OpTrait::ConstantLike>())
      ++flops;
    if (auto load = dyn_cast<LoadOp>(inner))
      counter.readTable(op.getTables()[load.getTable()], iterations);
  }
  counter.compute(iterations * flops);
  for (auto [input, map] : llvm::zip_equal(
           op.getInputs(), op.getInputMaps().getAsValueRange<AffineMapAttr>()))
    counter.read(input, map, box);
  if (!op.getReduce().empty() && !op.getIdentity())
    counter.read(op.getInit(), op.getResultMap(), box);
  counter.write(op.getInit(), op.getResultMap(), box);
  return success();
}

std::optional<KernelCost> vitc::getKernelCost(Operation *kernel) {
  std::optional<CostCounter> counter =
      CostCounter::create(kernel->getOperand(0));
  if (!counter)
    return std::nullopt;
  LogicalResult known =
      llvm::TypeSwitch<Operation *, LogicalResult>(kernel)
          .Case<GemmOp, AttentionOp, GroupedConvOp, NormOp, MeanOp, GatherOp,
                GenericOp>([&](auto op) { return count(op, *counter); })
          // Which queries attention_map takes is known when it runs.
          .Default(failure());
  if (failed(known))
    return std::nullopt;
  return counter->cost;
}

DenseI64ArrayAttr vitc::getWork(Operation *kernel) {
  std::optional<KernelCost> cost = getKernelCost(kernel);
  if (!cost)
    return nullptr;
  BatchCount bytes = cost->getBytes();
  return DenseI64ArrayAttr::get(
      kernel->getContext(),
      {cost->flops.base, cost->flops.perBatch, bytes.base, bytes.perBatch});
}
