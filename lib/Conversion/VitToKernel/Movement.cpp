//===- Movement.cpp - Ops that only move elements -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Movement.h"

#include "IndexSimplify.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/MovedInput.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

static SmallVector<AffineExpr> getDims(unsigned count, MLIRContext *context) {
  SmallVector<AffineExpr> dims;
  for (unsigned dim = 0; dim < count; ++dim)
    dims.push_back(getAffineDimExpr(dim, context));
  return dims;
}

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// Slices, transposes and reshapes
//===----------------------------------------------------------------------===//

bool vitc::isStaticSlice(ArrayRef<int64_t> offsets, ArrayRef<int64_t> strides) {
  return llvm::all_of(strides, [](int64_t stride) { return stride > 0; }) &&
         !llvm::is_contained(offsets, ShapedType::kDynamic);
}

AffineMap vitc::getSliceMap(ArrayRef<int64_t> offsets,
                            ArrayRef<int64_t> strides,
                            const llvm::SmallBitVector &dropped,
                            MLIRContext *context) {
  SmallVector<AffineExpr> results;
  unsigned numDims = 0;
  for (auto [dim, offset] : llvm::enumerate(offsets)) {
    AffineExpr expr = getAffineConstantExpr(offset, context);
    if (!dropped.test(dim))
      expr = getAffineDimExpr(numDims++, context) * strides[dim] + offset;
    results.push_back(expr);
  }
  return AffineMap::get(numDims, 0, results, context);
}

/// Result dim i is input dim permutation[i].
static AffineMap getTransposeMap(ArrayRef<int64_t> permutation,
                                 MLIRContext *context) {
  SmallVector<AffineExpr> results(permutation.size());
  for (auto [dim, source] : llvm::enumerate(permutation))
    results[source] = getAffineDimExpr(dim, context);
  return AffineMap::get(permutation.size(), 0, results, context);
}

/// How many dims of size 1, at whose only index, 0, a group of dims starts; its
/// last dim is not one of them.
static size_t countLeadingUnits(ArrayRef<int64_t> sizes) {
  return llvm::find_if(sizes.drop_back(),
                       [](int64_t size) { return size != 1; }) -
         sizes.begin();
}

/// From indices of the collapsed shape to those of the expanded one.
static std::optional<AffineMap>
getDelinearizeMap(ArrayRef<ReassociationIndices> groups,
                  ArrayRef<int64_t> expanded, MLIRContext *context) {
  SmallVector<AffineExpr> results;
  for (auto [dim, group] : llvm::enumerate(groups)) {
    ArrayRef<int64_t> sizes = expanded.slice(group.front(), group.size());
    size_t units = countLeadingUnits(sizes);
    results.append(units, getAffineConstantExpr(0, context));
    sizes = sizes.drop_front(units);
    if (llvm::is_contained(sizes.drop_front(), ShapedType::kDynamic))
      return std::nullopt;
    llvm::append_range(results,
                       delinearizeIndex(getAffineDimExpr(dim, context), sizes));
  }
  if (groups.empty()) // all sizes are 1
    results.assign(expanded.size(), getAffineConstantExpr(0, context));
  return AffineMap::get(groups.size(), 0, results, context);
}

/// From indices of the expanded shape to those of the collapsed one.
static std::optional<AffineMap>
getLinearizeMap(ArrayRef<ReassociationIndices> groups,
                ArrayRef<int64_t> expanded, MLIRContext *context) {
  SmallVector<AffineExpr> dims = getDims(expanded.size(), context), results;
  for (const ReassociationIndices &group : groups) {
    ArrayRef<int64_t> sizes = expanded.slice(group.front(), group.size());
    size_t units = countLeadingUnits(sizes);
    sizes = sizes.drop_front(units);
    if (llvm::is_contained(sizes.drop_front(), ShapedType::kDynamic))
      return std::nullopt;
    results.push_back(linearizeIndices(
        ArrayRef(dims).slice(group.front() + units, sizes.size()), sizes));
  }
  return AffineMap::get(expanded.size(), 0, results, context);
}

//===----------------------------------------------------------------------===//
// Heads and windows
//===----------------------------------------------------------------------===//

/// (b, h, n, d) -> (b, n, h * D + d).
static AffineMap getHeadMap(int64_t headDim, MLIRContext *context) {
  AffineExpr b, h, n, d;
  bindDims(context, b, h, n, d);
  return AffineMap::get(4, 0, {b, n, h * headDim + d}, context);
}

/// (b, n, e) -> (b, e / D, n, e mod D).
static AffineMap getChannelMap(int64_t headDim, MLIRContext *context) {
  AffineExpr b, n, e;
  bindDims(context, b, n, e);
  return AffineMap::get(3, 0, {b, e.floorDiv(headDim), n, e % headDim},
                        context);
}

/// From (window, token, c) to the feature map's (b, y, x, c).
static AffineMap getWindowMap(ArrayRef<int64_t> window, int64_t height,
                              int64_t width, MLIRContext *context) {
  AffineExpr w, t, c;
  bindDims(context, w, t, c);
  int64_t columns = width / window[1];
  int64_t windows = height / window[0] * columns;
  AffineExpr place = w % windows;
  return AffineMap::get(
      3, 0,
      {w.floorDiv(windows),
       place.floorDiv(columns) * window[0] + t.floorDiv(window[1]),
       place % columns * window[1] + t % window[1], c},
      context);
}

/// From the feature map's (b, y, x, c) to (window, token, c).
static AffineMap getFeatureMap(ArrayRef<int64_t> window, int64_t height,
                               int64_t width, MLIRContext *context) {
  AffineExpr b, y, x, c;
  bindDims(context, b, y, x, c);
  int64_t columns = width / window[1];
  int64_t windows = height / window[0] * columns;
  return AffineMap::get(
      4, 0,
      {b * windows + y.floorDiv(window[0]) * columns + x.floorDiv(window[1]),
       y % window[0] * window[1] + x % window[1], c},
      context);
}

/// (b, y, x, c) -> (b, (y + sy) mod H, (x + sx) mod W, c).
static AffineMap getShiftMap(int64_t sy, int64_t sx, ArrayRef<int64_t> shape,
                             MLIRContext *context) {
  AffineExpr b, y, x, c;
  bindDims(context, b, y, x, c);
  auto roll = [](AffineExpr position, int64_t shift, int64_t size) {
    return (position + (shift % size + size) % size) % size;
  };
  return AffineMap::get(
      4, 0, {b, roll(y, sy, shape[1]), roll(x, sx, shape[2]), c}, context);
}

/// From the merged (b, y, x, (2 * j + i) * C + c) to (b, 2 * y + i, ...).
static AffineMap getUnmergedMap(int64_t channels, MLIRContext *context) {
  AffineExpr b, y, x, k;
  bindDims(context, b, y, x, k);
  AffineExpr i = k.floorDiv(channels) % 2, j = k.floorDiv(2 * channels);
  return AffineMap::get(4, 0, {b, y * 2 + i, x * 2 + j, k % channels}, context);
}

static AffineMap getMergedMap(int64_t channels, MLIRContext *context) {
  AffineExpr b, y, x, c;
  bindDims(context, b, y, x, c);
  return AffineMap::get(
      4, 0,
      {b, y.floorDiv(2), x.floorDiv(2), (x % 2 * 2 + y % 2) * channels + c},
      context);
}

//===----------------------------------------------------------------------===//
// What an op moves
//===----------------------------------------------------------------------===//

/// A linalg.generic that yields an element of its input.
static std::optional<Movement> getMovementOfGeneric(linalg::GenericOp op) {
  std::optional<MovedInput> moved = getMovedInput(op);
  if (!moved)
    return std::nullopt;
  return Movement{moved->tensor, moved->map};
}

std::optional<Movement> vitc::getMovement(Operation *op) {
  MLIRContext *context = op->getContext();
  using Result = std::optional<Movement>;
  auto reshape = [](Value source, std::optional<AffineMap> map) {
    return map ? Result(Movement{source, *map}) : std::nullopt;
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](tensor::ExtractSliceOp slice) -> Result {
        if (!isStaticSlice(slice.getStaticOffsets(), slice.getStaticStrides()))
          return std::nullopt;
        return Movement{slice.getSource(),
                        getSliceMap(slice.getStaticOffsets(),
                                    slice.getStaticStrides(),
                                    slice.getDroppedDims(), context)};
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return reshape(collapse.getSrc(),
                       getDelinearizeMap(collapse.getReassociationIndices(),
                                         getShape(collapse.getSrc()), context));
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return reshape(expand.getSrc(),
                       getLinearizeMap(expand.getReassociationIndices(),
                                       getShape(expand.getResult()), context));
      })
      .Case([&](tensor::CastOp cast) -> Result {
        auto type = dyn_cast<RankedTensorType>(cast.getSource().getType());
        if (!type)
          return std::nullopt;
        return Movement{cast.getSource(), AffineMap::getMultiDimIdentityMap(
                                              type.getRank(), context)};
      })
      .Case([&](linalg::TransposeOp transpose) -> Result {
        return Movement{transpose.getInput(),
                        getTransposeMap(transpose.getPermutation(), context)};
      })
      .Case([&](linalg::BroadcastOp broadcast) -> Result {
        SmallVector<AffineExpr> results;
        unsigned rank = getShape(broadcast.getInit()).size();
        for (unsigned dim = 0; dim < rank; ++dim)
          if (!llvm::is_contained(broadcast.getDimensions(), dim))
            results.push_back(getAffineDimExpr(dim, context));
        return Movement{broadcast.getInput(),
                        AffineMap::get(rank, 0, results, context)};
      })
      .Case([&](linalg::GenericOp generic) {
        return getMovementOfGeneric(generic);
      })
      .Case([&](vit::SplitHeadsOp split) -> Result {
        return Movement{
            split.getInput(),
            getHeadMap(split.getResult().getType().getDimSize(3), context)};
      })
      .Case([&](vit::MergeHeadsOp merge) -> Result {
        return Movement{
            merge.getInput(),
            getChannelMap(merge.getInput().getType().getDimSize(3), context)};
      })
      .Case([&](vit::WindowPartitionOp partition) -> Result {
        ArrayRef<int64_t> shape = getShape(partition.getInput());
        return Movement{
            partition.getInput(),
            getWindowMap(partition.getWindow(), shape[1], shape[2], context)};
      })
      .Case([&](vit::WindowReverseOp reverse) -> Result {
        return Movement{reverse.getInput(),
                        getFeatureMap(reverse.getWindow(), reverse.getSize()[0],
                                      reverse.getSize()[1], context)};
      })
      .Case([&](vit::CyclicShiftOp shift) -> Result {
        return Movement{shift.getInput(),
                        getShiftMap(shift.getShift()[0], shift.getShift()[1],
                                    getShape(shift.getInput()), context)};
      })
      .Case([&](vit::PatchMergingOp merging) -> Result {
        return Movement{
            merging.getInput(),
            getUnmergedMap(getShape(merging.getInput())[3], context)};
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<AffineMap> vitc::getPlacement(Operation *op) {
  MLIRContext *context = op->getContext();
  using Result = std::optional<AffineMap>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](tensor::CollapseShapeOp collapse) {
        return getLinearizeMap(collapse.getReassociationIndices(),
                               getShape(collapse.getSrc()), context);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return getDelinearizeMap(expand.getReassociationIndices(),
                                 getShape(expand.getResult()), context);
      })
      .Case([&](tensor::CastOp cast) -> Result {
        auto type = dyn_cast<RankedTensorType>(cast.getSource().getType());
        if (!type)
          return std::nullopt;
        return AffineMap::getMultiDimIdentityMap(type.getRank(), context);
      })
      .Case([&](linalg::TransposeOp transpose) -> Result {
        return inversePermutation(
            getTransposeMap(transpose.getPermutation(), context));
      })
      .Case([&](vit::SplitHeadsOp split) -> Result {
        return getChannelMap(split.getResult().getType().getDimSize(3),
                             context);
      })
      .Case([&](vit::MergeHeadsOp merge) -> Result {
        return getHeadMap(merge.getInput().getType().getDimSize(3), context);
      })
      .Case([&](vit::WindowPartitionOp partition) -> Result {
        ArrayRef<int64_t> shape = getShape(partition.getInput());
        return getFeatureMap(partition.getWindow(), shape[1], shape[2],
                             context);
      })
      .Case([&](vit::WindowReverseOp reverse) -> Result {
        return getWindowMap(reverse.getWindow(), reverse.getSize()[0],
                            reverse.getSize()[1], context);
      })
      .Case([&](vit::CyclicShiftOp shift) -> Result {
        return getShiftMap(-shift.getShift()[0], -shift.getShift()[1],
                           getShape(shift.getInput()), context);
      })
      .Case([&](vit::PatchMergingOp merging) -> Result {
        return getMergedMap(getShape(merging.getInput())[3], context);
      })
      .Default([](Operation *) { return std::nullopt; });
}
