//===- GroupedConv.cpp - Vector code for kernel.grouped_conv --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a task computes, and the loops around the micro-tiles of
// GroupedConvTile.cpp. Tasks are numbered along the channels of a block of rows
// first.
//
//===----------------------------------------------------------------------===//

#include "GroupedConvEmitter.h"
#include "TaskBlocks.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// Groups whose channels one load brings in have up to so many for an output:
/// each channel is code of its own.
static constexpr int64_t kChannelsPerOutput = 2;

ConvLanes::ConvLanes(GroupedConvOp op, int64_t lanes) {
  int64_t groupOutputs = op.getGroupOutputs();
  spansGroups = groupOutputs < lanes && lanes % groupOutputs == 0 &&
                op.getGroupChannels() <= kChannelsPerOutput * groupOutputs;
  outputs = spansGroups ? op.getOutputs() : groupOutputs;
  stripOutputs = op.getTiling()->getVectors() * lanes;
  numStrips = llvm::divideCeil(outputs, stripOutputs);
}

/// Strips of all channels.
static int64_t countStrips(GroupedConvOp op, const ConvLanes &lanes) {
  return op.getOutputs() / lanes.outputs * lanes.numStrips;
}

static int64_t getStripsPerTask(GroupedConvOp op, const ConvLanes &lanes) {
  int64_t channels = std::min(lanes.stripOutputs, lanes.outputs);
  return std::max<int64_t>(1, op.getTiling()->getChannels() / channels);
}

static int64_t countChannelBlocks(GroupedConvOp op, const ConvLanes &lanes) {
  return llvm::divideCeil(countStrips(op, lanes), getStripsPerTask(op, lanes));
}

static int64_t countRowBlocks(GroupedConvOp op) {
  return llvm::divideCeil(op.getSize()[0], op.getTiling()->getRows());
}

GroupedConvEmitter::GroupedConvEmitter(GroupedConvOp op, KernelBuilder &builder)
    : op(op), b(builder), tiling(*op.getTiling()), lanes(op, b.lanes()),
      rows(op.getSize()[0]), columns(op.getSize()[1]),
      inputRows(op.getInputSize()[0]), inputColumns(op.getInputSize()[1]),
      tapRows(op.getTapRows()), tapColumns(op.getTapColumns()),
      inputAccess(op.getInputMap(), cast<MemRefType>(op.getInput().getType())),
      resultAccess(op.getResultMap(), cast<MemRefType>(op.getInit().getType())),
      input(b.getFlat(op.getInput())), filter(b.getFlat(op.getFilter())),
      bias(b.getFlat(op.getBias())), residual(b.getFlat(op.getResidual())),
      init(b.getFlat(op.getInit())) {
  if (op.getResidual())
    residualAccess.emplace(*op.getResidualMap(),
                           cast<MemRefType>(op.getResidual().getType()));
  if (op.getActivation() != vitc::vit::Activation::None)
    scratch = b.getScratch(tiling.getColumns() * lanes.stripOutputs);
}

void GroupedConvEmitter::emit() {
  int64_t channelBlocks = countChannelBlocks(op, lanes);
  int64_t rowBlocks = countRowBlocks(op);
  Value channelBlock = b.rem(b.getTask(), channelBlocks);
  Value rest = b.div(b.getTask(), channelBlocks);
  item = b.div(rest, rowBlocks);
  Value rowBlock = b.rem(rest, rowBlocks);
  auto getBegin = [&](Value block) {
    return getBlockBegin(b, block, b.index(rowBlocks), b.index(rows));
  };
  Value rowBegin = getBegin(rowBlock), rowEnd = getBegin(b.add(rowBlock, 1));

  int64_t stripsPerTask = getStripsPerTask(op, lanes);
  Value begin = b.mul(channelBlock, stripsPerTask);
  Value end =
      b.min(b.add(begin, stripsPerTask), b.index(countStrips(op, lanes)));
  b.forLoop(rowBegin, rowEnd, 1, [&](Value y) {
    emitRow(y, [&](const Tile &tile) {
      b.forLoop(begin, end, 1, [&](Value number) { emitStrip(number, tile); });
    });
  });
}

void GroupedConvEmitter::emitStrip(Value number, const Tile &tile) {
  Value group = b.div(number, lanes.numStrips);
  Value index = b.rem(number, lanes.numStrips);
  Strip strip;
  strip.channel =
      b.add(b.mul(group, lanes.outputs), b.mul(index, lanes.stripOutputs));
  strip.inputChannel =
      b.mul(b.div(strip.channel, op.getGroupOutputs()), op.getGroupChannels());
  auto emitChannels = [&](int64_t numChannels) {
    strip.numChannels = numChannels;
    emitTile(strip, tile);
  };
  int64_t wholeStrips = lanes.outputs / lanes.stripOutputs;
  int64_t restOutputs = lanes.outputs % lanes.stripOutputs;
  if (restOutputs == 0)
    emitChannels(lanes.stripOutputs);
  else if (wholeStrips == 0)
    emitChannels(restOutputs);
  else
    b.ifElse(
        b.less(index, b.index(wholeStrips)),
        [&] { emitChannels(lanes.stripOutputs); },
        [&] { emitChannels(restOutputs); });
}

/// Whether no window of places x to x + numColumns - 1 meets the padding.
bool GroupedConvEmitter::isInside(int64_t x, int64_t numColumns) {
  int64_t stride = op.getStride()[1], left = op.getPad()[1];
  int64_t span = (tapColumns - 1) * op.getDilation()[1];
  return x * stride >= left &&
         (x + numColumns - 1) * stride + span - left < inputColumns;
}

/// Tiles of one width but for the last. Neighbours that do not meet the padding
/// share their code.
void GroupedConvEmitter::emitRow(
    Value y, llvm::function_ref<void(const Tile &)> emitTile) {
  int64_t numTiles = llvm::divideCeil(columns, tiling.getColumns());
  int64_t width = llvm::divideCeil(columns, numTiles);
  for (int64_t x = 0; x < columns;) {
    int64_t numColumns = std::min(width, columns - x);
    if (!isInside(x, numColumns)) {
      emitTile({y, b.index(x), numColumns, x});
      x += numColumns;
      continue;
    }
    int64_t end = x + numColumns;
    while (end + numColumns <= columns && isInside(end, numColumns))
      end += numColumns;
    b.forLoop(b.index(x), b.index(end), numColumns, [&](Value begin) {
      emitTile({y, begin, numColumns, std::nullopt});
    });
    x = end;
  }
}

static LogicalResult checkTiling(GroupedConvOp op) {
  ConvTilingAttr tiling = *op.getTiling();
  if (std::min({tiling.getColumns(), tiling.getVectors(), tiling.getTaps(),
                tiling.getRows(), tiling.getChannels()}) >= 1)
    return success();
  return op.emitOpError() << "has tiling " << tiling
                          << "; columns, vectors, taps, rows and channels are "
                             "1 or more";
}

static LogicalResult checkMaps(GroupedConvOp op) {
  auto check = [&](Value operand, AffineMap map, StringRef name) {
    return Access(map, cast<MemRefType>(operand.getType()))
        .requireUnitStride(op, name, kConvChannel, "channels");
  };
  if (failed(check(op.getInput(), op.getInputMap(), "input")) ||
      failed(check(op.getInit(), op.getResultMap(), "init")))
    return failure();
  if (op.getResidual() &&
      failed(check(op.getResidual(), *op.getResidualMap(), "residual")))
    return failure();
  Access input(op.getInputMap(), cast<MemRefType>(op.getInput().getType()));
  if (!input.getStride(kConvRow) || !input.getStride(kConvColumn))
    return op.emitOpError()
           << "has input map " << AffineMapAttr::get(op.getInputMap())
           << "; needs a constant stride along rows and columns";
  return success();
}

static std::string getName(GroupedConvOp op) {
  std::string name =
      llvm::formatv("grouped_conv_{0}x{1}_c{2}_g{3}", op.getTapRows(),
                    op.getTapColumns(), op.getOutputs(), op.getGroups());
  if (op.getActivation() != vitc::vit::Activation::None)
    name += ("_" + vitc::vit::stringifyActivation(op.getActivation())).str();
  if (op.getResidual())
    name += "_residual";
  return name;
}

FailureOr<KernelFunction>
vitc::kernel::buildGroupedConv(GroupedConvOp op, KernelContext &context) {
  if (failed(checkTiling(op)) || failed(checkMaps(op)))
    return failure();
  KernelBuilder builder(op, getName(op), context);
  GroupedConvEmitter(op, builder).emit();
  return builder.finish();
}

Value vitc::kernel::countGroupedConvTasks(GroupedConvOp op,
                                          VectorBuilder &builder) {
  ConvLanes lanes(op, builder.lanes());
  return builder.mul(op.getBatch(),
                     countRowBlocks(op) * countChannelBlocks(op, lanes));
}
