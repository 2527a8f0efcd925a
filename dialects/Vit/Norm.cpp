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
  double epsilon = getEpsilon().convertToDouble();
  if (!(epsilon >= 0))
    return emitOpError() << "epsilon is " << epsilon << "; needs 0 or more";
  return success();
}
