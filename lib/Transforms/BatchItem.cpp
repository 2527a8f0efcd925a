//===- BatchItem.cpp - What all items of a batch share --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters expand masks to the batch before they are done with them:
//   %0 = linalg.generic ins(%m : tensor<1x8xi1>)   // -> tensor<?x8xi1>
//   %1 = linalg.generic ins(%0) { arith.select }   // -> tensor<?x8xf32>
// No op of these tells items apart, so that one item is computed of %m alone.
//
//===----------------------------------------------------------------------===//

#include "BatchItem.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

/// The type with a batch of one, which is dim 0 alone; null for another.
static RankedTensorType getItemType(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.hasStaticShape())
    return type;
  SmallVector<int64_t> shape(type.getShape());
  if (!ShapedType::isDynamic(shape.front()))
    return {};
  shape.front() = 1;
  auto item = RankedTensorType::get(shape, type.getElementType());
  return item.hasStaticShape() ? item : RankedTensorType();
}

/// Whether dim 0 is a batch that a batch of one replaces.
static bool hasBatch(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 &&
         (tensor.isDynamicDim(0) || tensor.getDimSize(0) == 1);
}

/// Whether the op computes each item alike of the same item of its operands.
static bool isAlikeForItems(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return true;
  if (op->getNumRegions() == 0)
    return isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
           op->hasTrait<OpTrait::Elementwise>() &&
           llvm::all_of(op->getOperandTypes(), [](Type type) {
             return !isa<RankedTensorType>(type) || hasBatch(type);
           });
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !generic.getIndexingMapsArray().back().isIdentity())
    return false;
  // The batch is loop 0, and that loop nothing but the batch: a static size
  // gives each item its own elements.
  for (auto [type, map] : llvm::zip_equal(generic->getOperandTypes(),
                                          generic.getIndexingMapsArray()))
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      bool isBatch = dim == 0 && isa<AffineDimExpr>(expr) && hasBatch(type);
      bool isDynamic = cast<ShapedType>(type).isDynamicDim(dim);
      if (expr.isFunctionOfDim(0) ? !isBatch : isDynamic)
        return false;
    }
  auto readsBatch = [](linalg::IndexOp index) { return index.getDim() == 0; };
  WalkResult walk = generic.getBody()->walk([&](Operation *inner) {
    auto index = dyn_cast<linalg::IndexOp>(inner);
    return index && readsBatch(index) ? WalkResult::interrupt()
                                      : WalkResult::advance();
  });
  return !walk.wasInterrupted();
}

/// An op whose result has sizes as operands or attributes; null for another.
static Value buildOfSizes(OpBuilder &builder, Operation *op,
                          RankedTensorType type, IRMapping &items) {
  Location loc = op->getLoc();
  if (isa<tensor::EmptyOp>(op))
    return tensor::EmptyOp::create(builder, loc, type.getShape(),
                                   type.getElementType());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getReassociationIndices().front().size() == 1
               ? tensor::ExpandShapeOp::create(builder, loc, type,
                                               items.lookup(expand.getSrc()),
                                               expand.getReassociationIndices())
                     .getResult()
               : Value();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return collapse.getReassociationIndices().front().size() == 1
               ? tensor::CollapseShapeOp::create(
                     builder, loc, type, items.lookup(collapse.getSrc()),
                     collapse.getReassociationIndices())
                     .getResult()
               : Value();
  return {};
}

/// Longer chains are left alone.
static constexpr int64_t kMaxDepth = 256;

static Value buildItem(OpBuilder &builder, Value value, IRMapping &items,
                       int64_t depth) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.hasStaticShape())
    return value;
  if (Value known = items.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  RankedTensorType itemType = getItemType(value);
  if (!op || !itemType || depth == kMaxDepth)
    return {};
  bool isAlike = isAlikeForItems(op);
  if (isAlike || isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    for (Value operand : op->getOperands()) {
      if (!isa<RankedTensorType>(operand.getType()))
        continue;
      Value item = buildItem(builder, operand, items, depth + 1);
      if (!item)
        return {};
      items.map(operand, item);
    }
  }
  Value item = buildOfSizes(builder, op, itemType, items);
  if (!item && isAlike) {
    Operation *copy = builder.clone(*op, items);
    copy->getResult(0).setType(itemType);
    item = copy->getResult(0);
  }
  if (item)
    items.map(value, item);
  return item;
}

Value vitc::vit::buildBatchItem(OpBuilder &builder, Value value) {
  IRMapping items;
  return buildItem(builder, value, items, 0);
}
