//===- WrittenRows.cpp - Rows of a product in memory ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WrittenRows.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace vitc::kernel;

static AffineMapAttr getRowsMap(GemmOp gemm) {
  return AffineMapAttr::get(
      AffineMap::getMultiDimIdentityMap(3, gemm.getContext()));
}

Value vitc::kernel::createRows(GemmOp gemm, Type element, OpBuilder &builder) {
  OpFoldResult sizes[] = {
      getAsOpFoldResult(gemm.getBatch()),
      builder.getIndexAttr(*getConstantIntValue(gemm.getRows())),
      builder.getIndexAttr(gemm.getK())};
  return tensor::EmptyOp::create(builder, gemm.getLoc(), sizes, element);
}

NormOp vitc::kernel::createNorm(GemmOp gemm, Value source, AffineMapAttr map,
                                Type element, OpBuilder &builder) {
  vitc::vit::NormAttr norm = gemm.getNormAttr();
  Value init = createRows(gemm, element, builder);
  return NormOp::create(builder, gemm.getLoc(), TypeRange(init.getType()),
                        gemm.getBatch(), gemm.getRows(), gemm.getKAttr(),
                        norm.getRms() ? builder.getUnitAttr() : UnitAttr(),
                        norm.getEpsilon(), source, map, /*scale=*/Value(),
                        /*shift=*/Value(), init, getRowsMap(gemm),
                        RowTilingAttr());
}

void vitc::kernel::readRows(GemmOp gemm, Value rows) {
  gemm.getLhsMutable().assign(rows);
  gemm.setLhsMapAttr(getRowsMap(gemm));
  gemm.removeNormAttr();
}
