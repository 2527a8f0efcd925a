//===- Norm.cpp - Normalisation -------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

/// Checks that epsilon is a number of 0 or more.
static LogicalResult verifyEpsilon(Operation *op, const APFloat &value) {
  double epsilon = value.convertToDouble();
  if (!(epsilon >= 0))
    return op->emitOpError() << "epsilon is " << epsilon << "; needs 0 or more";
  return success();
}

LogicalResult LayerNormOp::verify() {
  RankedTensorType input = getInput().getType();
  int64_t channels = input.getShape().back();
  // C1
  if (getScale() && getScale().getType().getDimSize(0) != channels)
    return emitOpError() << "scale has " << getScale().getType().getDimSize(0)
                         << " elements but input ends in C = " << channels;
  // C2
  if (getShift() && getShift().getType().getDimSize(0) != channels)
    return emitOpError() << "shift has " << getShift().getType().getDimSize(0)
                         << " elements but input ends in C = " << channels;
  // C3
  return verifyEpsilon(*this, getEpsilon());
}

LogicalResult RmsNormOp::verify() {
  int64_t channels = getInput().getType().getShape().back();
  // C1
  if (getScale() && getScale().getType().getDimSize(0) != channels)
    return emitOpError() << "scale has " << getScale().getType().getDimSize(0)
                         << " elements but input ends in C = " << channels;
  // C2
  return verifyEpsilon(*this, getEpsilon());
}
