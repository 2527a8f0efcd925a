//===- ScalarBody.cpp - What one result of a body needs -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarBody.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;

static bool isScalarOp(Operation *op) {
  if (isa<linalg::IndexOp, tensor::ExtractOp, affine::AffineApplyOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(
             op->getDialect()) &&
         op->getNumRegions() == 0;
}

LogicalResult ScalarBody::visit(linalg::GenericOp op, Value value,
                                unsigned result) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != op.getBlock())
      return op.emitOpError() << "uses a value of type " << value.getType()
                              << " from outside of its body; needs an input "
                                 "or a constant";
    bool isOtherInit = argument.getArgNumber() >= op.getNumDpsInputs() &&
                       argument.getArgNumber() != op.getNumDpsInputs() + result;
    if (isOtherInit && op.getNumReductionLoops() > 0)
      return op.emitOpError() << "computes result " << result
                              << " from another result's accumulator; needs "
                                 "reductions that can be done one by one";
    arguments.insert(argument);
    // A scalar operand is what it is outside.
    Value operand = op.getMatchingOpOperand(argument)->get();
    return isa<ShapedType>(operand.getType()) ? success()
                                              : visit(op, operand, result);
  }
  Operation *definition = value.getDefiningOp();
  if (ops.contains(definition))
    return success();
  bool isInside = definition->getBlock() == op.getBlock();
  if (!isScalarOp(definition)) {
    if (!isInside)
      return op.emitOpError() << "uses a value of type " << value.getType()
                              << " from outside of its body; needs an input "
                                 "or a constant";
    return op.emitOpError() << "has '" << definition->getName()
                            << "' in its body; needs arith and math ops, "
                               "linalg.index and tensor.extract";
  }
  for (Value operand : definition->getOperands())
    if (isa<ShapedType>(operand.getType()))
      tables.insert(operand);
    else if (failed(visit(op, operand, result)))
      return failure();
  ops.insert(definition);
  return success();
}

FailureOr<ScalarBody> ScalarBody::find(linalg::GenericOp op, unsigned result) {
  ScalarBody body;
  body.yielded = op.getBlock()->getTerminator()->getOperand(result);
  if (failed(body.visit(op, body.yielded, result)))
    return failure();
  return body;
}

void ScalarBody::clone(ImplicitLocOpBuilder &builder, IRMapping &mapping,
                       ArrayRef<std::optional<unsigned>> dims) const {
  // A scalar operand's argument has the operand's value.
  auto lookup = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && !mapping.contains(value)) {
      auto op = cast<linalg::GenericOp>(argument.getOwner()->getParentOp());
      value = op.getMatchingOpOperand(argument)->get();
    }
    return mapping.lookup(value);
  };
  for (Operation *op : ops) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      if (!isa<ShapedType>(operand.getType()))
        operands.push_back(lookup(operand));
    Value result;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      std::optional<unsigned> dim = dims[index.getDim()];
      result = dim ? Value(kernel::IndexOp::create(
                         builder, builder.getIndexType(), *dim))
                   : arith::ConstantIndexOp::create(builder, 0);
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      auto *table = llvm::find(tables, extract.getTensor());
      result = kernel::LoadOp::create(builder, extract.getType(),
                                      table - tables.begin(), operands);
    } else if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
      result = affine::expandAffineMap(builder, builder.getLoc(),
                                       apply.getAffineMap(), operands)
                   ->front();
    } else {
      IRMapping scalars;
      scalars.map(op->getOperands(), operands);
      result = builder.clone(*op, scalars)->getResult(0);
    }
    mapping.map(op->getResult(0), result);
  }
  kernel::YieldOp::create(builder, lookup(yielded));
}
