//===- SliceMatch.cpp - Slices of slices of a tensor ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceMatch.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"

using namespace mlir;
using namespace vitc::vit;

bool Slice::isRangeOf(unsigned dim) const {
  for (unsigned other = 0; other < sizes.size(); ++other)
    if (other != dim && !isWhole(other))
      return false;
  return strides[dim] == 1 && !ShapedType::isDynamic(sizes[dim]);
}

/// Whether the offset and the stride of `dim` are known, and a dynamic dim is
/// taken whole.
static bool isKnown(tensor::ExtractSliceOp op, unsigned dim) {
  if (ShapedType::isDynamic(op.getStaticOffset(dim)) ||
      ShapedType::isDynamic(op.getStaticStride(dim)))
    return false;
  if (!op.getSourceType().isDynamicDim(dim))
    return !op.getType().isDynamicDim(dim);
  std::optional<int64_t> multiple = vitc::getBatchMultiple(op.getResult());
  return op.getStaticOffset(dim) == 0 && op.getStaticStride(dim) == 1 &&
         op.getType().isDynamicDim(dim) && multiple &&
         multiple == vitc::getBatchMultiple(op.getSource());
}

std::optional<Slice> vitc::vit::matchSlice(Value tensor) {
  Slice slice;
  slice.source = cast<TypedValue<RankedTensorType>>(tensor);
  RankedTensorType type = slice.source.getType();
  slice.offsets.assign(type.getRank(), 0);
  slice.strides.assign(type.getRank(), 1);
  llvm::append_range(slice.sizes, type.getShape());
  while (auto op = slice.source.getDefiningOp<tensor::ExtractSliceOp>()) {
    if (op.getSourceType().getRank() != type.getRank())
      return std::nullopt;
    for (unsigned dim = 0; dim < type.getRank(); ++dim) {
      if (!isKnown(op, dim))
        return std::nullopt;
      slice.offsets[dim] = op.getStaticOffset(dim) +
                           slice.offsets[dim] * op.getStaticStride(dim);
      slice.strides[dim] *= op.getStaticStride(dim);
    }
    slice.source = op.getSource();
  }
  return slice;
}
