//===- Attention.cpp - Attention to kernels -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/ShiftMask.h"

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

template <typename OpTy>
FailureOr<KernelEmitter::ScoreChanges>
KernelEmitter::readScoreChanges(OpTy op) {
  ScoreChanges changes;
  FailureOr<Addend> bias = readAddend(op, "bias", op.getBias(), op.getQuery());
  if (failed(bias))
    return failure();
  changes.bias = *bias;
  Value mask = op.getMask();
  if (auto shift =
          mask ? mask.getDefiningOp<vit::ShiftMaskOp>() : vit::ShiftMaskOp()) {
    AffineMap regions = getRegionMap(shift);
    if (!regions.isConstant()) {
      changes.groups = AffineMapAttr::get(regions);
      changes.groupBias = shift.getValueAttr();
    }
  } else {
    FailureOr<Addend> addend = readAddend(op, "mask", mask, op.getQuery());
    if (failed(addend))
      return failure();
    changes.mask = *addend;
  }
  if (Value lengths = op.getKeyLength()) {
    ValueAccess access = read(lengths);
    changes.keyLength = {access.base, AffineMapAttr::get(access.map)};
  }
  return changes;
}

LogicalResult KernelEmitter::convert(vit::AttentionOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType key = op.getKey().getType();
  ValueAccess q = readRows(op.getQuery()), k = readRows(op.getKey()),
              v = readRows(op.getValue());
  AffineMap group = getGroupMap(query, key);
  FailureOr<ScoreChanges> changes = readScoreChanges(op);
  if (failed(changes))
    return failure();
  Destination destination = write(op.getResult());
  auto attention = kernel::AttentionOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getQuery()),
      index(query.getDimSize(2)), index(key.getDimSize(2)),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)),
      builder.getI64IntegerAttr(op.getValue().getType().getDimSize(3)),
      op.getScaleAttr(), op.getCausalAttr(), op.getSoftcapAttr(), q.base,
      AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(group)), v.base,
      AffineMapAttr::get(v.map.compose(group)), changes->bias.base,
      changes->bias.map, changes->mask.base, changes->mask.map, changes->groups,
      changes->groupBias, changes->keyLength.base, changes->keyLength.map,
      destination.init, AffineMapAttr::get(destination.map),
      kernel::AttentionTilingAttr());
  finish(destination, attention.getResult(0));
  return success();
}

/// Attention whose product is 0 and whose bias is the scores.
LogicalResult KernelEmitter::convert(vit::SoftmaxMatmulOp op) {
  RankedTensorType scores = op.getScores().getType();
  ValueAccess v = readRows(op.getValue());
  FailureOr<Addend> bias =
      readAddend(op, "scores", op.getScores(), op.getScores());
  if (failed(bias))
    return failure();
  Destination destination = write(op.getResult());
  AffineMap value = v.map.compose(getGroupMap(scores, op.getValue().getType()));
  auto attention = kernel::AttentionOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getScores()),
      index(scores.getDimSize(2)), index(scores.getDimSize(3)),
      builder.getI64IntegerAttr(scores.getDimSize(1)),
      /*headDim=*/builder.getI64IntegerAttr(0),
      builder.getI64IntegerAttr(op.getValue().getType().getDimSize(3)),
      /*scale=*/builder.getF64FloatAttr(1), /*causal=*/IntegerAttr(),
      /*softcap=*/FloatAttr(), /*query=*/Value(), AffineMapAttr(),
      /*key=*/Value(), AffineMapAttr(), v.base, AffineMapAttr::get(value),
      bias->base, bias->map, /*mask=*/Value(), AffineMapAttr(),
      /*groups=*/AffineMapAttr(), FloatAttr(), /*keyLength=*/Value(),
      AffineMapAttr(), destination.init, AffineMapAttr::get(destination.map),
      kernel::AttentionTilingAttr());
  finish(destination, attention.getResult(0));
  return success();
}

LogicalResult KernelEmitter::convert(vit::AttentionMapOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType key = op.getKey().getType();
  ValueAccess q = readRows(op.getQuery()), k = readRows(op.getKey());
  FailureOr<ScoreChanges> changes = readScoreChanges(op);
  if (failed(changes))
    return failure();
  ValueAccess selection = read(op.getSelection());
  Destination destination = write(op.getResult());
  // The map's rows are as many as are asked for: it cannot be moved.
  if (!destination.map.isIdentity() || !selection.map.isIdentity())
    return op.emitOpError("is moved, or its selection is; needs to be returned "
                          "and to read an argument");
  auto map = kernel::AttentionMapOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getQuery()),
      index(query.getDimSize(2)), index(key.getDimSize(2)),
      builder.getI64IntegerAttr(query.getDimSize(1)),
      builder.getI64IntegerAttr(query.getDimSize(3)), op.getScaleAttr(),
      op.getCausalAttr(), op.getSoftcapAttr(), selection.base,
      index(op.getLayer()), q.base, AffineMapAttr::get(q.map), k.base,
      AffineMapAttr::get(k.map.compose(getGroupMap(query, key))),
      changes->bias.base, changes->bias.map, changes->mask.base,
      changes->mask.map, changes->groups, changes->groupBias,
      changes->keyLength.base, changes->keyLength.map, destination.init,
      kernel::AttentionTilingAttr());
  finish(destination, map.getResult(0));
  return success();
}
