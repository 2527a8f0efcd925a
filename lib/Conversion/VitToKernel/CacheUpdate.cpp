//===- CacheUpdate.cpp - Updates of a decoder's caches to kernels ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../CachePosition.h"
#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

bool KernelEmitter::isUpdatedInPlace(vit::CacheUpdateOp op) {
  auto cache = dyn_cast<BlockArgument>(op.getCache());
  if (!cache || !cache.hasOneUse())
    return false;
  Attribute name =
      function.getArgAttr(cache.getArgNumber(), vit::VitDialect::kNameAttr);
  return name && llvm::any_of(op->getUses(), [&](OpOperand &use) {
           return isa<func::ReturnOp>(use.getOwner()) &&
                  name == function.getResultAttr(use.getOperandNumber(),
                                                 vit::VitDialect::kNameAttr);
         });
}

LogicalResult KernelEmitter::convert(vit::CacheUpdateOp op) {
  RankedTensorType rows = op.getRows().getType();
  ValueAccess source = read(op.getRows());
  Value init = isUpdatedInPlace(op) ? read(op.getCache()).base
                                    : materialize(op.getCache());
  Value position = buildCachePosition(builder, readVector(op.getPosition()),
                                      op.getCache().getType().getDimSize(1) -
                                          rows.getDimSize(1));
  AffineExpr b, n, c, p;
  bindDims(builder.getContext(), b, n, c, p);
  auto gather = kernel::GatherOp::create(
      builder, TypeRange(init.getType()), batchOf(op.getRows()),
      builder.getDenseI64ArrayAttr(rows.getShape().drop_front()), position,
      source.base,
      AffineMapAttr::get(
          AffineMap::get(4, 0, source.map.getResults(), builder.getContext())),
      init,
      AffineMapAttr::get(
          AffineMap::get(4, 0, {b, n + p, c}, builder.getContext())),
      kernel::RowTilingAttr());
  store(op.getResult(), gather.getResult(0));
  return success();
}
