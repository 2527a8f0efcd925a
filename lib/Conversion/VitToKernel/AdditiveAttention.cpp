//===- AdditiveAttention.cpp - Additive attention to kernels --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One sweep over queries, keys and columns gives the scores; attention whose
// bias they are does the rest.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;

Value KernelEmitter::emitScores(vit::AdditiveAttentionOp op) {
  RankedTensorType query = op.getQuery().getType();
  MLIRContext *context = builder.getContext();
  int64_t keys = op.getKey().getType().getDimSize(1);
  ValueAccess q = read(op.getQuery()), k = read(op.getKey());
  Value weight = readVector(op.getWeight());
  Value scores =
      emptyTensor(query.clone({query.getDimSize(0), query.getDimSize(1), keys}),
                  batchOf(op.getQuery()));

  AffineExpr b, i, j, d;
  bindDims(context, b, i, j, d);
  auto getMap = [&](ArrayRef<AffineExpr> results) {
    return AffineMap::get(4, 0, results, context);
  };
  Type type = query.getElementType();
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(scores.getType()), batchOf(op.getQuery()),
      builder.getDenseI64ArrayAttr({query.getDimSize(1), keys}),
      builder.getDenseI64ArrayAttr(query.getDimSize(2)),
      builder.getFloatAttr(type, 0.0), {q.base, k.base, weight},
      builder.getAffineMapArrayAttr({q.map.compose(getMap({b, i, d})),
                                     k.map.compose(getMap({b, j, d})),
                                     getMap({d})}),
      /*tables=*/ValueRange(), builder.getAffineMapArrayAttr({}), scores,
      AffineMapAttr::get(getMap({b, i, j})), kernel::RowTilingAttr());
  OpBuilder::InsertionGuard guard(builder);
  Block *block =
      builder.createBlock(&generic.getBody(), {}, SmallVector<Type>(4, type),
                          SmallVector<Location>(4, builder.getLoc()));
  Value sum = arith::AddFOp::create(builder, block->getArgument(0),
                                    block->getArgument(1));
  Value term = arith::MulFOp::create(builder, block->getArgument(2),
                                     math::TanhOp::create(builder, sum));
  kernel::YieldOp::create(
      builder,
      arith::AddFOp::create(builder, block->getArgument(3), term).getResult());
  return generic.getResult(0);
}

LogicalResult KernelEmitter::convert(vit::AdditiveAttentionOp op) {
  RankedTensorType query = op.getQuery().getType();
  RankedTensorType values = op.getValue().getType();
  MLIRContext *context = builder.getContext();
  Value scores = emitScores(op);
  ValueAccess value = readRows(op.getValue());
  Destination destination = write(op.getResult());
  AffineExpr b, h, i, j;
  bindDims(context, b, h, i, j);
  auto withoutHead = AffineMap::get(4, 0, {b, i, j}, context);
  auto attention = kernel::AttentionOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getQuery()),
      index(query.getDimSize(1)), index(values.getDimSize(1)),
      /*heads=*/builder.getI64IntegerAttr(1),
      /*headDim=*/builder.getI64IntegerAttr(0),
      builder.getI64IntegerAttr(values.getDimSize(2)),
      /*scale=*/builder.getF64FloatAttr(1), /*causal=*/IntegerAttr(),
      /*softcap=*/FloatAttr(), /*query=*/Value(), AffineMapAttr(),
      /*key=*/Value(), AffineMapAttr(), value.base,
      AffineMapAttr::get(value.map.compose(withoutHead)), /*bias=*/scores,
      AffineMapAttr::get(withoutHead), /*mask=*/Value(), AffineMapAttr(),
      /*groups=*/AffineMapAttr(), FloatAttr(), /*keyLength=*/Value(),
      AffineMapAttr(), destination.init,
      AffineMapAttr::get(destination.map.compose(withoutHead)),
      kernel::AttentionTilingAttr());
  finish(destination, attention.getResult(0));
  return success();
}
