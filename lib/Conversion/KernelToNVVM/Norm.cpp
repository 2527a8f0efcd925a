//===- Norm.cpp - A GPU's kernel.norm -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Neighbouring lanes normalise a row, a warp one or several short ones. Memory
// bounds it: two rows of traffic a row. So a lane reads and writes vectors, all
// of a row at once, and keeps what it reads for the mean, the variance and the
// result. Longer rows are read for each, first from memory, then from L1.
//
//===----------------------------------------------------------------------===//

#include "../KernelToVector/Access.h"
#include "../KernelToVector/ElementLoop.h"
#include "GemmAccess.h"
#include "Kernels.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "vitc/Kernel/NormBlock.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// Channels that a lane holds of a row that it reads once, and those that it
/// reads at once of a longer one.
static constexpr int64_t kMostHeld = 64, kMostLoaded = 32;

namespace {

class DeviceNorm {
public:
  DeviceNorm(NormOp op, DeviceContext &context);

  DeviceKernel build();

private:
  /// `width` channels of a lane's; `isInside` is false behind the end of the
  /// row, null where they never are there.
  struct Piece {
    Value channel, isInside;
  };

  bool isHeld() const { return chunk >= channels; }
  /// The item and the row in it of a row of the batch.
  SmallVector<Value> splitRow(Value row);
  /// The lane's of a chunk that begins with channel `begin`.
  SmallVector<Piece> getPieces(Value begin);
  SmallVector<Value> load(ArrayRef<Piece> pieces);
  void subtractMean(MutableArrayRef<Value> elements, ArrayRef<Piece> pieces);
  /// The elements of pieces, without the mean once it is known.
  SmallVector<Value> getElements(ArrayRef<Piece> pieces);
  void forChunks(function_ref<void(ArrayRef<Piece>)> body);
  /// Over the elements of the row, the same in all its lanes.
  Value sum(function_ref<Value(Value sum, Value element)> add);
  Value loadChannels(DevicePointer channels, Value first, int64_t count);
  void store(Value element, const Piece &piece);
  void emitRow(Value isRow);

  NormOp op;
  int64_t channels;
  NormBlock block;
  DeviceBuilder b;
  AffineExpr inputOffset, resultOffset;
  DevicePointer input, scale, shift, init;
  int64_t width;           // of a vector
  int64_t parts;           // vectors that a lane has of a chunk
  int64_t chunk;           // channels that all lanes read at once
  SmallVector<Value> dims; // of the row's first channel
  Value lane;              // of those that share the row
  SmallVector<Value> held; // elements of the row
  Value mean;              // null: not known, or 0
};

} // namespace

static AffineExpr getOffset(AffineMap map, Value operand) {
  return Access(map, cast<MemRefType>(operand.getType())).getOffset();
}

DeviceNorm::DeviceNorm(NormOp op, DeviceContext &context)
    : op(op), channels(static_cast<int64_t>(op.getChannels())), block(op),
      b(op, ((op.getRms() ? "rms_norm_c" : "norm_c") + Twine(channels)).str(),
        block.getThreads(op.getTilingAttr().getRows()), context),
      inputOffset(getOffset(op.getInputMap(), op.getInput())),
      resultOffset(getOffset(op.getResultMap(), op.getInit())),
      input(b.getPointer(op.getInput())), scale(b.getPointer(op.getScale())),
      shift(b.getPointer(op.getShift())), init(b.getPointer(op.getInit())),
      width(std::min(getVectorWidth(inputOffset, channels, block.width),
                     getVectorWidth(resultOffset, channels, block.width))) {
  int64_t lanes = block.lanes.lanes;
  parts = llvm::divideCeil(channels, width * lanes);
  // As many each time where that is possible.
  if (parts * width > kMostHeld)
    parts =
        llvm::divideCeil(parts, llvm::divideCeil(parts, kMostLoaded / width));
  chunk = parts * width * lanes;
}

/// Whether the row behind an item's last is the next item's first.
static bool followItems(AffineExpr offset, int64_t rows) {
  MLIRContext *context = offset.getContext();
  AffineExpr item = getAffineDimExpr(0, context);
  AffineExpr row = getAffineDimExpr(1, context);
  AffineExpr distance =
      offset.replace(row, row + rows) - offset.replace(item, item + 1);
  return simplifyAffineExpr(distance, /*numDims=*/3, /*numSymbols=*/0) == 0;
}

SmallVector<Value> DeviceNorm::splitRow(Value row) {
  std::optional<int64_t> rows = getConstant(op.getRows());
  if (getConstant(op.getBatch()) == 1 ||
      (rows && followItems(inputOffset, *rows) &&
       followItems(resultOffset, *rows)))
    return {b.index(0), row};
  Value ofItem = b.get(op.getRows());
  return {b.div(row, ofItem), b.rem(row, ofItem)};
}

SmallVector<DeviceNorm::Piece> DeviceNorm::getPieces(Value begin) {
  SmallVector<Piece> pieces;
  int64_t ofLanes = width * block.lanes.lanes;
  for (int64_t part = 0; part < parts; ++part) {
    Value channel = b.add(b.add(begin, part * ofLanes), b.mul(lane, width));
    bool leaves =
        isHeld() ? (part + 1) * ofLanes > channels : channels % chunk != 0;
    pieces.push_back(
        {channel, leaves ? b.less(channel, b.index(channels)) : Value()});
  }
  return pieces;
}

SmallVector<Value> DeviceNorm::load(ArrayRef<Piece> pieces) {
  // All are under way before the first is used.
  SmallVector<Value> elements;
  for (const Piece &piece : pieces) {
    Value channel = piece.channel;
    if (piece.isInside)
      channel = b.select(piece.isInside, channel, b.index(0));
    SmallVector<Value> position = {dims[0], dims[1], channel};
    elements.push_back(b.load(input, b.apply(inputOffset, position), width));
  }
  for (auto [element, piece] : llvm::zip(elements, pieces)) {
    element = b.extend(element);
    if (piece.isInside)
      element = b.select(piece.isInside, element, b.constantLike(0.0, element));
  }
  return elements;
}

void DeviceNorm::subtractMean(MutableArrayRef<Value> elements,
                              ArrayRef<Piece> pieces) {
  for (auto [element, piece] : llvm::zip(elements, pieces)) {
    element = b.subf(element, broadcastElements(b, mean, width));
    if (piece.isInside)
      element = b.select(piece.isInside, element, b.constantLike(0.0, element));
  }
}

SmallVector<Value> DeviceNorm::getElements(ArrayRef<Piece> pieces) {
  if (isHeld())
    return held;
  SmallVector<Value> elements = load(pieces);
  if (mean)
    subtractMean(elements, pieces);
  return elements;
}

void DeviceNorm::forChunks(function_ref<void(ArrayRef<Piece>)> body) {
  if (isHeld())
    return body(getPieces(b.index(0)));
  b.forLoop(b.index(0), b.index(channels), chunk,
            [&](Value begin) { body(getPieces(begin)); });
}

Value DeviceNorm::sum(function_ref<Value(Value, Value)> add) {
  // In every lane alike: a lane's vectors in their order, then the channels of
  // a vector, then the lanes.
  auto addPieces = [&](ArrayRef<Piece> pieces, Value total) {
    for (Value element : getElements(pieces))
      total = add(total, element);
    return total;
  };
  Value total = width == 1 ? b.scalar(0.0) : b.splat(0.0, width);
  if (isHeld())
    total = addPieces(getPieces(b.index(0)), total);
  else
    total = b.forLoop(b.index(0), b.index(channels), chunk, total,
                      [&](Value begin, ValueRange carried) {
                        return SmallVector<Value>{
                            addPieces(getPieces(begin), carried.front())};
                      })
                .front();
  return b.sumOverLanes(width == 1 ? total : b.reduceAdd(total),
                        block.lanes.lanes);
}

Value DeviceNorm::loadChannels(DevicePointer pointer, Value first,
                               int64_t count) {
  int64_t bytes =
      vitc::vit::WeightExprAttr::getStoredElementBytes(pointer.element);
  if (count * bytes <= kVectorBytes)
    return b.extend(b.load(pointer, first, count));
  Value low = loadChannels(pointer, first, count / 2);
  Value high = loadChannels(pointer, b.add(first, count / 2), count / 2);
  return vector::ShuffleOp::create(b, low, high,
                                   llvm::to_vector(llvm::seq<int64_t>(count)));
}

void DeviceNorm::store(Value element, const Piece &piece) {
  auto emit = [&] {
    if (scale && shift)
      element = b.fma(element, loadChannels(scale, piece.channel, width),
                      loadChannels(shift, piece.channel, width));
    else if (scale)
      element = b.mulf(element, loadChannels(scale, piece.channel, width));
    else if (shift)
      element = b.addf(element, loadChannels(shift, piece.channel, width));
    SmallVector<Value> position = {dims[0], dims[1], piece.channel};
    b.store(b.roundTo(element, init.element), init,
            b.apply(resultOffset, position));
  };
  if (piece.isInside)
    b.ifElse(piece.isInside, emit, nullptr);
  else
    emit();
}

void DeviceNorm::emitRow(Value isRow) {
  if (isHeld())
    held = load(getPieces(b.index(0)));
  Value perChannel = b.scalar(1.0 / double(channels));
  if (!op.getRms()) {
    mean = b.mulf(
        sum([&](Value sum, Value element) { return b.addf(sum, element); }),
        perChannel);
    subtractMean(held, getPieces(b.index(0)));
  }
  Value variance = b.mulf(sum([&](Value sum, Value element) {
                            return b.fma(element, element, sum);
                          }),
                          perChannel);
  Value deviation = math::SqrtOp::create(
      b, b.addf(variance, b.scalar(op.getEpsilon().convertToDouble())));
  Value factor = broadcastElements(b, b.divf(b.scalar(1.0), deviation), width);
  auto storePieces = [&] {
    forChunks([&](ArrayRef<Piece> pieces) {
      for (auto [element, piece] : llvm::zip(getElements(pieces), pieces))
        store(b.mulf(element, factor), piece);
    });
  };
  b.ifElse(isRow, storePieces, nullptr);
}

DeviceKernel DeviceNorm::build() {
  int64_t lanes = block.lanes.lanes, rowsOfBlock = op.getTilingAttr().getRows();
  lane = b.rem(b.getThread(), lanes);
  Value inBlock = b.div(b.getThread(), lanes);
  Value row = b.add(b.mul(b.getBlock(), rowsOfBlock), inBlock);
  Value numRows = b.mul(b.get(op.getBatch()), b.get(op.getRows()));
  Value isRow = b.less(row, numRows);
  if (rowsOfBlock * lanes != b.getNumThreads())
    isRow = b.both(isRow, b.less(inBlock, b.index(rowsOfBlock)));
  // All lanes of a warp add up: those that have no row take the last one.
  dims = splitRow(b.min(row, b.sub(numRows, b.index(1))));
  emitRow(isRow);
  return b.finish();
}

FailureOr<DeviceKernel> vitc::kernel::buildDeviceNorm(NormOp op,
                                                      DeviceContext &context) {
  int64_t rows = op.getTilingAttr().getRows();
  int64_t lanes = NormBlock(op).lanes.lanes;
  if (rows < 1 || rows > kMaxBlockThreads / lanes)
    return op.emitOpError() << "has a tiling of " << rows << " rows, of "
                            << lanes << " threads each; a block has 1 to "
                            << kMaxBlockThreads / lanes << " of them";
  return DeviceNorm(op, context).build();
}

Value vitc::kernel::countDeviceNormBlocks(NormOp op, VectorBuilder &b) {
  return b.ceilDiv(b.mul(op.getBatch(), op.getRows()),
                   op.getTilingAttr().getRows());
}
