//===- Padding.cpp - Borders around values --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a tensor.pad alone reads is computed inside the
// border at once, where its kernel can write rows there; only the border is
// filled. Anything else, an input of the function first of all, is copied.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"
#include "ReaderLayout.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

std::optional<Padding> vitc::getPadding(tensor::PadOp op) {
  Padding padding;
  padding.low = llvm::to_vector(op.getStaticLow());
  padding.high = llvm::to_vector(op.getStaticHigh());
  if (Value constant = op.getConstantPaddingValue())
    matchPattern(constant, m_Constant(&padding.value));
  auto isSize = [](int64_t size) { return size >= 0; };
  if (!padding.value || !llvm::all_of(padding.low, isSize) ||
      !llvm::all_of(padding.high, isSize))
    return std::nullopt;
  return padding;
}

bool vitc::isPaddedByReaders(tensor::PadOp op) {
  std::optional<Padding> padding = getPadding(op);
  return padding && padding->low.size() == 4 &&
         matchPattern(padding->value, m_AnyZeroFloat()) &&
         padding->low[0] + padding->high[0] == 0 &&
         padding->low[1] + padding->high[1] == 0 && !op->use_empty() &&
         llvm::all_of(op->getUses(), [](OpOperand &use) {
           auto conv = dyn_cast<vit::Conv2dOp>(use.getOwner());
           return conv && conv.getGroups() == 1 &&
                  use.getOperandNumber() == 0 &&
                  conv.getResidual() != use.get();
         });
}

bool Padding::isEmpty() const {
  auto isZero = [](int64_t size) { return size == 0; };
  return llvm::all_of(low, isZero) && llvm::all_of(high, isZero);
}

RankedTensorType Padding::getPaddedType(RankedTensorType type) const {
  SmallVector<int64_t> shape(type.getShape());
  for (auto [size, before, behind] : llvm::zip(shape, low, high))
    if (!ShapedType::isDynamic(size))
      size += before + behind;
  return type.clone(shape);
}

AffineMap Padding::getInnerMap(MLIRContext *context) const {
  SmallVector<AffineExpr> inner;
  for (auto [dim, before] : llvm::enumerate(low))
    inner.push_back(getAffineDimExpr(dim, context) + before);
  return AffineMap::get(inner.size(), 0, inner, context);
}

Value KernelEmitter::fillBorder(const Padding &padding, RankedTensorType type,
                                AffineMap layout, Value size, Value init,
                                AffineMap map) {
  int64_t rank = type.getRank();
  // A batch that grows has no box that starts inside.
  if (padding.low[0] + padding.high[0] != 0)
    return fill(getBox(type.getShape(), size), padding.value, init, map);
  // The places before and behind along a dim are one box: they are neighbours
  // round the end. Those of dims before it are left out.
  for (int64_t dim = 1; dim < rank; ++dim) {
    int64_t border = padding.low[dim] + padding.high[dim];
    if (border == 0)
      continue;
    SmallVector<int64_t> sizes(type.getShape());
    SmallVector<AffineExpr> place;
    for (int64_t other = 0; other < rank; ++other) {
      AffineExpr index = builder.getAffineDimExpr(other);
      if (other < dim) {
        sizes[other] -= padding.low[other] + padding.high[other];
        index = index + padding.low[other];
      } else if (other == dim) {
        int64_t extent = sizes[other];
        sizes[other] = border;
        index = (index + (extent - padding.high[other])) % extent;
      }
      place.push_back(index);
    }
    // The box runs in the order of memory.
    AffineMap places =
        map.compose(AffineMap::get(rank, 0, place, builder.getContext()))
            .compose(inversePermutation(layout));
    sizes = applyPermutationMap(layout, ArrayRef<int64_t>(sizes));
    init = fill(getBox(sizes, size), padding.value, init,
                simplifyIndices(places, sizes));
  }
  return init;
}

bool KernelEmitter::placeIntoPadding(OpOperand &use, Destination &place,
                                     unsigned rowDim) {
  auto op = dyn_cast<tensor::PadOp>(use.getOwner());
  if (!op || isPaddedByReaders(op))
    return false;
  std::optional<Padding> padding = getPadding(op);
  if (!padding || padding->isEmpty() || use.getOperandNumber() != 0 ||
      padding->low[0] + padding->high[0] != 0)
    return false;
  // What the program returns is written there, with a copy.
  if (llvm::any_of(op->getUsers(), llvm::IsaPred<func::ReturnOp>))
    return false;
  RankedTensorType type = padding->getPaddedType(getType(use.get()));
  if (llvm::is_contained(type.getShape().drop_front(), ShapedType::kDynamic))
    return false;
  AffineMap inner = padding->getInnerMap(builder.getContext());
  for (unsigned dim = 1; dim < type.getRank(); ++dim) {
    AffineMap layout =
        getLayoutWithRows(type.getRank(), dim, builder.getContext());
    RankedTensorType stored =
        type.clone(applyPermutationMap(layout, type.getShape()));
    AffineMap map = layout.compose(inner).compose(place.map);
    if (getMemoryStride(map, stored.getShape(), rowDim) != 1)
      continue;
    Value size = batchOf(use.get());
    Value init = fillBorder(*padding, type, layout, size,
                            emptyTensor(stored, size), layout);
    padded[use.get()] = layout;
    place = {init, map, use.get(), layout.compose(inner)};
    return true;
  }
  return false;
}

bool KernelEmitter::placeIntoMap(OpOperand &use, Destination &place,
                                 unsigned rowDim) {
  auto conv = dyn_cast<vit::Conv2dOp>(use.getOwner());
  if (!conv || conv.getGroups() != 1 || use.getOperandNumber() != 0 ||
      llvm::all_of(conv.getPad(), [](int64_t size) { return size == 0; }))
    return false;
  RankedTensorType type = getType(use.get());
  AffineMap layout =
      getLayoutWithRows(/*rank=*/4, /*rowDim=*/1, builder.getContext());
  RankedTensorType stored =
      type.clone(applyPermutationMap(layout, type.getShape()));
  AffineMap map = layout.compose(place.map);
  if (getMemoryStride(map, stored.getShape(), rowDim) != 1)
    return false;
  place = {emptyTensor(stored, batchOf(use.get())), map, use.get(), layout};
  return true;
}

Value KernelEmitter::copyInside(Value value, const ValueAccess &source,
                                const Padding &padding, AffineMap layout,
                                Value init, AffineMap map) {
  // The box runs in the order of the copy's memory.
  SmallVector<int64_t> sizes =
      applyPermutationMap(layout, getType(value).getShape());
  AffineMap toValue = inversePermutation(layout);
  Box box = getBox(sizes, batchOf(value));
  AffineMap inner = padding.getInnerMap(builder.getContext());
  return gather(box.batch, box.sizes,
                {source.base, source.map.compose(toValue).compose(box.map)},
                init, map.compose(inner).compose(toValue).compose(box.map));
}

LogicalResult KernelEmitter::convert(tensor::PadOp op) {
  if (isPaddedByReaders(op))
    return success();
  std::optional<Padding> padding = getPadding(op);
  if (!padding || op.getSourceType().getRank() == 0)
    return op.emitOpError("has a computed padding or value; needs constants");
  if (auto known = padded.find(op.getSource()); known != padded.end()) {
    converted[op.getResult()] = {read(op.getSource()).base, known->second};
    return success();
  }
  AffineMap layout =
      builder.getMultiDimIdentityMap(op.getSourceType().getRank());
  Destination destination = write(op.getResult());
  Value init =
      fillBorder(*padding, op.getResultType(), layout, batchOf(op.getResult()),
                 destination.init, destination.map);
  init = copyInside(op.getSource(), read(op.getSource()), *padding, layout,
                    init, destination.map);
  finish(destination, init);
  return success();
}
