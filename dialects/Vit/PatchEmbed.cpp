//===- PatchEmbed.cpp - Patch embedding -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

int64_t PatchEmbedOp::getNumTokens() {
  return getTokens() ? getTokens().getType().getDimSize(0) : 0;
}

int64_t PatchEmbedOp::getGridHeight() {
  return getImage().getType().getDimSize(2) /
         getFilter().getType().getDimSize(2);
}

int64_t PatchEmbedOp::getGridWidth() {
  return getImage().getType().getDimSize(3) /
         getFilter().getType().getDimSize(3);
}

LogicalResult PatchEmbedOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto image = cast<RankedTensorType>(adaptor.getImage().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  int64_t numTokens = 0;
  if (adaptor.getTokens())
    numTokens =
        cast<RankedTensorType>(adaptor.getTokens().getType()).getDimSize(0);
  if (image.isDynamicDim(2) || image.isDynamicDim(3) ||
      !filter.hasStaticShape() || filter.getDimSize(2) == 0 ||
      filter.getDimSize(3) == 0)
    return emitOptionalError(location, "'vit.patch_embed' op has image ", image,
                             " and filter ", filter,
                             "; needs static sizes but for the batch");
  int64_t numPatches = (image.getDimSize(2) / filter.getDimSize(2)) *
                       (image.getDimSize(3) / filter.getDimSize(3));
  types.push_back(RankedTensorType::get(
      {image.getDimSize(0), numTokens + numPatches, filter.getDimSize(0)},
      image.getElementType()));
  return success();
}

LogicalResult PatchEmbedOp::verify() {
  RankedTensorType image = getImage().getType();
  RankedTensorType filter = getFilter().getType();
  // C1
  if (image.getDimSize(1) != filter.getDimSize(1))
    return emitOpError() << "image has " << image.getDimSize(1)
                         << " channels but filter has " << filter.getDimSize(1)
                         << "; both are dim 1, C";
  // C2
  for (int64_t dim : {2, 3})
    if (image.getDimSize(dim) % filter.getDimSize(dim) != 0)
      return emitOpError() << "image is " << image.getDimSize(2) << " x "
                           << image.getDimSize(3) << " but a patch is "
                           << filter.getDimSize(2) << " x "
                           << filter.getDimSize(3)
                           << "; the patch must divide the image";
  int64_t embedDim = filter.getDimSize(0);
  // C3
  if (getBias() && getBias().getType().getDimSize(0) != embedDim)
    return emitOpError() << "bias has " << getBias().getType().getDimSize(0)
                         << " elements but filter has E = " << embedDim;
  // C4
  if (getTokens() && getTokens().getType().getDimSize(1) != embedDim)
    return emitOpError() << "tokens are " << getTokens().getType().getDimSize(1)
                         << " wide but filter has E = " << embedDim;
  // C5
  int64_t length = getNumTokens() + getGridHeight() * getGridWidth();
  if (getPosition() && getPosition().getType().getShape() !=
                           ArrayRef<int64_t>({length, embedDim}))
    return emitOpError() << "position is " << getPosition().getType()
                         << " but there are " << length
                         << " tokens of E = " << embedDim;
  return success();
}
