//===- GroupedConvTile.cpp - Micro-tiles of a grouped convolution ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// numColumns x numVectors accumulators stay in registers while the filter's
// rows run, and so do some columns of the row: a column of the input is loaded
// once and used by all windows that it is in. With an activation the sums pass
// through a scratch tile in L1, as those of a product do.
//
//===----------------------------------------------------------------------===//

#include "GroupedConvEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

int64_t GroupedConvEmitter::getNumVectors(const Strip &strip) const {
  return llvm::divideCeil(strip.numChannels, b.lanes());
}

int64_t GroupedConvEmitter::getCount(const Strip &strip, int64_t j) const {
  return std::min(b.lanes(), strip.numChannels - j * b.lanes());
}

void GroupedConvEmitter::emitTile(const Strip &strip, const Tile &tile) {
  emitStore(strip, tile, emitSums(strip, tile, emitInit(strip, tile)));
}

GroupedConvEmitter::Vectors GroupedConvEmitter::emitInit(const Strip &strip,
                                                         const Tile &tile) {
  Vectors vectors;
  for (int64_t j = 0; j < getNumVectors(strip); ++j)
    vectors.push_back(bias ? b.load(bias, b.add(strip.channel, j * b.lanes()),
                                    b.lanes(), getCount(strip, j))
                           : b.splat(0.0));
  Vectors init;
  for (int64_t r = 0; r < tile.numColumns; ++r)
    llvm::append_range(init, vectors);
  return init;
}

std::pair<Value, Value> GroupedConvEmitter::getTapRowRange(Value y) {
  int64_t stride = op.getStride()[0], dilation = op.getDilation()[0];
  int64_t top = op.getPad()[0], end = inputRows + top;
  Value zero = b.index(0), all = b.index(tapRows);
  // The first row of a window, counted from the padding's.
  Value first = b.mul(y, stride);
  Value tapBegin = zero, tapEnd = all;
  if (top > 0)
    tapBegin = b.select(b.less(first, b.index(top)),
                        b.ceilDiv(b.sub(b.index(top), first), dilation), zero);
  if ((rows - 1) * stride + (tapRows - 1) * dilation >= end)
    tapEnd = b.select(
        b.less(first, b.index(end)),
        b.min(all, b.ceilDiv(b.sub(b.index(end), first), dilation)), zero);
  return {tapBegin, tapEnd};
}

GroupedConvEmitter::Vectors GroupedConvEmitter::emitSums(const Strip &strip,
                                                         const Tile &tile,
                                                         ValueRange init) {
  auto [begin, end] = getTapRowRange(tile.y);
  Value zero = b.index(0);
  int64_t rowStride = *inputAccess.getStride(kConvRow);
  int64_t columnStride = *inputAccess.getStride(kConvColumn);
  Value window =
      b.apply(inputAccess.getOffset(), {item, zero, zero, strip.inputChannel});
  window = b.add(window, b.mul(tile.x, op.getStride()[1] * columnStride));
  window = b.add(window, -op.getPad()[1] * columnStride);
  int64_t groupChannels = op.getGroupChannels();
  return b.forLoop(begin, end, 1, init, [&](Value tapRow, ValueRange current) {
    Vectors sums(current);
    Value row = b.add(b.mul(tile.y, op.getStride()[0]),
                      b.mul(tapRow, op.getDilation()[0]));
    row = b.sub(row, b.index(op.getPad()[0]));
    Value source = b.add(window, b.mul(row, rowStride));
    for (int64_t j = 0; j < tapColumns; j += tiling.getTaps()) {
      auto addChannel = [&](Value c, Vectors &sums) {
        emitTaps(strip, tile, tapRow, j,
                 std::min(j + tiling.getTaps(), tapColumns), source, c, sums);
      };
      // Lanes are permuted by constants, channel by channel.
      if (lanes.spansGroups || groupChannels == 1)
        for (int64_t c = 0; c < groupChannels; ++c)
          addChannel(b.index(c), sums);
      else
        sums = b.forLoop(zero, b.index(groupChannels), 1, sums,
                         [&](Value c, ValueRange current) {
                           Vectors sums(current);
                           addChannel(c, sums);
                           return sums;
                         });
    }
    return sums;
  });
}

void GroupedConvEmitter::emitTaps(const Strip &strip, const Tile &tile,
                                  Value tapRow, int64_t tapBegin,
                                  int64_t tapEnd, Value source, Value c,
                                  Vectors &sums) {
  int64_t stride = op.getStride()[1], dilation = op.getDilation()[1];
  int64_t numVectors = getNumVectors(strip), outputs = op.getOutputs();
  int64_t tapSize = op.getGroupChannels() * outputs;
  Value taps = b.add(b.mul(tapRow, tapColumns * tapSize), b.mul(c, outputs));
  taps = b.add(taps, strip.channel);
  SmallVector<Vectors> weights;
  for (int64_t tap = tapBegin; tap < tapEnd; ++tap) {
    Vectors &vectors = weights.emplace_back();
    for (int64_t j = 0; j < numVectors; ++j)
      vectors.push_back(b.load(filter,
                               b.add(taps, tap * tapSize + j * b.lanes()),
                               b.lanes(), getCount(strip, j)));
  }
  // Columns of the input, counted from the first of the tile's first window.
  int64_t begin = tapBegin * dilation;
  int64_t end = (tile.numColumns - 1) * stride + (tapEnd - 1) * dilation + 1;
  if (tile.border) {
    int64_t first = *tile.border * stride - op.getPad()[1];
    begin = std::max(begin, -first);
    end = std::min(end, inputColumns - first);
  }
  int64_t columnStride = *inputAccess.getStride(kConvColumn);
  for (int64_t column = begin; column < end; ++column) {
    Vectors inputs; // loaded for the first window
    for (int64_t tap = tapBegin; tap < tapEnd; ++tap) {
      int64_t distance = column - tap * dilation;
      if (distance < 0 || distance % stride != 0 ||
          distance / stride >= tile.numColumns)
        continue;
      if (inputs.empty())
        inputs = loadInput(strip, b.add(source, column * columnStride), c);
      for (int64_t j = 0; j < numVectors; ++j) {
        Value &sum = sums[distance / stride * numVectors + j];
        sum = b.fma(inputs[j], weights[tap - tapBegin][j], sum);
      }
    }
  }
}

GroupedConvEmitter::Vectors
GroupedConvEmitter::loadInput(const Strip &strip, Value source, Value c) {
  int64_t numVectors = getNumVectors(strip);
  if (!lanes.spansGroups)
    return Vectors(numVectors,
                   b.broadcast(b.loadScalar(input, b.add(source, c))));
  int64_t groupOutputs = op.getGroupOutputs();
  int64_t groupChannels = op.getGroupChannels();
  auto getChannels = [&](int64_t outputs) {
    return outputs / groupOutputs * groupChannels;
  };
  Vectors vectors;
  for (int64_t j = 0; j < numVectors; ++j) {
    Value channels =
        b.load(input, b.add(source, getChannels(j * b.lanes())),
               getChannels(b.lanes()), getChannels(getCount(strip, j)));
    if (groupOutputs != 1 || groupChannels != 1) {
      SmallVector<int64_t> places;
      for (int64_t lane = 0; lane < b.lanes(); ++lane)
        places.push_back(getChannels(lane) + *getConstant(c));
      channels = vector::ShuffleOp::create(b, channels, channels, places);
    }
    vectors.push_back(channels);
  }
  return vectors;
}

void GroupedConvEmitter::emitStore(const Strip &strip, const Tile &tile,
                                   ValueRange sums) {
  int64_t numVectors = getNumVectors(strip);
  auto getPlace = [&](Value column) {
    return SmallVector<Value>{item, tile.y, b.add(tile.x, column),
                              strip.channel};
  };
  if (!scratch) {
    for (auto [i, sum] : llvm::enumerate(sums)) {
      auto r = static_cast<int64_t>(i) / numVectors;
      emitStoreVector(strip, static_cast<int64_t>(i) % numVectors, sum,
                      getPlace(b.index(r)));
    }
    return;
  }
  for (auto [i, sum] : llvm::enumerate(sums))
    b.store(sum, scratch, b.index(i * b.lanes()));
  b.forLoop(b.index(0), b.index(tile.numColumns), 1, [&](Value r) {
    Value tileRow = b.mul(r, numVectors * b.lanes());
    for (int64_t j = 0; j < numVectors; ++j) {
      Value sum = b.load(scratch, b.add(tileRow, j * b.lanes()));
      emitStoreVector(strip, j, b.activation(op.getActivation(), sum),
                      getPlace(r));
    }
  });
}

void GroupedConvEmitter::emitStoreVector(const Strip &strip, int64_t j,
                                         Value value, ValueRange place) {
  int64_t count = getCount(strip, j);
  auto getOffset = [&](const Access &access) {
    return b.add(b.apply(access.getOffset(), place), j * b.lanes());
  };
  if (residualAccess)
    value = b.addf(
        value, b.load(residual, getOffset(*residualAccess), b.lanes(), count));
  b.store(value, init, getOffset(resultAccess), count);
}
