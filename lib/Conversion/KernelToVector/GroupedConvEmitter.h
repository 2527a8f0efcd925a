//===- GroupedConvEmitter.h - Grouped convolutions ----------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GROUPEDCONVEMITTER_H
#define VITC_CONVERSION_KERNELTOVECTOR_GROUPEDCONVEMITTER_H

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

/// Dims of a grouped convolution's maps.
enum : unsigned { kConvItem, kConvRow, kConvColumn, kConvChannel };

/// How the lanes of a vector of output channels find their input channels.
///
/// Groups of fewer outputs than lanes, a power of two, are several in a vector:
/// the input's channels are loaded together, and one of each group is repeated
/// for its outputs. A depthwise convolution needs no repetition. Otherwise all
/// lanes belong to one group, and one input channel is broadcast.
struct ConvLanes {
  ConvLanes(GroupedConvOp op, int64_t lanes);

  bool spansGroups;
  /// Outputs that strips of vectors are cut from: all, or those of one group.
  int64_t outputs;
  /// Channels of a strip, and strips that make up `outputs`.
  int64_t stripOutputs, numStrips;
};

/// Emits one task of a grouped convolution: some strips of output channels for
/// some rows of one item.
///
///   for each row of places
///     for each tile of places        of tiling.columns
///       for each strip of channels   neighbours in memory
///         for each row of the filter that meets the input
///           for each input channel of the group, then tap
///             accumulators in registers
///
/// Where a tile lies along the row is known: taps that meet the padding have no
/// code. Every element is summed in the same order wherever it lies.
class GroupedConvEmitter {
public:
  GroupedConvEmitter(GroupedConvOp op, KernelBuilder &builder);
  void emit();

private:
  /// Output channels that are computed together.
  struct Strip {
    mlir::Value channel;      // the first of the result
    mlir::Value inputChannel; // the first of the input that it reads
    int64_t numChannels;      // the last vector may be partial
  };
  /// Places (y, x) to (y, x + numColumns - 1) of the result.
  struct Tile {
    mlir::Value y, x;
    int64_t numColumns;
    /// x, where the tile meets the padding; else no tap does.
    std::optional<int64_t> border;
  };
  using Vectors = llvm::SmallVector<mlir::Value>;

  // GroupedConv.cpp
  /// Calls `emitTile` for the tiles of row `y`.
  void emitRow(mlir::Value y, llvm::function_ref<void(const Tile &)> emitTile);
  /// A tile of strip `number` of all.
  void emitStrip(mlir::Value number, const Tile &tile);
  bool isInside(int64_t x, int64_t numColumns);

  // GroupedConvTile.cpp
  void emitTile(const Strip &strip, const Tile &tile);
  Vectors emitInit(const Strip &strip, const Tile &tile);
  Vectors emitSums(const Strip &strip, const Tile &tile, mlir::ValueRange init);
  /// The rows of the filter that meet the input, for places of row `y`.
  std::pair<mlir::Value, mlir::Value> getTapRowRange(mlir::Value y);
  /// Adds what columns [tapBegin, tapEnd) of the filter's row `tapRow` and
  /// channel `c` of a group contribute; `source` is where the input has place
  /// (0, 0) of the tile's first window.
  void emitTaps(const Strip &strip, const Tile &tile, mlir::Value tapRow,
                int64_t tapBegin, int64_t tapEnd, mlir::Value source,
                mlir::Value c, Vectors &sums);
  /// The input's channel `c` of each group for the vectors of a strip.
  Vectors loadInput(const Strip &strip, mlir::Value source, mlir::Value c);
  void emitStore(const Strip &strip, const Tile &tile, mlir::ValueRange sums);
  void emitStoreVector(const Strip &strip, int64_t j, mlir::Value value,
                       mlir::ValueRange place);

  int64_t getNumVectors(const Strip &strip) const;
  /// Channels of vector `j` of a strip that the result has.
  int64_t getCount(const Strip &strip, int64_t j) const;

  GroupedConvOp op;
  KernelBuilder &b;
  ConvTilingAttr tiling;
  ConvLanes lanes;
  int64_t rows, columns, inputRows, inputColumns, tapRows, tapColumns;
  Access inputAccess, resultAccess;
  std::optional<Access> residualAccess;
  mlir::Value input, filter, bias, residual, init; // flat views
  mlir::Value item;                                // of the batch
  mlir::Value scratch; // a tile; null without an activation
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GROUPEDCONVEMITTER_H
