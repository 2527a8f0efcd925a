//===- SharedKernels.cpp - Which kernels are one function -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedKernels.h"

#include "Kernel/KernelDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vitc::kernel;

std::optional<int64_t> vitc::kernel::getSharedConstant(OpOperand &operand) {
  // Layers differ in it, and would not share a function.
  auto map = dyn_cast<AttentionMapOp>(operand.getOwner());
  if (map && operand.get() == map.getLayer())
    return std::nullopt;
  return getConstant(operand.get());
}

std::optional<int64_t> vitc::kernel::getConstant(Value value) {
  IntegerAttr constant;
  if (value.getType().isIndex() && matchPattern(value, m_Constant(&constant)))
    return constant.getInt();
  return std::nullopt;
}

SmallVector<Value> vitc::kernel::getLaunchArguments(Operation *op) {
  llvm::SetVector<Value> arguments;
  for (OpOperand &operand : op->getOpOperands())
    if (!getSharedConstant(operand))
      arguments.insert(operand.get());
  return arguments.takeVector();
}

bool vitc::kernel::canShareFunction(Operation *lhs, Operation *rhs) {
  if (lhs->getName() != rhs->getName() ||
      lhs->getOperandTypes() != rhs->getOperandTypes() ||
      lhs->getPropertiesAsAttribute() != rhs->getPropertiesAsAttribute())
    return false;
  // An operand that is there twice is one argument.
  auto firstUse = [](Operation *op, Value operand) {
    return std::distance(op->operand_begin(),
                         llvm::find(op->getOperands(), operand));
  };
  for (auto [lhsOperand, rhsOperand] :
       llvm::zip(lhs->getOpOperands(), rhs->getOpOperands()))
    if (getSharedConstant(lhsOperand) != getSharedConstant(rhsOperand) ||
        firstUse(lhs, lhsOperand.get()) != firstUse(rhs, rhsOperand.get()))
      return false;
  return llvm::all_of_zip(
      lhs->getRegions(), rhs->getRegions(), [](Region &lhs, Region &rhs) {
        return OperationEquivalence::isRegionEquivalentTo(
            &lhs, &rhs, OperationEquivalence::IgnoreLocations);
      });
}
