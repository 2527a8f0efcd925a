//===- MovedProduct.cpp - Products whose results are moved ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MovedProduct.h"

#include "Movement.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::vit;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// One op that moves
//===----------------------------------------------------------------------===//

bool vitc::vit::isInvertible(Operation *op) {
  return isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                         linalg::TransposeOp, SplitHeadsOp, MergeHeadsOp,
                         WindowPartitionOp, WindowReverseOp, CyclicShiftOp>(op);
}

Value vitc::vit::moveBack(OpBuilder &builder, Operation *op, Value tensor) {
  Location loc = op->getLoc();
  auto toShape = [&](auto reshapeOp) {
    return reshape(builder, loc, tensor, getShape(reshapeOp.getSrc()));
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(toShape)
      .Case([&](linalg::TransposeOp transposeOp) {
        return transpose(builder, loc, tensor,
                         invertPermutationVector(transposeOp.getPermutation()));
      })
      .Case([&](SplitHeadsOp) -> Value {
        return MergeHeadsOp::create(builder, loc, tensor);
      })
      .Case([&](MergeHeadsOp merge) -> Value {
        return SplitHeadsOp::create(builder, loc, tensor,
                                    getShape(merge.getInput())[1]);
      })
      .Case([&](WindowPartitionOp partition) -> Value {
        return WindowReverseOp::create(
            builder, loc, tensor, partition.getWindow(),
            getShape(partition.getInput()).slice(1, 2));
      })
      .Case([&](WindowReverseOp reverse) -> Value {
        return WindowPartitionOp::create(builder, loc, tensor,
                                         reverse.getWindow());
      })
      .Case([&](CyclicShiftOp shift) -> Value {
        SmallVector<int64_t> back = llvm::map_to_vector(
            shift.getShift(), [](int64_t steps) { return -steps; });
        return CyclicShiftOp::create(builder, loc, tensor, back);
      })
      .Default([](Operation *) { return Value(); });
}

/// The only dim of a group that has more than one index, or its first; none
/// where there are several.
static std::optional<unsigned> getOnlyDim(ArrayRef<int64_t> group,
                                          ArrayRef<int64_t> shape) {
  std::optional<unsigned> only;
  for (int64_t dim : group) {
    if (shape[dim] == 1)
      continue;
    if (only)
      return std::nullopt;
    only = dim;
  }
  return only ? only : group.front();
}

/// The dim of the operand that dim `dim` of the result of `op`, an invertible
/// op, is.
static std::optional<unsigned> getSourceDim(Operation *op, unsigned dim) {
  using Result = std::optional<unsigned>;
  unsigned last = getShape(op->getResult(0)).size() - 1;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](tensor::CollapseShapeOp collapse) {
        return getOnlyDim(collapse.getReassociationIndices()[dim],
                          getShape(collapse.getSrc()));
      })
      .Case([&](tensor::ExpandShapeOp expand) -> Result {
        for (auto [source, group] :
             llvm::enumerate(expand.getReassociationIndices()))
          if (llvm::is_contained(group, dim) &&
              getOnlyDim(group, getShape(expand.getResult())) == dim)
            return source;
        return std::nullopt;
      })
      .Case([&](linalg::TransposeOp transposeOp) -> Result {
        return transposeOp.getPermutation()[dim];
      })
      .Case([&](CyclicShiftOp) -> Result { return dim; })
      .Case([&](WindowPartitionOp) -> Result {
        return dim == last ? Result(3) : std::nullopt;
      })
      .Case([&](WindowReverseOp) -> Result {
        return dim == last ? Result(2) : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<unsigned> vitc::vit::getSourceDim(ArrayRef<Operation *> movement,
                                                unsigned dim) {
  std::optional<unsigned> source = dim;
  for (Operation *op : movement)
    if (source)
      source = ::getSourceDim(op, *source);
  return source;
}

std::optional<unsigned> vitc::vit::getMovedDim(ArrayRef<Operation *> movement,
                                               Value value, unsigned dim) {
  for (unsigned i = 0, rank = getShape(value).size(); i < rank; ++i)
    if (getSourceDim(movement, i) == dim)
      return i;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Activation MovedProduct::getActivation() const {
  if (LinearOp linear = getLinear())
    return linear.getActivation();
  return getConv2d().getActivation();
}

Value MovedProduct::getResidual() const {
  if (LinearOp linear = getLinear())
    return linear.getResidual();
  return getConv2d().getResidual();
}

bool MovedProduct::isPlain() const {
  return getActivation() == Activation::None && !getResidual();
}

void MovedProduct::setActivation(Activation activation) const {
  if (LinearOp linear = getLinear())
    linear.setActivation(activation);
  else
    getConv2d().setActivation(activation);
}

std::optional<unsigned> MovedProduct::getChannelDim() const {
  unsigned channels = getConv2d() ? 1 : getShape(getResult()).size() - 1;
  Value value = movement.empty() ? getResult() : movement.front()->getResult(0);
  return getMovedDim(movement, value, channels);
}

Value MovedProduct::moveBack(OpBuilder &builder, Value tensor) const {
  for (Operation *op : movement)
    tensor = ::vitc::vit::moveBack(builder, op, tensor);
  return tensor;
}

Value MovedProduct::moveAgain(OpBuilder &builder, Value result) const {
  for (Operation *op : llvm::reverse(movement)) {
    IRMapping mapping;
    mapping.map(op->getOperand(0), result);
    result = builder.clone(*op, mapping)->getResult(0);
  }
  return result;
}

std::optional<MovedProduct> vitc::vit::getMovedProduct(Value value) {
  MovedProduct product;
  product.product = value.getDefiningOp();
  while (isInvertible(product.product)) {
    value = product.product->getOperand(0);
    if (!value.hasOneUse())
      return std::nullopt;
    product.movement.push_back(product.product);
    product.product = value.getDefiningOp();
  }
  if (!isa_and_nonnull<LinearOp, Conv2dOp>(product.product))
    return std::nullopt;
  return product;
}
