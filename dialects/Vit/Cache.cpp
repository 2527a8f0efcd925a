//===- Cache.cpp - Caches of decoders -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vitc::vit;

LogicalResult CacheUpdateOp::verify() {
  RankedTensorType cache = getCache().getType(), rows = getRows().getType();
  // C1
  if (rows.getDimSize(2) != cache.getDimSize(2) ||
      failed(verifyCompatibleShape(rows.getShape().take_front(),
                                   cache.getShape().take_front())))
    return emitOpError() << "has rows " << rows << " for cache " << cache
                         << "; needs the same batch and channels";
  // C2
  if (rows.getDimSize(1) > cache.getDimSize(1))
    return emitOpError() << "has " << rows.getDimSize(1)
                         << " rows; needs at most the cache's "
                         << cache.getDimSize(1);
  // C3
  RankedTensorType position = getPosition().getType();
  if (position.getDimSize(0) != 1)
    return emitOpError() << "has position " << position
                         << "; needs 1 element, for all items";
  // C4
  if (rows.getElementType() != cache.getElementType())
    return emitOpError() << "has rows of " << rows.getElementType()
                         << "; needs the cache's " << cache.getElementType();
  return success();
}
