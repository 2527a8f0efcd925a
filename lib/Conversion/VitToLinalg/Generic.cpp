//===- Generic.cpp - The forms of linalg.generic used here ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

Type vitc::getAccumulationType(ValueRange operands) {
  Type widest = Float32Type::get(operands.front().getContext());
  for (Value operand : operands) {
    Type type = getElementTypeOrSelf(operand);
    if (isa<FloatType>(type) &&
        type.getIntOrFloatBitWidth() > widest.getIntOrFloatBitWidth())
      widest = type;
  }
  return widest;
}

AffineMap vitc::getLoopMap(ImplicitLocOpBuilder &builder, unsigned numLoops,
                           ArrayRef<unsigned> loops) {
  return AffineMap::getMultiDimMapWithTargets(numLoops, loops,
                                              builder.getContext());
}

Value vitc::buildFloat(ImplicitLocOpBuilder &builder, Type type, double value) {
  return arith::ConstantOp::create(builder, FloatAttr::get(type, value));
}

Value vitc::buildFilled(ImplicitLocOpBuilder &builder,
                        ArrayRef<OpFoldResult> sizes, Value value) {
  Value empty = tensor::EmptyOp::create(builder, sizes, value.getType());
  return linalg::FillOp::create(builder, value, empty).getResult(0);
}

/// The linalg.generic over `init`, which the body reads as the accumulator
/// when `accumulate`.
static Value buildGeneric(ImplicitLocOpBuilder &builder, Value init,
                          bool accumulate, ValueRange inputs,
                          ArrayRef<AffineMap> maps, vitc::ElementBody body) {
  AffineMap resultMap = maps.back();
  SmallVector<utils::IteratorType> iterators(resultMap.getNumDims(),
                                             utils::IteratorType::reduction);
  for (AffineExpr loop : resultMap.getResults())
    iterators[cast<AffineDimExpr>(loop).getPosition()] =
        utils::IteratorType::parallel;

  Type type = getElementTypeOrSelf(init);
  auto buildBody = [&](OpBuilder &opBuilder, Location loc, ValueRange args) {
    ImplicitLocOpBuilder nested(loc, opBuilder);
    SmallVector<Value> elements;
    for (Value arg : accumulate ? args : args.drop_back())
      elements.push_back(arg.getType() == type || arg.getType().isInteger()
                             ? arg
                             : arith::ExtFOp::create(nested, type, arg));
    linalg::YieldOp::create(nested, body(nested, elements));
  };
  return linalg::GenericOp::create(builder, init.getType(), inputs, init, maps,
                                   iterators, buildBody)
      .getResult(0);
}

Value vitc::buildElementwise(ImplicitLocOpBuilder &builder,
                             ArrayRef<OpFoldResult> sizes, Type elementType,
                             ValueRange inputs, ArrayRef<AffineMap> maps,
                             ElementBody body) {
  Value empty = tensor::EmptyOp::create(builder, sizes, elementType);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(builder.getMultiDimIdentityMap(sizes.size()));
  return buildGeneric(builder, empty, /*accumulate=*/false, inputs, allMaps,
                      body);
}

Value vitc::buildReduction(ImplicitLocOpBuilder &builder,
                           ArrayRef<OpFoldResult> sizes, Value init,
                           ValueRange inputs, ArrayRef<AffineMap> maps,
                           ElementBody body) {
  Value filled = buildFilled(builder, sizes, init);
  return buildGeneric(builder, filled, /*accumulate=*/true, inputs, maps, body);
}

Value vitc::buildContraction(ImplicitLocOpBuilder &builder,
                             ArrayRef<OpFoldResult> sizes, Type elementType,
                             Value lhs, Value rhs, ArrayRef<AffineMap> maps) {
  return buildReduction(
      builder, sizes, buildFloat(builder, elementType, 0.0), {lhs, rhs}, maps,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value product = arith::MulFOp::create(b, args[0], args[1]);
        return arith::AddFOp::create(b, args[2], product);
      });
}

Value vitc::buildNarrowed(ImplicitLocOpBuilder &builder, Value tensor,
                          Type elementType) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == elementType)
    return tensor;
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  Value empty =
      tensor::EmptyOp::create(builder, getSizes(builder, tensor), elementType);
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, empty.getType(), tensor, empty,
             ArrayRef<AffineMap>{identity, identity}, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Value narrow =
                   arith::TruncFOp::create(b, loc, elementType, args[0]);
               linalg::YieldOp::create(b, loc, narrow);
             })
      .getResult(0);
}

Value vitc::buildTransposed(ImplicitLocOpBuilder &builder, Value tensor,
                            ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  SmallVector<OpFoldResult> permuted;
  for (int64_t dim : permutation)
    permuted.push_back(sizes[dim]);
  Value empty =
      tensor::EmptyOp::create(builder, permuted, getElementTypeOrSelf(tensor));
  return linalg::TransposeOp::create(builder, tensor, empty, permutation)
      ->getResult(0);
}

SmallVector<OpFoldResult> vitc::getSizes(ImplicitLocOpBuilder &builder,
                                         Value tensor) {
  return tensor::getMixedSizes(builder, builder.getLoc(), tensor);
}
