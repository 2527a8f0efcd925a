//===- DeviceGemmTiling.cpp - How a GPU cuts products ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Large blocks read operands less often, small ones are more: a GPU with much
// to do takes the former, one picture's 197 rows the latter. By a model: a step
// of k takes a multiprocessor with `resident` blocks as many cycles as the
// slowest of these needs,
//   its multiply-adds, one instruction of a warp a cycle and scheduler,
//   its loads from shared memory, its copies from L2
// and blocks come in waves of multiprocessors * resident. On sm_90a warpgroups
// multiply larger tiles, which read operands less often, by instructions that
// read them from shared memory; their blocks stay, so that only what follows a
// tile's sums adds to its steps. No cycle of it was measured.
//
//===----------------------------------------------------------------------===//

#include "DeviceGemmTiling.h"

#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Kernel/GemmBlock.h"
#include "vitc/Kernel/Multiprocessor.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;

namespace {
/// A block's tile and its threads' or warps' micro-tile.
struct Tile {
  int64_t rowBlock, panels, rows, columns;
};
/// All that is multiplied.
struct Shape {
  int64_t items, rows, n, k; ///< Rows of one item.
  bool isCutByItem;          ///< A block has rows of one item only.
  bool isChunk;              ///< All rows of an item are one block's.
  bool isNormalised, isF32;
  int64_t weightBytes = 0;     ///< Of an element.
  int64_t lhsBytes = 0;        ///< The same.
  bool isCopied = false;       ///< Rows are multiplied as they lie in memory.
  bool isActivated = false;    ///< Results get an activation.
  bool isOfWarpgroups = false; ///< They can multiply it.
};
} // namespace

/// Of f32, the micro-tile being a thread's.
static constexpr Tile kFmaTiles[] = {
    {128, 2, 8, 8}, {64, 2, 8, 8}, {128, 1, 8, 8}, {64, 1, 4, 8},
    {64, 1, 4, 4},  {32, 1, 4, 4}, {16, 1, 4, 4},
};
/// Of tensor cores, the micro-tile being a warp's.
static constexpr Tile kTensorTiles[] = {
    {128, 2, 64, 32}, {64, 2, 32, 32}, {128, 1, 32, 32},
    {64, 1, 32, 16},  {32, 1, 16, 16}, {16, 1, 16, 16},
};

/// Of 16 bits, the micro-tile being a warpgroup's.
static constexpr Tile kWarpgroupTiles[] = {
    {128, 4, 64, 256}, {128, 3, 64, 192}, {128, 2, 64, 128},
    {128, 1, 64, 64},  {64, 2, 64, 128},  {64, 1, 64, 64},
};

/// Bytes of a row's terms of a step, and steps in shared memory: 128 rows and
/// columns take 55 KiB for f32, 57 KiB for what tensor cores multiply, and two
/// blocks fit.
static constexpr int64_t kTermBytes = 64, kStages = 3;

/// Of warpgroups, where rows are copied or threads hold them meanwhile; steps
/// are as many as fit, up to a number that hides the latency of memory.
static constexpr int64_t kCopiedTerms = 64, kChangedTerms = 32, kMostStages = 8;
/// Rows for which there is padding at most.
static constexpr int64_t kPaddingRows = 2;
/// Shared memory of a block beside its stages.
static constexpr int64_t kOtherBytes = 2 << 10;

/// Of an A100, an H100 has 132; each has four schedulers, which start an
/// instruction of a warp a cycle.
static constexpr int64_t kMultiprocessors = 108, kSchedulers = 4;
/// For a vector of shared memory that the lanes of a warp read together.
static constexpr double kSharedLoadCycles = 2;
/// Of L2, a multiprocessor's share.
static constexpr double kBytesPerCycle = 32;
/// Products of an instruction on a scheduler's tensor core, of 16 bits; of tf32
/// they are half as many.
static constexpr double kTensorProducts = 16 * 8 * 16, kTensorCycles = 8;
/// To fill the stages and to store results.
static constexpr double kBlockCycles = 2500;
/// Of an H100's multiprocessor: products of a cycle, bytes of shared memory.
static constexpr double kWarpgroupProducts = 2048, kSharedBytesPerCycle = 128;
/// Instructions for a result, and those of an activation.
static constexpr double kResultInstructions = 10, kActivationInstructions = 25;

/// Items that are run at a time where that is open: blocks are to serve few and
/// many.
static constexpr int64_t kOpenBatch = 4;

/// Rows up to which each weight is used too rarely to be copied for several
/// threads, in blocks of up to kMaxFewRows.
static constexpr int64_t kFewRows = 8;
/// Blocks that keep memory busy.
static constexpr int64_t kFewRowsBlocks = 2 * kMultiprocessors;
static constexpr int64_t kLeastFewColumns = 8;
/// Shared memory for rows that are multiplied.
static constexpr int64_t kFewRowsBytes = 32 << 10;

static Shape getShape(GemmOp op, GpuAttr gpu, int64_t openBatch) {
  constexpr int64_t kRepresentativeRows = 256;
  auto getSize = [&](Value size, int64_t unknown) {
    std::optional<vitc::KernelSize> known = vitc::getKernelSize(size);
    return std::max<int64_t>(1, known ? known->at(openBatch) : unknown);
  };
  Shape shape = {getSize(op.getBatch(), openBatch),
                 getSize(op.getRows(), kRepresentativeRows),
                 static_cast<int64_t>(op.getN()),
                 static_cast<int64_t>(op.getK()),
                 cast<ShapedType>(op.getWeights().getType()).getRank() == 2,
                 op.getStatistics() != nullptr,
                 op.getNorm().has_value(),
                 getElementTypeOrSelf(op.getWeights()).isF32()};
  Type element = getElementTypeOrSelf(op.getLhs());
  shape.weightBytes = sizeof(float) / GemmBlock::getTermsOfWord(op);
  shape.lhsBytes = vitc::vit::WeightExprAttr::getStoredElementBytes(element);
  shape.isCopied = element == getElementTypeOrSelf(op.getWeights()) &&
                   !op.getNorm() && !op.getLhsScale() &&
                   op.getLhsActivation() == vitc::vit::Activation::None;
  shape.isActivated = op.getActivation() != vitc::vit::Activation::None;
  shape.isOfWarpgroups = gpu.getArch() == "sm_90a" &&
                         shape.weightBytes == sizeof(uint16_t) &&
                         !shape.isCutByItem && !op.getStatistics();
  if (std::optional<int64_t> chunks = op.getNumChunks()) {
    shape.items *= *chunks;
    shape.rows = llvm::divideCeil(shape.rows, *chunks);
    shape.isCutByItem = true;
  }
  return shape;
}

static GemmTilingAttr getTiling(GemmOp op, const Shape &shape,
                                const Tile &tile) {
  return GemmTilingAttr::get(op.getContext(), Provider::Nvvm, tile.rows,
                             tile.columns, kTermBytes / shape.weightBytes,
                             kStages, tile.rowBlock, tile.panels);
}

/// Cycles of a gemm; infinite where registers are short.
static double estimate(const Shape &shape, const Tile &tile,
                       const GemmBlock &block) {
  int64_t columns = tile.panels * kPanelColumns;
  int64_t tilesOfItem = llvm::divideCeil(shape.rows, tile.rowBlock);
  int64_t rowTiles =
      shape.isCutByItem
          ? shape.items * tilesOfItem
          : llvm::divideCeil(shape.items * shape.rows, tile.rowBlock);
  int64_t tilesOfBlock = shape.isChunk ? tilesOfItem : 1;
  int64_t blocks = rowTiles / tilesOfBlock * llvm::divideCeil(shape.n, columns);
  int64_t warps = block.threads / kWarpThreads;
  if (block.countResident() == 0)
    return std::numeric_limits<double>::infinity();
  int64_t resident = std::clamp<int64_t>(
      llvm::divideCeil(blocks, kMultiprocessors), 1, block.countResident());

  // Of one term, of all that are resident.
  auto warpsOfScheduler =
      double(llvm::divideCeil(resident * warps, kSchedulers));
  auto results = double(tile.rows * tile.columns);
  double vectors = double(tile.rows + tile.columns) / 4;
  auto elementBytes = double(shape.weightBytes);
  double issue = warpsOfScheduler * (results + vectors);
  double shared = double(resident * warps) * vectors * kSharedLoadCycles;
  if (!shape.isF32) {
    // The lanes of a warp share its tile.
    double products = kTensorProducts * sizeof(uint16_t) / elementBytes;
    issue = warpsOfScheduler * results / products * kTensorCycles;
    shared *= elementBytes / 32;
  }
  double copied = double(resident * (tile.rowBlock + columns)) * elementBytes /
                  kBytesPerCycle;
  double term = std::max({issue, shared, copied});
  // Rows are read for their norms before they are for the product.
  if (shape.isNormalised)
    term += double(resident * tile.rowBlock) * sizeof(float) / kBytesPerCycle;
  int64_t waves = llvm::divideCeil(blocks, kMultiprocessors * resident);
  return double(waves * tilesOfBlock) * (double(shape.k) * term + kBlockCycles);
}

/// The same where warpgroups multiply: one of a block's, or two. Blocks of the
/// former share a multiprocessor.
static double estimateWarpgroups(const Shape &shape, const Tile &tile) {
  auto rows = double(tile.rowBlock), columns = double(tile.columns);
  auto warpgroups = double(tile.rowBlock / tile.rows);
  int64_t tiles = llvm::divideCeil(shape.items * shape.rows, tile.rowBlock) *
                  llvm::divideCeil(shape.n, tile.columns);
  int64_t resident =
      std::clamp<int64_t>(llvm::divideCeil(tiles, kHopperMultiprocessors), 1,
                          2 / (tile.rowBlock / tile.rows));

  // Of one term, of one block. Each warpgroup reads all columns.
  double products = rows * columns / kWarpgroupProducts;
  double bytes = rows * double(shape.lhsBytes) + columns * sizeof(uint16_t);
  double shared = (2 * rows + (warpgroups + 1) * columns) * sizeof(uint16_t) /
                  kSharedBytesPerCycle;
  double term = std::max({products, shared, bytes / kBytesPerCycle});
  // Rows are read twice for their norms before, by those who fill stages.
  if (shape.isNormalised)
    term += 2 * rows * double(shape.lhsBytes) / kBytesPerCycle;
  double instructions =
      kResultInstructions + (shape.isActivated ? kActivationInstructions : 0.0);
  double results =
      rows * columns * instructions / double(kSchedulers * kWarpThreads);
  int64_t waves = llvm::divideCeil(tiles, kHopperMultiprocessors * resident);
  double perTile = double(shape.k) * term + results;
  return double(waves * resident) * perTile + kBlockCycles;
}

/// Whether the threads of the warpgroup that fills stages hold in registers
/// what they bring.
static bool canFillStages(GemmOp op, const Shape &shape, const Tile &tile) {
  constexpr int64_t kCopiedWidth = 4, kMostRegisters = 100;
  int64_t elements = tile.rowBlock * kChangedTerms / (4 * kWarpThreads);
  return shape.isCopied
             ? GemmBlock::getLhsWidth(op) >= kCopiedWidth
             : GemmBlock::countLhsRegisters(op, elements) <= kMostRegisters;
}

static GemmTilingAttr getWarpgroupTiling(GemmOp op, const Shape &shape,
                                         const Tile &tile, GpuAttr gpu) {
  int64_t terms = shape.isCopied ? kCopiedTerms : kChangedTerms;
  // A run more of rows keeps those of a step in different banks.
  int64_t stageBytes = (tile.rowBlock + kPaddingRows + tile.columns) * terms *
                       int64_t(sizeof(uint16_t));
  int64_t blocks = 2 / (tile.rowBlock / tile.rows);
  int64_t bytes = gpu.getSharedBytes() / blocks - kOtherBytes;
  return GemmTilingAttr::get(
      op.getContext(), Provider::Nvvm, tile.rows, tile.columns, terms,
      std::min(bytes / stageBytes, kMostStages), tile.rowBlock, tile.panels);
}

static GemmTilingAttr getTileTiling(GemmOp op, const Shape &shape,
                                    GpuAttr gpu) {
  ArrayRef<Tile> tiles =
      shape.isF32 ? ArrayRef(kFmaTiles) : ArrayRef(kTensorTiles);
  // The first, a larger one, among equals; the last of those that are short of
  // registers.
  GemmTilingAttr best = getTiling(op, shape, tiles.back());
  double least = std::numeric_limits<double>::infinity();
  for (const Tile &tile : tiles) {
    GemmTilingAttr tiling = getTiling(op, shape, tile);
    double cycles = estimate(shape, tile, GemmBlock(op, tiling));
    if (cycles < least) {
      best = tiling;
      least = cycles;
    }
  }
  if (shape.isOfWarpgroups)
    for (const Tile &tile : kWarpgroupTiles) {
      if (!canFillStages(op, shape, tile))
        continue;
      double cycles = estimateWarpgroups(shape, tile);
      if (cycles < least) {
        best = getWarpgroupTiling(op, shape, tile, gpu);
        least = cycles;
      }
    }
  return best;
}

/// Narrow blocks where there are few columns.
static GemmTilingAttr getFewRowsTiling(GemmOp op, const Shape &shape,
                                       int64_t rows) {
  int64_t columns = kPanelColumns;
  while (columns > kLeastFewColumns &&
         llvm::divideCeil(shape.n, columns) < kFewRowsBlocks)
    columns /= 2;
  constexpr int64_t kGranule = vitc::vit::WeightExprAttr::kPackGranule;
  int64_t terms = llvm::alignTo(shape.k, kGranule);
  if (!op.getNorm()) {
    int64_t most = kFewRowsBytes / int64_t(sizeof(float)) / rows;
    terms = llvm::alignTo(
        llvm::divideCeil(shape.k, llvm::divideCeil(shape.k, most)), kGranule);
  }
  return GemmTilingAttr::get(op.getContext(), Provider::Nvvm, rows, columns,
                             terms, /*unroll=*/1, rows, /*panels=*/1);
}

GemmTilingAttr vitc::kernel::getDeviceGemmTiling(GemmOp op, GpuAttr gpu) {
  Shape shape = getShape(op, gpu, kOpenBatch);
  int64_t rows = shape.isCutByItem ? shape.rows : shape.items * shape.rows;
  // A normalised row lies in shared memory as a whole.
  int64_t rowBytes = shape.k * int64_t(sizeof(float));
  bool fits = !op.getNorm() || rows * rowBytes <= gpu.getSharedBytes() / 2;
  if (rows <= kFewRows && !op.getStatistics() && fits)
    return getFewRowsTiling(op, shape, rows);
  return getTileTiling(op, shape, gpu);
}
