//===- Linear.cpp - Linear layers and their activations -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

LogicalResult LinearOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto weight = cast<RankedTensorType>(adaptor.getWeight().getType());
  if (input.getRank() == 0)
    return emitOptionalError(location, "'vit.linear' op has input ", input,
                             "; needs rank 1 or more");
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = weight.getDimSize(0);
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult LinearOp::verify() {
  RankedTensorType input = getInput().getType();
  RankedTensorType weight = getWeight().getType();
  // C1
  if (input.getShape().back() != weight.getDimSize(1))
    return emitOpError() << "input ends in " << input.getShape().back()
                         << " but weight has K = " << weight.getDimSize(1)
                         << "; both are the last dim";
  // C2
  if (getBias() && getBias().getType().getDimSize(0) != weight.getDimSize(0))
    return emitOpError() << "bias has " << getBias().getType().getDimSize(0)
                         << " elements but weight has N = "
                         << weight.getDimSize(0);
  // C3
  if (getResidual() && getResidual().getType() != getResult().getType())
    return emitOpError() << "residual is " << getResidual().getType()
                         << " but result is " << getResult().getType();
  return success();
}

Activation GeluOp::getActivation() {
  switch (getForm()) {
  case GeluForm::Exact:
    return Activation::Gelu;
  case GeluForm::Tanh:
    return Activation::GeluTanh;
  case GeluForm::Quick:
    return Activation::GeluQuick;
  }
  llvm_unreachable("a GELU has one of the forms above");
}
