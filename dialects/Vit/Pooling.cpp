//===- Pooling.cpp - Pooling of tokens ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

LogicalResult MeanTokensOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  types.push_back(input.clone({input.getDimSize(0), input.getDimSize(2)}));
  return success();
}

LogicalResult MeanTokensOp::verify() {
  int64_t numTokens = getInput().getType().getDimSize(1);
  int64_t skip = getSkip();
  // C1
  if (skip < 0 || skip >= numTokens)
    return emitOpError() << "skips " << skip << " of " << numTokens
                         << " tokens; needs 0 to " << numTokens - 1;
  return success();
}
