//===- InPlace.cpp - Kernels that may overwrite what they read ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InPlace.h"

#include "Kernel/KernelDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::kernel;

/// Whether init may take the memory of `operand`: of one type and map, and read
/// by nothing else of the op.
static bool isShareable(Operation *op, Value operand, AffineMap map, Value init,
                        AffineMap resultMap) {
  return operand.getType() == init.getType() && map == resultMap &&
         llvm::count(op->getOperands(), operand) == 1;
}

SmallVector<Value> vitc::kernel::getInPlaceOperands(Operation *op) {
  SmallVector<Value> operands;
  auto add = [&](Value operand, AffineMap map, auto typedOp) {
    if (isShareable(op, operand, map, typedOp.getInit(),
                    typedOp.getResultMap()))
      operands.push_back(operand);
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](GemmOp op) {
        if (op.getResidual() && op.getK() <= kInPlaceDepth)
          add(op.getResidual(), *op.getResidualMap(), op);
      })
      .Case([&](GroupedConvOp op) {
        if (op.getResidual())
          add(op.getResidual(), *op.getResidualMap(), op);
      })
      .Case([&](NormOp op) { add(op.getInput(), op.getInputMap(), op); })
      .Case([&](GenericOp op) {
        if (!op.getReduce().empty())
          return;
        for (auto [input, map] :
             llvm::zip(op.getInputs(),
                       op.getInputMaps().getAsValueRange<AffineMapAttr>()))
          add(input, map, op);
      });
  return operands;
}
