//===- Generic.cpp - linalg.generic to kernel.generic ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;

/// Checks that the body is arithmetic on its arguments and on constants.
static LogicalResult verifyBody(linalg::GenericOp op) {
  for (Operation &inner : *op.getBlock()) {
    bool isScalar =
        isa<linalg::YieldOp>(inner) ||
        (isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) &&
         inner.getNumRegions() == 0);
    if (!isScalar)
      return op.emitOpError() << "has '" << inner.getName()
                              << "' in its body; needs arith and math ops";
    for (Value operand : inner.getOperands())
      if (operand.getParentBlock() != op.getBlock() &&
          !operand.getDefiningOp<arith::ConstantOp>())
        return op.emitOpError()
               << "uses a value of type " << operand.getType()
               << " from outside of its body; needs an input or a constant";
  }
  return success();
}

LogicalResult KernelEmitter::convert(linalg::GenericOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      op.getNumDpsInits() != 1 || op.getNumLoops() == 0 ||
      op.hasIndexSemantics() ||
      !op.getMatchingBlockArgument(op.getDpsInitOperand(0)).use_empty())
    return op.emitOpError("has no kernel; only elementwise bodies with one "
                          "result have one");
  SmallVector<int64_t> loops = op.getStaticLoopRanges();
  if (llvm::is_contained(ArrayRef<int64_t>(loops).drop_front(),
                         ShapedType::kDynamic))
    return op.emitOpError("has a dynamic loop that is not the batch");
  if (failed(verifyBody(op)))
    return failure();

  Box box = getBox(loops);
  // Splat constants become scalars in the body.
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<std::pair<BlockArgument, FloatAttr>> splats;
  SmallVector<BlockArgument> arguments;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(operand);
    DenseElementsAttr constantValue;
    if (matchPattern(operand->get(), m_Constant(&constantValue))) {
      if (!constantValue.isSplat() ||
          !isa<FloatType>(constantValue.getElementType()))
        return op.emitOpError("has a constant operand that is no float splat");
      splats.emplace_back(argument, constantValue.getSplatValue<FloatAttr>());
      continue;
    }
    if (!isa<RankedTensorType>(operand->get().getType()))
      return op.emitOpError("has a scalar operand; needs tensors");
    ValueAccess access = read(operand->get());
    inputs.push_back(access.base);
    maps.push_back(access.map.compose(
        op.getMatchingIndexingMap(operand).compose(box.map)));
    arguments.push_back(argument);
  }

  Destination destination = write(op.getResult(0));
  AffineMap resultMap = destination.map.compose(
      op.getMatchingIndexingMap(op.getDpsInitOperand(0)).compose(box.map));
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(destination.init.getType()), box.batch, box.sizes,
      inputs, builder.getAffineMapArrayAttr(maps), destination.init,
      AffineMapAttr::get(resultMap), kernel::RowTilingAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&generic.getBody());
    IRMapping mapping;
    for (BlockArgument argument : arguments)
      mapping.map(argument, body->addArgument(argument.getType(), op.getLoc()));
    for (auto [argument, value] : splats)
      mapping.map(argument, arith::ConstantOp::create(builder, value));
    for (Operation &inner : *op.getBlock())
      for (Value operand : inner.getOperands())
        if (operand.getParentBlock() != op.getBlock() &&
            !mapping.contains(operand))
          mapping.map(operand,
                      builder.clone(*operand.getDefiningOp())->getResult(0));
    for (Operation &inner : op.getBlock()->without_terminator())
      builder.clone(inner, mapping);
    Value yielded = op.getBlock()->getTerminator()->getOperand(0);
    kernel::YieldOp::create(builder, mapping.lookup(yielded));
  }
  finish(destination, generic.getResult(0));
  return success();
}
