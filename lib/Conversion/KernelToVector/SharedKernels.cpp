//===- SharedKernels.cpp - Which kernels are one function -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedKernels.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

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

bool vitc::kernel::hasWeightsPerItem(GemmOp op) {
  return cast<ShapedType>(op.getWeights().getType()).getRank() == 2;
}

std::string vitc::kernel::getGemmName(GemmOp op) {
  std::string name = llvm::formatv("gemm_n{0}_k{1}", op.getN(), op.getK());
  if (op.getLhsScale())
    name += "_scaled";
  if (vitc::vit::NormAttr norm = op.getNormAttr())
    name += norm.getRms() ? "_rms_norm" : "_norm";
  if (op.getActivation() != vitc::vit::Activation::None)
    name += ("_" + vitc::vit::stringifyActivation(op.getActivation())).str();
  if (op.getResidual())
    name += "_residual";
  if (op.getStatistics())
    name += "_statistics";
  if (hasWeightsPerItem(op))
    name += "_batched";
  for (auto [operand, preposition] :
       {std::pair(op.getLhs(), "_from_"), std::pair(op.getWeights(), "_by_"),
        std::pair(op.getInit(), "_to_")})
    if (Type element = getElementTypeOrSelf(operand); !element.isF32())
      name += llvm::formatv("{0}{1}", preposition, element);
  return name;
}
