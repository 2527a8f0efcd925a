//===- GroupedConv.cpp - Convolutions in groups to kernels ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Depthwise convolutions and others in groups. They read and write maps whose
// channels are contiguous; the filter is stored with its outputs last. Padding
// is a bound of the kernel's.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "ReaderLayout.h"

using namespace mlir;
using namespace vitc;

/// A feature map's `map`, of dims (b, c, y, x), as one of (b, y, x, c).
static AffineMapAttr getPlaces(AffineMap map, RankedTensorType type) {
  enum : unsigned { kChannel = 1 };
  AffineMap storage = getLayoutWithRows(4, kChannel, map.getContext());
  SmallVector<int64_t> sizes = applyPermutationMap(storage, type.getShape());
  map = simplifyIndices(map.compose(inversePermutation(storage)), sizes);
  return AffineMapAttr::get(
      sizes.back() == 1 ? addUnitDim(map, sizes.size() - 1) : map);
}

ValueAccess KernelEmitter::readEvenRows(Value map) {
  ValueAccess access = readChannelsLast(map);
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(access.base.getType()).getShape();
  enum : unsigned { kRow = 2, kColumn = 3 };
  if (getMemoryStride(access.map, shape, kRow) &&
      getMemoryStride(access.map, shape, kColumn))
    return access;
  return copyChannelsLast(map, access);
}

LogicalResult KernelEmitter::convertGrouped(vit::Conv2dOp op,
                                            vit::WeightExprAttr filter) {
  RankedTensorType type = op.getType(), inputType = op.getInput().getType();
  ValueAccess input = readEvenRows(op.getInput());
  Value taps = constant(vit::WeightExprAttr::transpose(filter, {2, 3, 1, 0}));
  Value bias = op.getBias() ? readVector(op.getBias()) : Value();
  Value residual;
  AffineMapAttr residualMap;
  if (op.getResidual()) {
    ValueAccess access = readChannelsLast(op.getResidual());
    residual = access.base;
    residualMap = getPlaces(access.map, type);
  }
  Destination destination =
      write(op.getResult(),
            getLayoutWithRows(type.getRank(), /*rowDim=*/1, op.getContext()));
  auto conv = kernel::GroupedConvOp::create(
      builder, TypeRange(destination.init.getType()), batchOf(op.getInput()),
      builder.getDenseI64ArrayAttr(type.getShape().take_back(2)),
      builder.getDenseI64ArrayAttr(inputType.getShape().take_back(2)),
      op.getGroupsAttr(), op.getStrideAttr(), op.getDilationAttr(),
      builder.getDenseI64ArrayAttr(op.getPad().take_front(2)), input.base,
      getPlaces(input.map, inputType), taps, bias, residual, residualMap,
      destination.init, getPlaces(destination.map, type),
      op.getActivationAttr(), kernel::ConvTilingAttr());
  finish(destination, conv.getResult(0));
  return success();
}
