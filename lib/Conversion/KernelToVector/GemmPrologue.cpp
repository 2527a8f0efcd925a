//===- GemmPrologue.cpp - The rows that a product reads -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows that are contiguous in lhs and only normalised are normalised from
// there. Others, such as the pixels of a patch, the four parts of a merged one
// or the pixels under a filter, are copied run by run, as kernel.gather does,
// each element scaled, shifted and activated on the way, and normalised in
// place. So are floats of 16 bits, which become f32.
//
// Where lhs ends before the rows do, a run is checked, not its elements: all
// indices are linear in a run, so that its ends bound them. Most rows lie
// inside as a whole: that is seen at once where an index is a sum of what
// depends on the row and what depends on the place in it.
//
//===----------------------------------------------------------------------===//

#include "GemmPrologue.h"

#include "RowNorm.h"
#include "vitc/Analysis/IndexRange.h"
#include "llvm/ADT/bit.h"
#include <numeric>

using namespace mlir;
using namespace vitc::kernel;

/// The dims of lhsMap; a product sums along the last.
enum : unsigned { kBatch, kRow, kDepth };
/// Vectors of a run that become straight code: a row of a patch.
static constexpr int64_t kUnrolledVectors = 4;
/// Vectors of a row whose runs do, so that no place in a run is divided by the
/// sizes of a filter: 21 runs of 7 pixels, 9 of 64 channels.
static constexpr int64_t kUnrolledRowVectors = 64;
/// Shorter runs than a vector of four are left in a loop.
static constexpr int64_t kLeastRun = 4;

static Access getAccess(GemmOp op) {
  return Access(op.getLhsMap(), cast<MemRefType>(op.getLhs().getType()));
}

bool GemmPrologue::isNeeded(GemmOp op) {
  return op.transformsRows() || getAccess(op).getStride(kDepth) != 1;
}

GemmPrologue::GemmPrologue(GemmOp op, KernelBuilder &builder)
    : op(op), b(builder), k(op.getK()), access(getAccess(op)),
      lhs(b.getFlat(op.getLhs())),
      copy(b.getScratch(op.getTiling()->getRowBlock() * k)),
      scale(b.getFlat(op.getLhsScale())), shift(b.getFlat(op.getLhsShift())),
      run(getRun(access.getOffset(), kDepth, k)) {
  if (scale) {
    Access channels(*op.getChannelMap(),
                    cast<MemRefType>(op.getLhsScale().getType()));
    channel = channels.getOffset().replaceDims(
        {b.getAffineDimExpr(kBatch), b.getAffineDimExpr(kDepth)});
    Run channelRun = getRun(channel, kDepth, k);
    run.size = std::gcd(run.size, channelRun.size);
    channelStride = channelRun.stride;
  }
  if (op.getZeroOutside())
    findBounds();
}

void GemmPrologue::findBounds() {
  int64_t sizes[] = {ShapedType::kDynamic,
                     getConstant(op.getRows()).value_or(ShapedType::kDynamic),
                     k};
  auto type = cast<MemRefType>(op.getLhs().getType());
  for (auto [dim, extent] : llvm::enumerate(type.getShape())) {
    AffineExpr index = op.getLhsMap().getResult(dim);
    // No index leaves the batch.
    if (dim == kBatch || staysBelow(index, sizes, extent))
      continue;
    Run indexRun = getRun(index, kDepth, k);
    run.size = std::gcd(run.size, indexRun.size);
    bounds.push_back({index, extent, indexRun.stride != 0});
  }
}

MatrixRows GemmPrologue::getRows() const { return MatrixRows(b, copy, k); }

void GemmPrologue::emit(Value begin, Value end) {
  Value rows = b.get(op.getRows());
  bool isCopied = access.getStride(kDepth) != 1 || !bounds.empty() ||
                  op.transformsElements();
  b.forLoop(begin, end, 1, [&](Value m) {
    SmallVector<Value> dims = {b.div(m, rows), b.rem(m, rows), b.index(0)};
    Value target = b.mul(b.sub(m, begin), k);
    Value source = copy, sourceBegin = target;
    if (isCopied) {
      emitRow(dims, target);
    } else {
      source = lhs;
      sourceBegin = b.apply(access.getOffsetWithout(kDepth), dims);
    }
    vitc::vit::NormAttr norm = op.getNormAttr();
    if (!norm)
      return;
    RowNorm(b, k, norm.getRms(), norm.getEpsilon().getValueAsDouble())
        .emit(source, sourceBegin, [&](Value element, Value l, int64_t count) {
          b.store(element, copy, b.add(target, l), count);
        });
  });
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// `expr` as a sum of what depends on the place in a row alone, and of what
/// does not depend on it; none where it is no such sum.
static std::optional<std::pair<AffineExpr, AffineExpr>>
splitDepth(AffineExpr expr) {
  AffineExpr zero = getAffineConstantExpr(0, expr.getContext());
  if (!expr.isFunctionOfDim(kDepth))
    return std::pair(zero, expr);
  if (!expr.isFunctionOfDim(kBatch) && !expr.isFunctionOfDim(kRow))
    return std::pair(expr, zero);
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto lhs = splitDepth(sum.getLHS()), rhs = splitDepth(sum.getRHS());
  if (!lhs || !rhs)
    return std::nullopt;
  return std::pair(lhs->first + rhs->first, lhs->second + rhs->second);
}

Value GemmPrologue::isWithin(Value index, int64_t extent) {
  // Negative numbers are large ones without a sign.
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, index,
                                       b.index(extent));
}

Value GemmPrologue::isRowInside(ArrayRef<Value> dims) {
  int64_t sizes[] = {ShapedType::kDynamic, ShapedType::kDynamic, k};
  Value inside;
  for (const Bound &bound : bounds) {
    auto parts = splitDepth(bound.index);
    if (!parts)
      return {};
    std::optional<IndexRange> range = getIndexRange(parts->first, sizes);
    if (!range)
      return {};
    for (int64_t end : {range->first, range->last}) {
      Value isEndInside =
          isWithin(b.apply(parts->second + end, dims), bound.extent);
      inside = inside ? b.createOrFold<arith::AndIOp>(inside, isEndInside)
                      : isEndInside;
    }
  }
  return inside;
}

Value GemmPrologue::isInside(ArrayRef<Value> dims) {
  Value inside;
  for (const Bound &bound : bounds) {
    Value isIndexInside = isWithin(b.apply(bound.index, dims), bound.extent);
    inside = inside ? b.createOrFold<arith::AndIOp>(inside, isIndexInside)
                    : isIndexInside;
  }
  return inside;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void GemmPrologue::emitRow(SmallVector<Value> dims, Value target) {
  if (bounds.empty())
    return emitRuns(dims, target, /*checksBounds=*/false);
  auto emitChecked = [&] { emitRuns(dims, target, /*checksBounds=*/true); };
  Value inside = isRowInside(dims);
  if (!inside)
    return emitChecked();
  b.ifElse(
      inside, [&] { emitRuns(dims, target, /*checksBounds=*/false); },
      emitChecked);
}

void GemmPrologue::emitRuns(SmallVector<Value> dims, Value target,
                            bool checksBounds) {
  auto emitRunAt = [&](Value l) {
    dims[kDepth] = l;
    RunPlace place = {dims, b.add(target, l)};
    if (checksBounds)
      emitCheckedRun(place);
    else
      emitRun(place);
  };
  int64_t vectors = k / run.size * llvm::divideCeil(run.size, b.lanes());
  if (checksBounds || run.size < kLeastRun || vectors > kUnrolledRowVectors)
    return b.forLoop(b.index(0), b.index(k), run.size, emitRunAt);
  for (int64_t l = 0; l < k; l += run.size)
    emitRunAt(b.index(l));
}

void GemmPrologue::forEachVector(
    function_ref<void(Value position, int64_t count)> body) {
  int64_t position = 0, numVectors = run.size / b.lanes();
  if (numVectors > kUnrolledVectors) {
    position = numVectors * b.lanes();
    b.forLoop(b.index(0), b.index(position), b.lanes(),
              [&](Value at) { body(at, b.lanes()); });
  }
  while (position < run.size) {
    auto rest = static_cast<uint64_t>(run.size - position);
    int64_t count = std::min<int64_t>(b.lanes(), llvm::bit_floor(rest));
    body(b.index(position), count);
    position += count;
    // Two vectors that overlap cover what is no power of two.
    if (position < run.size && run.size - position < count)
      position = run.size - count;
  }
}

void GemmPrologue::emitRun(const RunPlace &place) {
  forEachVector([&](Value position, int64_t count) {
    emitElements(place, position, count);
  });
}

void GemmPrologue::emitCheckedRun(const RunPlace &place) {
  SmallVector<Value> last = place.dims;
  last[kDepth] = b.add(last[kDepth], run.size - 1);
  Value inside = isInside(place.dims);
  bool changesInRun = llvm::any_of(
      bounds, [](const Bound &bound) { return bound.changesInRun; });
  if (changesInRun)
    inside = b.createOrFold<arith::AndIOp>(inside, isInside(last));
  b.ifElse(
      inside, [&] { emitRun(place); },
      [&] {
        if (!changesInRun)
          return forEachVector([&](Value position, int64_t count) {
            emitZeros(place, position, count);
          });
        b.forLoop(b.index(0), b.index(run.size), 1, [&](Value position) {
          SmallVector<Value> dims = place.dims;
          dims[kDepth] = b.add(dims[kDepth], position);
          b.ifElse(
              isInside(dims), [&] { emitElements(place, position, 1); },
              [&] { emitZeros(place, position, 1); });
        });
      });
}

void GemmPrologue::emitElements(const RunPlace &place, Value position,
                                int64_t count) {
  auto load = [&](Value flat, AffineExpr offset, int64_t stride) {
    // A sum of what depends on the row and a constant, where the depth is one.
    if (std::optional<int64_t> depth = getConstant(place.dims[kDepth]))
      offset = offset.replace(b.getAffineDimExpr(kDepth),
                              b.getAffineConstantExpr(*depth));
    Value begin = b.add(b.apply(offset, place.dims), b.mul(position, stride));
    return broadcastElements(b, loadElements(b, flat, begin, stride, count),
                             count);
  };
  Value elements = b.extend(load(lhs, access.getOffset(), run.stride));
  if (scale)
    elements = b.fma(elements, load(scale, channel, channelStride),
                     load(shift, channel, channelStride));
  if (op.getLhsActivation() != vitc::vit::Activation::None)
    elements = b.activation(op.getLhsActivation(), elements);
  storeElements(b, elements, copy, b.add(place.target, position),
                /*stride=*/1, count);
}

void GemmPrologue::emitZeros(const RunPlace &place, Value position,
                             int64_t count) {
  Value zeros = count == 1 ? b.scalar(0.0) : b.splat(0.0, count);
  storeElements(b, zeros, copy, b.add(place.target, position), /*stride=*/1,
                count);
}
