//===- MovedInput.cpp - What a linalg.generic only moves ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/MovedInput.h"

using namespace mlir;

std::optional<vitc::MovedInput> vitc::getMovedInput(linalg::GenericOp generic) {
  if (generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops())
    return std::nullopt;
  auto yielded = dyn_cast<BlockArgument>(
      generic.getBody()->getTerminator()->getOperand(0));
  AffineMap result =
      generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
  if (!yielded || yielded.getOwner() != generic.getBody() ||
      yielded.getArgNumber() >= generic.getInputs().size() ||
      !result.isPermutation())
    return std::nullopt;
  OpOperand *input = generic.getDpsInputOperand(yielded.getArgNumber());
  auto tensor = dyn_cast<TypedValue<RankedTensorType>>(input->get());
  if (!tensor)
    return std::nullopt;
  return MovedInput{tensor, generic.getMatchingIndexingMap(input).compose(
                                inversePermutation(result))};
}
