//===- Recurrent.cpp - Recurrent cells ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "mlir/IR/TypeUtilities.h"

#include <algorithm>

using namespace mlir;
using namespace vitc::vit;

/// C1 and C2 of both cells, whose state has the type `state`.
static LogicalResult verifyGates(Operation *op, RankedTensorType gates,
                                 RankedTensorType state,
                                 ArrayRef<int64_t> order, int64_t count) {
  // C1
  if (gates.getDimSize(1) != count * state.getDimSize(1) ||
      gates.getElementType() != state.getElementType() ||
      failed(verifyCompatibleShape(gates.getShape().take_front(),
                                   state.getShape().take_front())))
    return op->emitOpError()
           << "has gates " << gates << " for state " << state << "; needs "
           << count << " gates of its columns, its batch and its elements";
  // C2
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(0, count));
  if (!std::is_permutation(order.begin(), order.end(), numbers.begin(),
                           numbers.end()))
    return op->emitOpError()
           << "has order [" << order << "]; needs each number from 0 to "
           << count - 1 << " once";
  return success();
}

LogicalResult GruCellOp::verify() {
  return verifyGates(*this, getInput().getType(), getHidden().getType(),
                     getOrder(), 3);
}

LogicalResult LstmCellOp::verify() {
  return verifyGates(*this, getGates().getType(), getCell().getType(),
                     getOrder(), 4);
}
