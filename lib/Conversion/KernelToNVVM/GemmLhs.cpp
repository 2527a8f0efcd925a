//===- GemmLhs.cpp - What a gemm reads as its left operand ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmLhs.h"

#include "../KernelToVector/ElementLoop.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "vitc/Analysis/IndexRange.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr auto kItem = static_cast<unsigned>(GemmDim::Item);
static constexpr auto kPlace = static_cast<unsigned>(GemmDim::Place);

/// Bytes that an asynchronous copy takes at least.
static constexpr int64_t kLeastCopyBytes = 4;

static int64_t getBytes(Type element) {
  return vitc::vit::WeightExprAttr::getStoredElementBytes(element);
}

DeviceGemmLhs::DeviceGemmLhs(GemmOp op, DeviceBuilder &builder)
    : b(builder), k(op.getK()), activation(op.getLhsActivation()),
      isNormalised(op.getNorm().has_value()), lhs(b.getPointer(op.getLhs())),
      scale(b.getPointer(op.getLhsScale())),
      shift(b.getPointer(op.getLhsShift())) {
  AffineExpr whole =
      Access(op.getLhsMap(), cast<MemRefType>(op.getLhs().getType()))
          .getOffset();
  offset = SplitIndex(whole);
  maxWidth = getVectorWidth(whole, k, kVectorBytes / getBytes(lhs.element));
  if (op.getZeroOutside())
    findBounds(op);
  if (!scale)
    return;
  AffineExpr ofChannel =
      Access(*op.getChannelMap(), cast<MemRefType>(op.getLhsScale().getType()))
          .getOffset();
  channel = ofChannel.replaceDims(
      {b.getAffineDimExpr(kItem), b.getAffineDimExpr(kPlace)});
}

void DeviceGemmLhs::findBounds(GemmOp op) {
  int64_t sizes[] = {ShapedType::kDynamic,
                     getConstant(op.getRows()).value_or(ShapedType::kDynamic),
                     k};
  auto type = cast<MemRefType>(op.getLhs().getType());
  for (auto [dim, extent] : llvm::enumerate(type.getShape())) {
    AffineExpr index = op.getLhsMap().getResult(dim);
    // No index leaves the batch.
    if (dim == kItem || staysBelow(index, sizes, extent))
      continue;
    bounds.push_back({SplitIndex(index), extent});
    Run run = getRun(index, kPlace, k);
    while (maxWidth > 1 && (run.stride != 0 || run.size % maxWidth != 0))
      maxWidth /= 2;
  }
}

bool DeviceGemmLhs::canCopy(Type element, int64_t width) const {
  return element == lhs.element && !isNormalised && !scale &&
         activation == vit::Activation::None &&
         width * getBytes(element) >= kLeastCopyBytes;
}

DeviceGemmLhs::Row DeviceGemmLhs::startRow(const DeviceGemmRow &row) const {
  Row started;
  started.row = row;
  started.start = offset.startRow(b, row);
  for (const Bound &bound : bounds)
    started.starts.push_back(bound.index.startRow(b, row));
  return started;
}

Value DeviceGemmLhs::isInside(const Row &row, const Place &place) const {
  Value inside = place.isDeep;
  for (auto [bound, start] : llvm::zip(bounds, row.starts)) {
    // Negative numbers are large ones without a sign.
    Value isWithin = b.less(bound.index.at(b, row.row, start, place.l),
                            b.index(bound.extent));
    inside = inside ? b.both(inside, isWithin) : isWithin;
  }
  return inside;
}

void DeviceGemmLhs::copyAsync(DevicePointer to, Value toOffset, const Row &row,
                              const Place &place, int64_t width) const {
  b.copyAsync(to, toOffset, lhs, offset.at(b, row.row, row.start, place.l),
              width * getBytes(lhs.element), isInside(row, place));
}

Type DeviceGemmLhs::getLoadedType(int64_t width) const {
  Type held = getHeldType(lhs.element);
  return width == 1 ? held : VectorType::get(width, held);
}

Value DeviceGemmLhs::load(const Row &row, const Place &place,
                          int64_t width) const {
  Value element = offset.at(b, row.row, row.start, place.l);
  if (Value inside = isInside(row, place))
    element = b.select(inside, element, b.index(0));
  return b.load(lhs, element, width);
}

Value DeviceGemmLhs::loadChannels(DevicePointer channels, const Row &row,
                                  const Place &place, int64_t width) const {
  auto loadAt = [&](int64_t distance, int64_t count) {
    Value l = b.add(place.l, distance);
    if (place.isDeep)
      l = b.select(place.isDeep, l, b.index(0));
    Value first = b.apply(channel, {row.row.item, row.row.row, l});
    return b.extend(b.load(channels, first, count));
  };
  int64_t most = kVectorBytes / getBytes(channels.element);
  if (width <= most && getVectorWidth(channel, k, width) == width)
    return loadAt(0, width);
  Run run = getRun(channel, kPlace, k);
  if (run.stride == 0 && run.size % width == 0)
    return broadcastElements(b, loadAt(0, 1), width);
  SmallVector<Value> elements;
  for (int64_t e = 0; e < width; ++e)
    elements.push_back(loadAt(e, 1));
  return vector::FromElementsOp::create(b, b.vectorType(width), elements);
}

Value DeviceGemmLhs::transform(Value loaded, const Row &row, const Place &place,
                               int64_t width) const {
  Value elements = b.extend(loaded);
  if (scale)
    elements = b.fma(elements, loadChannels(scale, row, place, width),
                     loadChannels(shift, row, place, width));
  if (activation != vit::Activation::None)
    elements = b.activation(activation, elements);
  if (Value inside = isInside(row, place))
    elements = b.select(inside, elements, b.constantLike(0.0, elements));
  if (!row.factor)
    return elements;
  auto spread = [&](Value value) { return broadcastElements(b, value, width); };
  if (row.mean)
    elements = b.subf(elements, spread(row.mean));
  return b.mulf(elements, spread(row.factor));
}
