//===- BatchGeneric.cpp - A linalg.generic over the batch -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchGeneric.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

Value import_::buildBatchGeneric(LayerBuilder &layers, Value like,
                                 ArrayRef<int64_t> inner, Type element,
                                 ValueRange inputs,
                                 ArrayRef<AffineMap> inputMaps,
                                 const Twine &layer, GenericBody body,
                                 TypedAttr start) {
  ImplicitLocOpBuilder b(layers.getLoc(layer), layers.b);
  SmallVector<OpFoldResult> sizes = {layers.getSizes(like, b.getLoc())[0]};
  for (int64_t size : inner)
    sizes.push_back(b.getIndexAttr(size));
  unsigned rank = sizes.size(), loops = inputMaps.front().getNumDims();
  Value init = tensor::EmptyOp::create(b, sizes, element);
  if (loops > rank) {
    Value first =
        arith::ConstantOp::create(b, start ? start : b.getZeroAttr(element));
    init = linalg::FillOp::create(b, first, init).getResult(0);
  }
  SmallVector<AffineMap> maps(inputMaps);
  maps.push_back(b.getMultiDimIdentityMap(loops).getMajorSubMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.resize(loops, utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange args) {
               ImplicitLocOpBuilder inside(loc, builder);
               linalg::YieldOp::create(inside, body(inside, args));
             })
      .getResult(0);
}

Value import_::getPosition(ImplicitLocOpBuilder &b, unsigned dim) {
  return arith::IndexCastOp::create(b, b.getI64Type(),
                                    linalg::IndexOp::create(b, dim));
}

Value import_::isNonZero(ImplicitLocOpBuilder &b, Value number) {
  Type type = number.getType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, number, zero);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, number, zero);
}

AffineMap import_::readBy(LayerBuilder &layers, unsigned loops,
                          ArrayRef<unsigned> targets) {
  return AffineMap::getMultiDimMapWithTargets(loops, targets,
                                              layers.b.getContext());
}
