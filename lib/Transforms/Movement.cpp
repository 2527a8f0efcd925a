//===- Movement.cpp - Reshapes and transposes of batched tensors ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Movement.h"

#include "BatchSize.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "vitc/Analysis/BatchMultiple.h"

using namespace mlir;

bool vitc::vit::isMovable(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() == 0 || llvm::is_contained(type.getShape(), 0))
    return false;
  return type.hasStaticShape() ||
         (type.getNumDynamicDims() == 1 && type.isDynamicDim(0) &&
          getBatchMultiple(tensor));
}

/// Product of the sizes, `batch` standing for a dynamic one.
static int64_t getElements(ArrayRef<int64_t> shape, int64_t batch) {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= ShapedType::isDynamic(size) ? batch : size;
  return elements;
}

/// The smallest groups of dims that hold the same elements in two shapes of the
/// same number of elements. A dynamic dim 0 has `fromBatch` or `toBatch`.
static void groupDims(ArrayRef<int64_t> from, int64_t fromBatch,
                      ArrayRef<int64_t> to, int64_t toBatch,
                      SmallVectorImpl<ReassociationIndices> &fromGroups,
                      SmallVectorImpl<ReassociationIndices> &toGroups) {
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices &fromGroup = fromGroups.emplace_back();
    ReassociationIndices &toGroup = toGroups.emplace_back();
    int64_t fromSize = 1, toSize = 1;
    do {
      if (fromGroup.empty() || (fromSize < toSize && i < from.size())) {
        fromSize *= getElements(from.slice(i, 1), fromBatch);
        fromGroup.push_back(i++);
      }
      if (toGroup.empty() || (toSize < fromSize && j < to.size())) {
        toSize *= getElements(to.slice(j, 1), toBatch);
        toGroup.push_back(j++);
      }
    } while (fromSize != toSize);
  }
  // What is left over are dims of size 1.
  while (i < from.size())
    fromGroups.back().push_back(i++);
  while (j < to.size())
    toGroups.back().push_back(j++);
}

Value vitc::vit::reshape(OpBuilder &builder, Location loc, Value tensor,
                         ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getShape() == shape)
    return tensor;
  auto result = RankedTensorType::get(shape, type.getElementType());
  int64_t multiple = getBatchMultiple(tensor).value_or(1);
  int64_t resultMultiple =
      getElements(type.getShape(), multiple) / getElements(shape, 1);
  SmallVector<ReassociationIndices> fromGroups, toGroups;
  groupDims(type.getShape(), multiple, shape, resultMultiple, fromGroups,
            toGroups);

  if (fromGroups.size() != type.getShape().size())
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor, fromGroups);
  if (toGroups.size() != shape.size())
    tensor = tensor::ExpandShapeOp::create(
        builder, loc, result, tensor, toGroups,
        getMixedSizes(builder, result, resultMultiple));
  return tensor;
}

Value vitc::vit::transpose(OpBuilder &builder, Location loc, Value tensor,
                           ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t multiple = getBatchMultiple(tensor).value_or(1);
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  auto result = RankedTensorType::get(shape, type.getElementType());
  Value empty = tensor::EmptyOp::create(
      builder, loc, getMixedSizes(builder, result, multiple),
      type.getElementType());
  return linalg::TransposeOp::create(builder, loc, tensor, empty, permutation)
      .getResult()[0];
}

SmallVector<int64_t> vitc::vit::mergeDims(ArrayRef<int64_t> shape,
                                          unsigned begin, unsigned end) {
  SmallVector<int64_t> merged(shape.take_front(begin));
  ArrayRef<int64_t> dims = shape.slice(begin, end - begin);
  merged.push_back(llvm::is_contained(dims, ShapedType::kDynamic)
                       ? ShapedType::kDynamic
                       : getElements(dims, 1));
  llvm::append_range(merged, shape.drop_front(end));
  return merged;
}
