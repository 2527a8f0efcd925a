//===- Tilings.cpp - Other ways to cut a kernel ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tilings.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::bench;
using namespace vitc::kernel;

static constexpr int64_t kRowBlocks[] = {64, 128, 192, 256, 384, 512};
static constexpr int64_t kKBlocks[] = {384, 768, 1536, 3072};
static constexpr int64_t kUnrolls[] = {2, 3, 4, 6, 8};
static constexpr int64_t kPanels[] = {1, 2, 4};
static constexpr int64_t kQueryBlocks[] = {48, 64, 96, 128, 192, 256, 512};
static constexpr int64_t kKeyBlocks[] = {128, 192, 256, 384, 512, 1024, 2048};

/// Rows of the larger tiles of `rows`, which are cut evenly.
static int64_t getHeight(int64_t rows, int64_t tileRows) {
  return llvm::divideCeil(rows, llvm::divideCeil(rows, tileRows));
}

/// All micro-tiles for blocks of `rows`: who asks for a few more rows than the
/// tiles then have gets the same tiles.
static SmallVector<MicroTile> getTiles(int64_t rows, const Machine &machine) {
  SmallVector<MicroTile> tiles;
  for (MicroTile tallest : getMicroTiles(machine))
    for (int64_t height = tallest.rows; 2 * height >= tallest.rows; --height)
      if (getHeight(rows, height) == height || height == tallest.rows)
        tiles.push_back({height, tallest.columns});
  return tiles;
}

static GemmTilingAttr withTile(GemmTilingAttr tiling, MicroTile tile) {
  return GemmTilingAttr::get(tiling.getContext(), tiling.getProvider(),
                             tile.rows, tile.columns, tiling.getKBlock(),
                             tiling.getUnroll(), tiling.getRowBlock(),
                             tiling.getPanels());
}

static AttentionTilingAttr withTile(AttentionTilingAttr tiling,
                                    MicroTile tile) {
  return AttentionTilingAttr::get(tiling.getContext(), tile.rows, tile.columns,
                                  tiling.getQueryBlock(), tiling.getKeyBlock());
}

SmallVector<Attribute> vitc::bench::getMicroTilings(Operation *kernel,
                                                    Attribute tiling,
                                                    const Machine &machine) {
  SmallVector<Attribute> tilings;
  llvm::TypeSwitch<Attribute>(tiling)
      .Case([&](GemmTilingAttr tiling) {
        int64_t rows = getShape(cast<GemmOp>(kernel)).rows;
        int64_t blocks = llvm::divideCeil(rows, tiling.getRowBlock());
        for (MicroTile tile : getTiles(llvm::divideCeil(rows, blocks), machine))
          tilings.push_back(withTile(tiling, tile));
      })
      .Case([&](AttentionTilingAttr tiling) {
        std::optional<int64_t> queries =
            getConstantIntValue(cast<AttentionOp>(kernel).getQueries());
        for (MicroTile tile :
             getTiles(queries.value_or(kRepresentativeRows), machine))
          tilings.push_back(withTile(tiling, tile));
      });
  return tilings;
}

static void addBlockings(GemmOp op, GemmTilingAttr tiling,
                         SmallVectorImpl<Attribute> &tilings) {
  auto add = [&](int64_t kBlock, int64_t unroll, int64_t rowBlock,
                 int64_t panels) {
    tilings.push_back(GemmTilingAttr::get(op.getContext(), tiling.getProvider(),
                                          tiling.getRows(), tiling.getColumns(),
                                          kBlock, unroll, rowBlock, panels));
  };
  int64_t kBlock = tiling.getKBlock(), unroll = tiling.getUnroll();
  int64_t rowBlock = tiling.getRowBlock(), panels = tiling.getPanels();
  // Chunks that have statistics are blocks.
  if (!op.getStatistics())
    for (int64_t rows : kRowBlocks)
      add(kBlock, unroll, rows, panels);
  // The result holds sums of blocks of K: not in place, nor in 16 bits.
  if (op.getResidual() != op.getInit() &&
      getElementTypeOrSelf(op.getInit()).isF32())
    for (int64_t terms : kKBlocks)
      if (std::min(terms, kBlock) < int64_t(op.getK()))
        add(terms, unroll, rowBlock, panels);
  for (int64_t steps : kUnrolls)
    add(kBlock, steps, rowBlock, panels);
  for (int64_t count : kPanels)
    add(kBlock, unroll, rowBlock, count);
}

static void addBlockings(AttentionOp op, AttentionTilingAttr tiling,
                         SmallVectorImpl<Attribute> &tilings) {
  auto add = [&](int64_t queryBlock, int64_t keyBlock) {
    tilings.push_back(
        AttentionTilingAttr::get(op.getContext(), tiling.getRows(),
                                 tiling.getColumns(), queryBlock, keyBlock));
  };
  // All blocks of `size` or more are the same.
  auto forEach = [](ArrayRef<int64_t> blocks, Value size,
                    function_ref<void(int64_t)> body) {
    int64_t most =
        getConstantIntValue(size).value_or(std::numeric_limits<int64_t>::max());
    for (int64_t block : blocks) {
      body(block);
      if (block >= most)
        return;
    }
  };
  forEach(kQueryBlocks, op.getQueries(),
          [&](int64_t block) { add(block, tiling.getKeyBlock()); });
  forEach(kKeyBlocks, op.getKeys(),
          [&](int64_t block) { add(tiling.getQueryBlock(), block); });
}

SmallVector<Attribute> vitc::bench::getBlockings(Operation *kernel,
                                                 Attribute tiling) {
  SmallVector<Attribute> tilings;
  llvm::TypeSwitch<Attribute>(tiling)
      .Case([&](GemmTilingAttr tiling) {
        addBlockings(cast<GemmOp>(kernel), tiling, tilings);
      })
      .Case([&](AttentionTilingAttr tiling) {
        addBlockings(cast<AttentionOp>(kernel), tiling, tilings);
      });
  return tilings;
}

std::string vitc::bench::describeTiling(Attribute tiling) {
  return llvm::TypeSwitch<Attribute, std::string>(tiling)
      .Case([](GemmTilingAttr tiling) -> std::string {
        return llvm::formatv("{0}x{1} rows {2} k {3} unroll {4} panels {5}",
                             tiling.getRows(), tiling.getColumns(),
                             tiling.getRowBlock(), tiling.getKBlock(),
                             tiling.getUnroll(), tiling.getPanels());
      })
      .Case([](AttentionTilingAttr tiling) -> std::string {
        return llvm::formatv("{0}x{1} queries {2} keys {3}", tiling.getRows(),
                             tiling.getColumns(), tiling.getQueryBlock(),
                             tiling.getKeyBlock());
      });
}
