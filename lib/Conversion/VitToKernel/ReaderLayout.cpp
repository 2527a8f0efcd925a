//===- ReaderLayout.cpp - How readers want a value stored -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReaderLayout.h"

#include "Movement.h"
#include "Vit/VitDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

static unsigned getLastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank() - 1;
}

static bool findRowDim(Value value, std::optional<unsigned> &rowDim);

/// The dim of the value in `use` that its owner wants contiguous. False where
/// readers of what it is moved to differ.
static bool findRowDim(OpOperand &use, std::optional<unsigned> &rowDim) {
  Operation *reader = use.getOwner();
  if (isa<vit::Conv2dOp>(reader)) {
    rowDim = 1;
    return true;
  }
  if (isa<vit::LinearOp, vit::LayerNormOp, vit::RmsNormOp>(reader)) {
    rowDim = getLastDim(use.get());
    return true;
  }
  std::optional<Movement> movement = getMovement(reader);
  if (!movement || movement->source != use.get())
    return true;
  std::optional<unsigned> movedDim;
  if (!findRowDim(reader->getResult(0), movedDim))
    return false;
  if (!movedDim)
    return true;
  for (auto [dim, expr] : llvm::enumerate(movement->map.getResults()))
    if (expr == getAffineDimExpr(*movedDim, use.get().getContext()))
      rowDim = dim;
  return true;
}

static bool findRowDim(Value value, std::optional<unsigned> &rowDim) {
  for (OpOperand &use : value.getUses()) {
    std::optional<unsigned> next;
    if (!findRowDim(use, next) || (next && rowDim && *next != *rowDim))
      return false;
    if (next)
      rowDim = next;
  }
  return true;
}

std::optional<unsigned> vitc::getReaderRowDim(Value value) {
  std::optional<unsigned> rowDim;
  return findRowDim(value, rowDim) ? rowDim : std::nullopt;
}

AffineMap vitc::getLayoutWithRows(unsigned rank, unsigned rowDim,
                                  MLIRContext *context) {
  SmallVector<unsigned> dims = llvm::to_vector(llvm::seq<unsigned>(0, rank));
  dims.erase(dims.begin() + rowDim);
  dims.push_back(rowDim);
  return AffineMap::getPermutationMap(dims, context);
}
