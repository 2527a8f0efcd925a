//===- ShiftMask.cpp - Masks of shifted windows from indices --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/ShiftMask.h"

using namespace mlir;

bool vitc::isAttentionMask(vit::ShiftMaskOp op) {
  return llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto isMaskOf = [&](auto attention) {
      return attention && attention.getMask() == use.get() &&
             attention.getBias() != use.get();
    };
    return isMaskOf(dyn_cast<vit::AttentionOp>(use.getOwner())) ||
           isMaskOf(dyn_cast<vit::AttentionMapOp>(use.getOwner()));
  });
}

AffineMap vitc::getRegionMap(vit::ShiftMaskOp op) {
  ArrayRef<int64_t> size = op.getSize(), window = op.getWindow(),
                    shift = op.getShift();
  AffineExpr item, token;
  bindDims(op.getContext(), item, token);
  int64_t columns = size[1] / window[1];
  AffineExpr index = item % (size[0] / window[0] * columns);
  AffineExpr positions[] = {index.floorDiv(columns) * window[0] +
                                token.floorDiv(window[1]),
                            index % columns * window[1] + token % window[1]};
  AffineExpr region = getAffineConstantExpr(0, op.getContext());
  for (int64_t dim : {0, 1}) {
    region = region * 3;
    if (shift[dim] == 0)
      continue;
    // A map of one window has no first region.
    if (int64_t first = size[dim] - window[dim])
      region = region + positions[dim].floorDiv(first);
    region = region + (positions[dim] + shift[dim]).floorDiv(size[dim]);
  }
  return AffineMap::get(2, 0, region);
}
