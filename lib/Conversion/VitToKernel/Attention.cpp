//===- Attention.cpp - Attention to kernels -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

/// (b, h, n, d) -> (b, h / group, n, d): query heads that share a key head.
static AffineMap getGroupMap(RankedTensorType query, RankedTensorType key) {
  AffineExpr b, h, n, d;
  bindDims(query.getContext(), b, h, n, d);
  int64_t group = query.getDimSize(1) / key.getDimSize(1);
  return AffineMap::get(4, 0, {b, h.floorDiv(group), n, d}, query.getContext());
}

/// The identity, but 0 for a batch or heads of 1, which are broadcast.
static AffineMap getBroadcastMap(RankedTensorType bias) {
  MLIRContext *context = bias.getContext();
  SmallVector<AffineExpr> results;
  for (auto [dim, size] : llvm::enumerate(bias.getShape()))
    results.push_back(dim < 2 && size == 1 ? getAffineConstantExpr(0, context)
                                           : getAffineDimExpr(dim, context));
  return AffineMap::get(4, 0, results, context);
}

std::pair<Value, AffineMapAttr> KernelEmitter::readBias(Value bias) {
  if (!bias)
    return {};
  ValueAccess access = readRows(bias);
  auto type = cast<RankedTensorType>(bias.getType());
  return {access.base,
          AffineMapAttr::get(access.map.compose(getBroadcastMap(type)))};
}

LogicalResult KernelEmitter::convert(vit::AttentionOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType key = op.getKey().getType();
  ValueAccess q = readRows(op.getQuery()), k = readRows(op.getKey()),
              v = readRows(op.getValue());
  AffineMap group = getGroupMap(query, key);
  auto [bias, biasMap] = readBias(op.getBias());
  Destination destination = write(op.getResult());
  auto attention = kernel::AttentionOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(query),
      index(query.getDimSize(2)), index(key.getDimSize(2)),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)),
      builder.getI64IntegerAttr(op.getValue().getType().getDimSize(3)),
      op.getScaleAttr(), q.base, AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(group)), v.base,
      AffineMapAttr::get(v.map.compose(group)), bias, biasMap, destination.init,
      AffineMapAttr::get(destination.map), kernel::AttentionTilingAttr());
  finish(destination, attention.getResult(0));
  return success();
}

/// (b, h, j) -> (b, 3, h, j) as (b, h, j, layer) -> (b, layer, h, j) and 3.
static std::pair<AffineMap, int64_t> splitLayer(AffineMap map) {
  int64_t layer = 0;
  SmallVector<AffineExpr> results(map.getResults());
  for (AffineExpr &result : results)
    if (auto constant = dyn_cast<AffineConstantExpr>(result)) {
      layer = constant.getValue();
      result = getAffineDimExpr(3, map.getContext());
      break;
    }
  return {AffineMap::get(4, 0, results, map.getContext()), layer};
}

LogicalResult KernelEmitter::convert(vit::AttentionMapOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType key = op.getKey().getType();
  ValueAccess q = readRows(op.getQuery()), k = readRows(op.getKey());
  auto [bias, biasMap] = readBias(op.getBias());
  Destination destination = write(op.getResult());
  auto [resultMap, layer] = splitLayer(destination.map);
  auto map = kernel::AttentionMapOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(query),
      index(query.getDimSize(2)), index(key.getDimSize(2)), index(layer),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)), op.getScaleAttr(),
      op.getQueriesAttr(), q.base, AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(getGroupMap(query, key))), bias, biasMap,
      destination.init, AffineMapAttr::get(resultMap),
      kernel::AttentionTilingAttr());
  finish(destination, map.getResult(0));
  return success();
}
