//===- Elementwise.cpp - Evaluation of scalar ops on tensors --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Ops.h"

using namespace mlir;
using namespace vitc;

FailureOr<ConstantTensor> vitc::evaluateElementwiseOp(Operation *op,
                                                      ValueLookup lookup) {
  ConstantTensor result(getConstantType(op->getResult(0).getType()));
  SmallVector<const ConstantTensor *> operands;
  for (Value operand : op->getOperands()) {
    const ConstantTensor *tensor = lookup(operand);
    // A select's condition may be one scalar for all elements.
    if (!tensor || (tensor->size() != result.size() &&
                    !operand.getType().isIntOrIndexOrFloat()))
      return failure();
    operands.push_back(tensor);
  }
  SmallVector<Lanes> values(operands.size());
  Lanes computed;
  for (int64_t begin = 0; begin < result.size(); begin += kLanes) {
    int64_t count = std::min(kLanes, result.size() - begin);
    SmallVector<const Lanes *> lanes;
    for (auto [tensor, value] : llvm::zip_equal(operands, values)) {
      if (tensor->size() == result.size())
        loadLanes(*tensor, begin, count, value);
      else
        gatherLanes(*tensor, std::vector<int64_t>(count), value);
      lanes.push_back(&value);
    }
    if (failed(evaluateScalarOp(op, lanes, count, computed)))
      return failure();
    storeLanes(computed, begin, count, result);
  }
  return result;
}
