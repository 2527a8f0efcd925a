//===- GemmProduct.cpp - Tiles of a gemm multiplied by a block ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmProduct.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;

DeviceTileProduct::DeviceTileProduct(GemmOp op, DeviceBuilder &b)
    : b(b), tiling(*op.getTiling()) {
  shape.stages = tiling.getUnroll();
  shape.rows = tiling.getRowBlock();
  shape.columns = tiling.getPanels() * kPanelColumns;
  shape.element = getElementTypeOrSelf(op.getWeights());
  shape.depth = tiling.getKBlock() / shape.getTermsOfWord();
}

std::unique_ptr<DeviceTileProduct> DeviceTileProduct::create(GemmOp op,
                                                             DeviceBuilder &b) {
  return getElementTypeOrSelf(op.getWeights()).isF32()
             ? createFmaProduct(op, b)
             : createTensorProduct(op, b);
}

int64_t DeviceTileProduct::countThreads(GemmOp op) {
  GemmTilingAttr tiling = *op.getTiling();
  int64_t tiles = tiling.getRowBlock() / tiling.getRows() *
                  (tiling.getPanels() * kPanelColumns / tiling.getColumns());
  // A micro-tile is a thread's, or a warp's.
  return getElementTypeOrSelf(op.getWeights()).isF32() ? tiles
                                                       : tiles * kWarpThreads;
}
