//===- Attention.cpp - Attention to kernels -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "vitc/Analysis/BatchMultiple.h"

using namespace mlir;
using namespace vitc;

/// (b, h, n, d) -> (b, h / group, n, d): query heads that share a key head.
static AffineMap getGroupMap(RankedTensorType query, RankedTensorType key) {
  AffineExpr b, h, n, d;
  bindDims(query.getContext(), b, h, n, d);
  int64_t group = query.getDimSize(1) / key.getDimSize(1);
  return AffineMap::get(4, 0, {b, h.floorDiv(group), n, d}, query.getContext());
}

FailureOr<KernelEmitter::Addend> KernelEmitter::readAddend(Operation *op,
                                                           StringRef name,
                                                           Value value,
                                                           Value query) {
  if (!value)
    return Addend();
  auto type = cast<RankedTensorType>(value.getType());
  auto queryType = cast<RankedTensorType>(query.getType());
  if (type.isDynamicDim(0) &&
      getBatchMultiple(value) != getBatchMultiple(query))
    return op->emitOpError()
           << "has " << name << " " << type << " with another multiple of the "
           << "batch than the query; needs the same, or a static size";
  MLIRContext *context = builder.getContext();
  AffineExpr b, h, i, j;
  bindDims(context, b, h, i, j);
  // Items and heads of 1 are broadcast; a few items go round.
  int64_t items = type.getDimSize(0);
  if (items != queryType.getDimSize(0))
    b = b % items;
  if (type.getDimSize(1) == 1)
    h = getAffineConstantExpr(0, context);
  ValueAccess access = readRows(value);
  return Addend{access.base, AffineMapAttr::get(access.map.compose(
                                 AffineMap::get(4, 0, {b, h, i, j}, context)))};
}

LogicalResult KernelEmitter::convert(vit::AttentionOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType key = op.getKey().getType();
  ValueAccess q = readRows(op.getQuery()), k = readRows(op.getKey()),
              v = readRows(op.getValue());
  AffineMap group = getGroupMap(query, key);
  FailureOr<Addend> bias = readAddend(op, "bias", op.getBias(), op.getQuery());
  FailureOr<Addend> mask = readAddend(op, "mask", op.getMask(), op.getQuery());
  if (failed(bias) || failed(mask))
    return failure();
  Destination destination = write(op.getResult());
  auto attention = kernel::AttentionOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getQuery()),
      index(query.getDimSize(2)), index(key.getDimSize(2)),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)),
      builder.getI64IntegerAttr(op.getValue().getType().getDimSize(3)),
      op.getScaleAttr(), q.base, AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(group)), v.base,
      AffineMapAttr::get(v.map.compose(group)), bias->base, bias->map,
      mask->base, mask->map, destination.init,
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
  FailureOr<Addend> bias = readAddend(op, "bias", op.getBias(), op.getQuery());
  FailureOr<Addend> mask = readAddend(op, "mask", op.getMask(), op.getQuery());
  if (failed(bias) || failed(mask))
    return failure();
  Destination destination = write(op.getResult());
  auto [resultMap, layer] = splitLayer(destination.map);
  auto map = kernel::AttentionMapOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getQuery()),
      index(query.getDimSize(2)), index(key.getDimSize(2)), index(layer),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)), op.getScaleAttr(),
      op.getQueriesAttr(), q.base, AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(getGroupMap(query, key))), bias->base,
      bias->map, mask->base, mask->map, destination.init,
      AffineMapAttr::get(resultMap), kernel::AttentionTilingAttr());
  finish(destination, map.getResult(0));
  return success();
}
