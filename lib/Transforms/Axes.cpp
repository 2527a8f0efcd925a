//===- Axes.cpp - Dimensions through reshapes and transposes --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Axes.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/MovedInput.h"
#include "llvm/ADT/TypeSwitch.h"

#include <deque>

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

AxisList vitc::vit::flatten(ArrayRef<AxisList> dims) {
  AxisList all;
  for (const AxisList &dim : dims)
    llvm::append_range(all, dim);
  return all;
}

void vitc::vit::bindLoops(DimAxes &loops, AffineMap map,
                          ArrayRef<AxisList> dims) {
  for (auto [result, dim] : llvm::zip(map.getResults(), dims)) {
    auto loop = dyn_cast<AffineDimExpr>(result);
    if (loop && loops[loop.getPosition()].empty())
      loops[loop.getPosition()] = dim;
  }
}

//===----------------------------------------------------------------------===//
// Axes and their parts
//===----------------------------------------------------------------------===//

unsigned AxisSpace::add(Axis axis) {
  axes.push_back(axis);
  return axes.size() - 1;
}

bool AxisSpace::isDynamic(unsigned axis) const {
  return ShapedType::isDynamic(axes[axis].size);
}

std::optional<DimAxes> AxisSpace::addDims(Value tensor) {
  DimAxes dims;
  for (int64_t size : cast<RankedTensorType>(tensor.getType()).getShape()) {
    AxisList &dim = dims.emplace_back();
    if (size == 0)
      return std::nullopt;
    if (ShapedType::isDynamic(size)) {
      std::optional<int64_t> multiple = getBatchMultiple(tensor);
      if (!multiple)
        return std::nullopt;
      dim.push_back(add({size, *multiple}));
    } else if (size != 1) {
      dim.push_back(add({size}));
    }
  }
  return dims;
}

int64_t AxisSpace::getSize(ArrayRef<unsigned> list) const {
  int64_t size = 1;
  for (unsigned axis : list) {
    if (isDynamic(axis))
      return ShapedType::kDynamic;
    size *= axes[axis].size;
  }
  return size;
}

void AxisSpace::resolveInto(unsigned axis, AxisList &list) const {
  if (!axes[axis].parts)
    return list.push_back(axis);
  resolveInto(axes[axis].parts->first, list);
  resolveInto(axes[axis].parts->second, list);
}

AxisList AxisSpace::resolve(ArrayRef<unsigned> list) const {
  AxisList resolved;
  for (unsigned axis : list)
    resolveInto(axis, resolved);
  return resolved;
}

DimAxes AxisSpace::resolveDims(ArrayRef<AxisList> dims) const {
  DimAxes resolved;
  for (const AxisList &dim : dims)
    resolved.push_back(resolve(dim));
  return resolved;
}

/// Splits into `outer` times `inner`, one of which is dynamic for a dynamic
/// axis.
bool AxisSpace::split(unsigned axis, int64_t outer, int64_t inner) {
  Axis whole = axes[axis];
  Axis outerPart{outer}, innerPart{inner};
  if (isDynamic(axis)) {
    Axis &growing = ShapedType::isDynamic(outer) ? outerPart : innerPart;
    int64_t constant = ShapedType::isDynamic(outer) ? inner : outer;
    if (whole.batchMultiple % constant != 0)
      return false;
    growing.batchMultiple = whole.batchMultiple / constant;
  }
  if (isFixed(axis)) {
    outerPart.position = whole.position / inner;
    innerPart.position = whole.position % inner;
  }
  unsigned first = add(outerPart), second = add(innerPart);
  axes[axis].parts = {first, second};
  return true;
}

std::optional<DimAxes> AxisSpace::partition(ArrayRef<unsigned> list,
                                            ArrayRef<int64_t> sizes) {
  AxisList all = resolve(list);
  std::deque<unsigned> rest(all.begin(), all.end());
  DimAxes dims(sizes.size());
  // Takes `size` elements from the inner end of `rest`, or the outer one.
  auto take = [&](int64_t size, bool inner, AxisList &dim) {
    while (size > 1) {
      if (rest.empty())
        return false;
      unsigned axis = inner ? rest.back() : rest.front();
      int64_t extent = getSize(axis);
      if (ShapedType::isDynamic(extent) || extent > size) {
        if (!ShapedType::isDynamic(extent) && extent % size != 0)
          return false;
        int64_t left = ShapedType::isDynamic(extent) ? extent : extent / size;
        if (!(inner ? split(axis, left, size) : split(axis, size, left)))
          return false;
        auto [outerPart, innerPart] = *axes[axis].parts;
        (inner ? rest.back() : rest.front()) = inner ? outerPart : innerPart;
        axis = inner ? innerPart : outerPart;
        extent = size;
      } else {
        inner ? rest.pop_back() : rest.pop_front();
      }
      if (size % extent != 0)
        return false;
      size /= extent;
      dim.insert(inner ? dim.begin() : dim.end(), axis);
    }
    return true;
  };

  int64_t end = sizes.size(), begin = 0;
  while (end > 0 && !ShapedType::isDynamic(sizes[end - 1])) {
    if (!take(sizes[end - 1], /*inner=*/true, dims[end - 1]))
      return std::nullopt;
    --end;
  }
  if (end == 0)
    return rest.empty() ? std::optional(dims) : std::nullopt;
  while (!ShapedType::isDynamic(sizes[begin])) {
    if (!take(sizes[begin], /*inner=*/false, dims[begin]))
      return std::nullopt;
    ++begin;
  }
  // At most one dim is dynamic: it has what is left.
  if (begin + 1 != end)
    return std::nullopt;
  dims[begin].assign(rest.begin(), rest.end());
  if (!ShapedType::isDynamic(getSize(dims[begin])))
    return std::nullopt;
  return dims;
}

//===----------------------------------------------------------------------===//
// Up through movement
//===----------------------------------------------------------------------===//

DimAxes AxisSpace::compose(AffineMap map, ArrayRef<AxisList> dims) {
  DimAxes operand;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    operand.push_back(dim ? dims[dim.getPosition()] : AxisList());
  }
  return operand;
}

std::optional<DimAxes> AxisSpace::stepThroughSlice(Operation *op,
                                                   ArrayRef<AxisList> dims) {
  auto slice = cast<tensor::ExtractSliceOp>(op);
  RankedTensorType type = slice.getSourceType();
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  DimAxes source;
  unsigned next = 0;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    AxisList list = dropped[dim] ? AxisList() : dims[next++];
    int64_t offset = slice.getStaticOffset(dim);
    int64_t size = slice.getStaticSize(dim), extent = type.getDimSize(dim);
    if (ShapedType::isDynamic(offset) || slice.getStaticStride(dim) != 1)
      return std::nullopt;
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(extent)) {
      if (size != extent || offset != 0 ||
          getBatchMultiple(slice.getSource()) !=
              getBatchMultiple(slice.getResult()))
        return std::nullopt;
    } else if (size != extent) {
      if (extent % size != 0 || offset % size != 0)
        return std::nullopt;
      Axis parts{extent / size};
      parts.position = offset / size;
      list.insert(list.begin(), add(parts));
    }
    source.push_back(list);
  }
  return source;
}

/// The map from result to input of a linalg.generic that only moves.
static std::optional<AffineMap> getMoveMap(linalg::GenericOp generic) {
  std::optional<vitc::MovedInput> moved = vitc::getMovedInput(generic);
  if (!moved || generic.getNumDpsInputs() != 1 ||
      !moved->map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  return moved->map;
}

bool AxisSpace::stepUp(Value &value, DimAxes &dims) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  auto source =
      llvm::TypeSwitch<Operation *, std::optional<DimAxes>>(op)
          .Case([&](linalg::TransposeOp transpose) {
            DimAxes source(dims.size());
            for (auto [dim, from] : llvm::zip(dims, transpose.getPermutation()))
              source[from] = dim;
            return source;
          })
          .Case([&](linalg::BroadcastOp broadcast) {
            DimAxes source;
            for (auto [index, dim] : llvm::enumerate(dims))
              if (!llvm::is_contained(broadcast.getDimensions(), index))
                source.push_back(dim);
            return source;
          })
          .Case([&](linalg::GenericOp generic) -> std::optional<DimAxes> {
            std::optional<AffineMap> map = getMoveMap(generic);
            if (!map)
              return std::nullopt;
            return compose(*map, dims);
          })
          .Case([&](tensor::ExpandShapeOp expand) {
            DimAxes source;
            for (ArrayRef<int64_t> group : expand.getReassociationIndices()) {
              AxisList &dim = source.emplace_back();
              for (int64_t index : group)
                llvm::append_range(dim, dims[index]);
            }
            return source;
          })
          .Case(
              [&](tensor::CollapseShapeOp collapse) -> std::optional<DimAxes> {
                DimAxes source;
                for (auto [dim, group] :
                     llvm::zip(dims, collapse.getReassociationIndices())) {
                  SmallVector<int64_t> sizes;
                  for (int64_t index : group)
                    sizes.push_back(collapse.getSrcType().getDimSize(index));
                  std::optional<DimAxes> parts = partition(dim, sizes);
                  if (!parts)
                    return std::nullopt;
                  llvm::append_range(source, *parts);
                }
                // Dims of size 1 that collapse to rank 0.
                source.resize(collapse.getSrcType().getRank());
                return source;
              })
          .Case([&](tensor::ExtractSliceOp slice) {
            return stepThroughSlice(slice, dims);
          })
          .Case([&](SplitHeadsOp split) {
            AxisList embedding = dims[1];
            llvm::append_range(embedding, dims[3]);
            return DimAxes{dims[0], dims[2], embedding};
          })
          .Case([&](MergeHeadsOp merge) -> std::optional<DimAxes> {
            RankedTensorType type = merge.getInput().getType();
            std::optional<DimAxes> parts =
                partition(dims[2], {type.getDimSize(1), type.getDimSize(3)});
            if (!parts)
              return std::nullopt;
            return DimAxes{dims[0], (*parts)[0], dims[1], (*parts)[1]};
          })
          .Default([](Operation *) { return std::nullopt; });
  if (!source)
    return false;
  dims = resolveDims(*source);
  value = op->getOperand(0);
  return true;
}

bool vitc::vit::isMovedConstant(Value tensor) {
  AxisSpace space;
  std::optional<DimAxes> dims = space.addDims(tensor);
  while (dims && space.stepUp(tensor, *dims))
    ;
  Operation *op = tensor.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}
