//===- Rearrange.cpp - Movement between dims of named axes ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AxisSpace::rearrange: extract_slice for fixed axes, then expand_shape,
// transpose, broadcast and collapse_shape, each only where it does something.
//
//===----------------------------------------------------------------------===//

#include "Axes.h"
#include "BatchSize.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc::vit;

OpFoldResult AxisSpace::getMixedSize(OpBuilder &builder,
                                     ArrayRef<unsigned> list) const {
  int64_t size = 1;
  bool dynamic = false;
  for (unsigned axis : list) {
    dynamic |= isDynamic(axis);
    size *= isDynamic(axis) ? axes[axis].batchMultiple : axes[axis].size;
  }
  if (dynamic)
    return getBatchTimes(builder, size);
  return builder.getIndexAttr(size);
}

SmallVector<OpFoldResult>
AxisSpace::getMixedSizes(OpBuilder &builder, ArrayRef<AxisList> dims) const {
  SmallVector<OpFoldResult> sizes;
  for (const AxisList &dim : dims)
    sizes.push_back(getMixedSize(builder, dim));
  return sizes;
}

SmallVector<int64_t> AxisSpace::getShape(ArrayRef<AxisList> dims) const {
  return llvm::map_to_vector(dims,
                             [&](const AxisList &dim) { return getSize(dim); });
}

namespace {
/// Neighbouring dims of two shapes that hold the same axes.
struct DimGroup {
  ReassociationIndices source, target;
};
} // namespace

/// The smallest such groups; dims of size 1 join a neighbour's.
static SmallVector<DimGroup> groupDims(ArrayRef<AxisList> source,
                                       ArrayRef<AxisList> target) {
  SmallVector<DimGroup> groups;
  size_t i = 0, j = 0;
  while (i < source.size() && j < target.size()) {
    DimGroup &group = groups.emplace_back();
    int64_t sourceAxes = 0, targetAxes = 0;
    auto takeSource = [&] {
      sourceAxes += source[i].size();
      group.source.push_back(i++);
    };
    auto takeTarget = [&] {
      targetAxes += target[j].size();
      group.target.push_back(j++);
    };
    takeSource();
    takeTarget();
    while (sourceAxes != targetAxes)
      sourceAxes < targetAxes ? takeSource() : takeTarget();
    while (j == target.size() && i < source.size())
      takeSource();
    while (i == source.size() && j < target.size())
      takeTarget();
  }
  return groups;
}

Value AxisSpace::reshape(OpBuilder &builder, Location loc, Value value,
                         ArrayRef<AxisList> source,
                         ArrayRef<AxisList> target) const {
  if (source == target)
    return value;
  SmallVector<ReassociationIndices> collapse, expand;
  DimAxes flat;
  for (DimGroup &group : groupDims(source, target)) {
    AxisList &list = flat.emplace_back();
    for (int64_t dim : group.source)
      llvm::append_range(list, source[dim]);
    collapse.push_back(group.source);
    expand.push_back(group.target);
  }
  if (flat.size() != source.size())
    value = tensor::CollapseShapeOp::create(builder, loc, value, collapse);
  if (flat.size() == target.size())
    return value;
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(getShape(target), element), value,
      expand, getMixedSizes(builder, target));
}

/// Slices fixed axes off, and drops them from `dims`.
Value AxisSpace::takeFixed(OpBuilder &builder, Location loc, Value value,
                           DimAxes &dims) const {
  auto fixed = [&](unsigned axis) { return isFixed(axis); };
  if (llvm::none_of(flatten(dims), fixed))
    return value;
  // A fixed axis has to be the outermost of its dim.
  DimAxes cut;
  for (const AxisList &dim : dims) {
    cut.emplace_back();
    for (auto [index, axis] : llvm::enumerate(dim)) {
      if (index > 0 && isFixed(axis) && !isFixed(dim[index - 1]))
        cut.emplace_back();
      cut.back().push_back(axis);
    }
  }
  value = reshape(builder, loc, value, dims, cut);

  SmallVector<OpFoldResult> offsets, sizes;
  for (AxisList &dim : cut) {
    int64_t position = 0;
    for (unsigned axis : llvm::make_filter_range(dim, fixed))
      position = position * getSize(axis) + axes[axis].position;
    bool sliced = !dim.empty() && isFixed(dim.front());
    llvm::erase_if(dim, fixed);
    offsets.push_back(
        builder.getIndexAttr(sliced ? position * getSize(dim) : 0));
    sizes.push_back(getMixedSize(builder, dim));
  }
  SmallVector<OpFoldResult> strides(cut.size(), builder.getIndexAttr(1));
  dims = cut;
  return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes,
                                        strides);
}

/// The longest runs of axes of `target` that are one dim of the source, in this
/// order, too.
static DimAxes getRuns(ArrayRef<AxisList> source, ArrayRef<AxisList> target) {
  DimAxes runs;
  for (const AxisList &dim : target) {
    for (auto [index, axis] : llvm::enumerate(dim)) {
      bool continues =
          index > 0 && llvm::any_of(source, [&, axis = axis](auto &list) {
            auto it = llvm::find(list, axis);
            return it != list.end() && it != list.begin() &&
                   *std::prev(it) == runs.back().back();
          });
      if (continues)
        runs.back().push_back(axis);
      else
        runs.push_back({axis});
    }
  }
  return runs;
}

Value AxisSpace::transpose(OpBuilder &builder, Location loc, Value value,
                           DimAxes &dims, ArrayRef<AxisList> target) const {
  DimAxes runs = getRuns(dims, target);
  // The runs in the order of the source.
  AxisList order = flatten(dims);
  DimAxes ordered = runs;
  llvm::sort(ordered, [&](const AxisList &lhs, const AxisList &rhs) {
    return llvm::find(order, lhs[0]) < llvm::find(order, rhs[0]);
  });
  value = reshape(builder, loc, value, dims, ordered);
  SmallVector<int64_t> permutation;
  for (const AxisList &run : runs)
    permutation.push_back(llvm::find(ordered, run) - ordered.begin());
  Value init = tensor::EmptyOp::create(
      builder, loc, getMixedSizes(builder, runs),
      cast<RankedTensorType>(value.getType()).getElementType());
  dims = runs;
  return linalg::TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}

Value AxisSpace::broadcast(OpBuilder &builder, Location loc, Value value,
                           DimAxes &dims, ArrayRef<AxisList> target) const {
  AxisList present = flatten(dims);
  DimAxes full, kept;
  SmallVector<int64_t> added;
  for (unsigned axis : flatten(target)) {
    if (llvm::is_contained(present, axis))
      kept.push_back({axis});
    else
      added.push_back(full.size());
    full.push_back({axis});
  }
  if (kept.empty())
    value = tensor::CollapseShapeOp::create(builder, loc, value,
                                            ArrayRef<ReassociationIndices>());
  else
    value = reshape(builder, loc, value, dims, kept);
  Value init = tensor::EmptyOp::create(
      builder, loc, getMixedSizes(builder, full),
      cast<RankedTensorType>(value.getType()).getElementType());
  dims = full;
  return linalg::BroadcastOp::create(builder, loc, value, init, added)
      ->getResult(0);
}

Value AxisSpace::rearrange(OpBuilder &builder, Location loc, Value value,
                           ArrayRef<AxisList> source,
                           ArrayRef<AxisList> target) {
  DimAxes dims = resolveDims(source), wanted = resolveDims(target);
  value = takeFixed(builder, loc, value, dims);
  AxisList present = flatten(dims);
  DimAxes moved = wanted;
  for (AxisList &dim : moved)
    llvm::erase_if(
        dim, [&](unsigned axis) { return !llvm::is_contained(present, axis); });
  if (flatten(moved) != present)
    value = transpose(builder, loc, value, dims, moved);
  if (flatten(moved) != flatten(wanted))
    value = broadcast(builder, loc, value, dims, wanted);
  return reshape(builder, loc, value, dims, wanted);
}
