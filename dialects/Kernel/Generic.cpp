//===- Generic.cpp - Data movement and what has no kernel of its own ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "Kernel/Verify.h"

using namespace mlir;
using namespace vitc::kernel;

static LogicalResult verifySizes(Operation *op, ArrayRef<int64_t> sizes) {
  if (sizes.empty())
    return op->emitOpError("has no sizes; needs 1 or more");
  for (int64_t size : sizes)
    if (size <= 0)
      return op->emitOpError() << "has size " << size << "; needs 1 or more";
  return success();
}

LogicalResult GatherOp::verify() {
  unsigned numDims = 1 + getSizes().size();
  // C1
  if (failed(verifyMap(*this, "input", getInputMap(), numDims, getInput())) ||
      failed(verifyMap(*this, "init", getResultMap(), numDims, getInit())))
    return failure();
  // C2
  if (failed(verifySizes(*this, getSizes())))
    return failure();
  return verifyDestination(*this, getInit());
}

void GatherOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}

LogicalResult GenericOp::verify() {
  unsigned numDims = 1 + getSizes().size();
  // C1
  if (getInputMaps().size() != getInputs().size())
    return emitOpError() << "has " << getInputs().size() << " inputs and "
                         << getInputMaps().size() << " input maps";
  for (auto [input, map] :
       llvm::zip(getInputs(), getInputMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyMap(*this, "input", map, numDims, input)))
      return failure();
  if (failed(verifyMap(*this, "init", getResultMap(), numDims, getInit())))
    return failure();
  // C2
  if (failed(verifySizes(*this, getSizes())))
    return failure();
  // C3
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError() << "has a body of " << body.getNumArguments()
                         << " arguments for " << getInputs().size()
                         << " inputs";
  for (auto [argument, input] : llvm::zip(body.getArguments(), getInputs()))
    if (argument.getType() != getElementTypeOrSelf(input.getType()))
      return emitOpError() << "has a body argument of type "
                           << argument.getType() << " for input "
                           << input.getType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield)
    return emitOpError() << "has a body that ends in '"
                         << body.getTerminator()->getName()
                         << "'; needs kernel.yield";
  if (yield.getValue().getType() != getElementTypeOrSelf(getInit().getType()))
    return emitOpError() << "yields " << yield.getValue().getType()
                         << " for init " << getInit().getType();
  return verifyDestination(*this, getInit());
}

void GenericOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}
