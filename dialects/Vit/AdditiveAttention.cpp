//===- AdditiveAttention.cpp - Attention with summed scores ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

LogicalResult AdditiveAttentionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto query = cast<RankedTensorType>(adaptor.getQuery().getType());
  auto value = cast<RankedTensorType>(adaptor.getValue().getType());
  types.push_back(query.clone(
      {query.getDimSize(0), query.getDimSize(1), value.getDimSize(2)}));
  return success();
}

LogicalResult AdditiveAttentionOp::verify() {
  RankedTensorType query = getQuery().getType(), key = getKey().getType();
  RankedTensorType value = getValue().getType(), weight = getWeight().getType();
  // C1
  if (query.getDimSize(2) != key.getDimSize(2) ||
      query.getDimSize(2) != weight.getDimSize(0))
    return emitOpError() << "has query " << query << ", key " << key
                         << " and weight " << weight
                         << "; all end in the same D";
  // C2
  if (key.getDimSize(1) != value.getDimSize(1))
    return emitOpError() << "has key " << key << " and value " << value
                         << "; both have the same Nk, dim 1";
  // C3
  for (RankedTensorType other : {key, value})
    if (other.getDimSize(0) != query.getDimSize(0))
      return emitOpError() << "has query " << query << " with " << other
                           << "; both have the same batch, dim 0";
  for (RankedTensorType other : {key, value, weight})
    if (other.getElementType() != query.getElementType())
      return emitOpError() << "has query " << query << " with " << other
                           << "; both have the same element type";
  return success();
}
