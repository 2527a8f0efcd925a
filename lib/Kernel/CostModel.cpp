//===- CostModel.cpp - What a product costs on a CPU ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step of k takes a tile of r rows and v vectors of columns as many cycles as
// the slowest of these needs:
//   r * v multiply-adds, r + v loads, the latency of an accumulator's chain,
//   v vectors of weights from L2
// and a share of the loads, which compete with the multiply-adds for issue. To
// that comes, once a tile, its start and r * v results. Weights come from
// memory once a block of rows: behind the tiles in own vector code, which
// prefetches the next panel; before them in oneDNN, which does not.
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/CostModel.h"

#include "GemmLayout.h"

#include "vitc/Analysis/BatchMultiple.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr Machine kMachines[] = {
    // Without AVX a broadcast is a load and a shuffle.
    {"x86-64-v2", "x86-64-v2", 4, 16, false, 1, 1, 8, 16, 4, 4, 8},
    {"x86-64-v3", "x86-64-v3", 8, 16, true, 2, 2, 5, 32, 8, 6, 16},
    {"x86-64-v4", "x86-64-v4", 16, 32, true, 2, 2, 4, 32, 8, 6, 64},
    {"armv8-a", "generic", 4, 32, true, 2, 2, 4, 32, 8, 6, 16},
};

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;

static constexpr int64_t kMaxTileVectors = 4;
/// Each number of rows has code of its own.
static constexpr int64_t kMaxTileRows = 14;

/// From the last step of a tile to the first of the next: pipelines run empty
/// and the loop over k is left, which is mispredicted.
static constexpr double kTileCycles = 30;
/// To start an accumulator from the bias and to store it.
static constexpr double kResultCycles = 1;
/// Of a load that the multiply-adds beside it hide.
static constexpr double kLoadCycles = 1.0 / 16;
/// For a vector of rows that are normalised or gathered, read three times, and
/// for one of an activation's polynomial.
static constexpr double kCopyCycles = 4, kActivationCycles = 10;

/// The runtime's cut of a product for oneDNN, and what a call of it costs.
static constexpr int64_t kOneDnnRows = 256, kOneDnnPanels = 4;
static constexpr double kOneDnnCallCycles = 2000;
/// Weights that oneDNN waits for, of all. Measured on a core that reads 30
/// GB/s: one row and weights of 9.4 MB take 0.57 ms, own code 0.32; 49
/// rows 2.38.
static constexpr double kOneDnnExposed = 0.7;

/// A task is long against waking a thread for it.
static constexpr double kMinTaskCycles = 10000;

const Machine *vitc::kernel::findMachine(StringRef isa) {
  const Machine *machine = llvm::find_if(
      kMachines, [&](const Machine &machine) { return machine.isa == isa; });
  return machine == std::end(kMachines) ? nullptr : machine;
}

std::string vitc::kernel::listMachines() {
  std::string text;
  for (const Machine &machine : kMachines) {
    bool isLast = &machine + 1 == std::end(kMachines);
    text += text.empty() ? "" : isLast ? " or " : ", ";
    text += machine.isa;
  }
  return text;
}

GemmShape vitc::kernel::getShape(GemmOp op) {
  bool isStatic = true;
  // Of one item, where the batch is open.
  auto getSize = [&](Value size, int64_t unknown) {
    std::optional<vitc::KernelSize> known = vitc::getKernelSize(size);
    isStatic &= known && !known->timesBatch;
    return known ? known->at(/*batch=*/1) : unknown;
  };
  int64_t items = getSize(op.getBatch(), 1);
  int64_t rows = getSize(op.getRows(), kRepresentativeRows);
  int64_t leastRows = isStatic ? 1 : kLeastDynamicRows;
  return {std::max(leastRows, items * rows), static_cast<int64_t>(op.getN()),
          static_cast<int64_t>(op.getK()), copiesRows(op),
          op.getActivation() != vitc::vit::Activation::None};
}

SmallVector<MicroTile> vitc::kernel::getMicroTiles(const Machine &machine) {
  SmallVector<MicroTile> tiles;
  for (int64_t vectors = kMaxTileVectors; vectors > 0; --vectors) {
    // A row of weights, a value of lhs and, without FMA, a product.
    int64_t free = machine.registers - vectors - (machine.hasFma ? 1 : 2);
    tiles.push_back(
        {std::min(free / vectors, kMaxTileRows), vectors * machine.lanes});
  }
  return tiles;
}

/// A tile of `rows` x `columns` over all of k.
static double estimateTile(int64_t rows, int64_t columns, int64_t k,
                           const Machine &machine) {
  auto vectors = double(llvm::divideCeil(columns, machine.lanes));
  auto height = double(rows);
  double step = std::max({height * vectors / machine.fmasPerCycle,
                          (height + vectors) / machine.loadsPerCycle,
                          double(machine.fmaLatency),
                          vectors * double(machine.lanes * sizeof(float)) /
                              machine.l2BytesPerCycle});
  step += (height + vectors) * kLoadCycles;
  return double(k) * step + kTileCycles + height * vectors * kResultCycles;
}

/// All tiles of a block of rows and a strip of columns: rows are spread evenly.
static double estimateStrip(int64_t rows, int64_t columns, int64_t k,
                            int64_t tileRows, const Machine &machine) {
  int64_t numTiles = llvm::divideCeil(rows, tileRows);
  int64_t numLarge = rows % numTiles, height = rows / numTiles;
  double cycles =
      double(numTiles - numLarge) * estimateTile(height, columns, k, machine);
  if (numLarge > 0)
    cycles += double(numLarge) * estimateTile(height + 1, columns, k, machine);
  return cycles;
}

/// A panel, cut into strips.
static double estimatePanel(int64_t rows, int64_t columns, int64_t k,
                            MicroTile tile, const Machine &machine) {
  double cycles = double(columns / tile.columns) *
                  estimateStrip(rows, tile.columns, k, tile.rows, machine);
  if (int64_t rest = columns % tile.columns)
    cycles += estimateStrip(rows, rest, k, tile.rows, machine);
  return cycles;
}

/// All panels of a block of rows.
static double estimateBlock(int64_t rows, const GemmShape &shape,
                            MicroTile tile, const Machine &machine) {
  double cycles = double(shape.n / kPanelColumns) *
                  estimatePanel(rows, kPanelColumns, shape.k, tile, machine);
  if (int64_t tail = shape.n % kPanelColumns)
    cycles += estimatePanel(rows, tail, shape.k, tile, machine);
  auto addVectors = [&](int64_t columns, double vectorCycles) {
    cycles +=
        double(rows * llvm::divideCeil(columns, machine.lanes)) * vectorCycles;
  };
  if (shape.copiesRows)
    addVectors(shape.k, kCopyCycles);
  if (shape.hasActivation)
    addVectors(shape.n, kActivationCycles);
  return cycles;
}

static double getWeightCycles(const GemmShape &shape, const Machine &machine) {
  int64_t columns = llvm::alignTo(shape.n, kPackGranule);
  return double(columns * shape.k * int64_t(sizeof(float))) /
         machine.memoryBytesPerCycle;
}

static double getLeastCycles(const GemmShape &shape, const Machine &machine) {
  return double(shape.rows) * double(shape.n) * double(shape.k) /
         (double(machine.lanes) * machine.fmasPerCycle);
}

GemmEstimate vitc::kernel::estimateVector(const GemmShape &shape,
                                          MicroTile tile, int64_t rowBlock,
                                          const Machine &machine) {
  int64_t numBlocks = llvm::divideCeil(shape.rows, rowBlock);
  int64_t rows = llvm::divideCeil(shape.rows, numBlocks);
  double block = std::max(estimateBlock(rows, shape, tile, machine),
                          getWeightCycles(shape, machine));
  // Blocks differ by a row at most.
  return {block * double(shape.rows) / double(rows),
          getLeastCycles(shape, machine)};
}

GemmEstimate vitc::kernel::estimateOneDNN(const GemmShape &shape,
                                          const Machine &machine) {
  int64_t numBlocks = llvm::divideCeil(shape.rows, kOneDnnRows);
  int64_t rows = llvm::divideCeil(shape.rows, numBlocks);
  int64_t numSlices = llvm::divideCeil(shape.n, kPanelColumns * kOneDnnPanels);
  double tiles =
      estimateBlock(rows, shape, getMicroTiles(machine).front(), machine);
  double weights = getWeightCycles(shape, machine);
  double block = std::max(tiles, (1 - kOneDnnExposed) * weights) +
                 kOneDnnExposed * weights +
                 double(numSlices) * kOneDnnCallCycles;
  return {block * double(shape.rows) / double(rows),
          getLeastCycles(shape, machine)};
}

/// Panels of a task: one, or as many as make the task worth starting.
static int64_t choosePanels(const GemmShape &shape, int64_t rowBlock,
                            const GemmEstimate &estimate) {
  int64_t numPanels = llvm::divideCeil(shape.n, kPanelColumns);
  int64_t numBlocks = llvm::divideCeil(shape.rows, rowBlock);
  double task = estimate.cycles / double(numPanels * numBlocks);
  return std::clamp<int64_t>(std::ceil(kMinTaskCycles / task), 1, numPanels);
}

GemmChoice vitc::kernel::chooseGemm(const GemmShape &shape, int64_t rowBlock,
                                    ProviderChoice providers, bool canUseOneDNN,
                                    const Machine &machine) {
  struct Candidate {
    Provider provider;
    MicroTile tile;
    GemmEstimate estimate;
  };
  SmallVector<Candidate> candidates;
  for (MicroTile tile : getMicroTiles(machine))
    candidates.push_back({Provider::Vector, tile,
                          estimateVector(shape, tile, rowBlock, machine)});
  // The cheapest of those from `begin` on comes there; the first among equals.
  auto moveCheapest = [&](Candidate *begin) {
    Candidate *cheapest = std::min_element(
        begin, candidates.end(), [](const Candidate &a, const Candidate &b) {
          return a.estimate.cycles < b.estimate.cycles;
        });
    std::rotate(begin, cheapest, std::next(cheapest));
  };
  moveCheapest(candidates.begin());
  Candidate vector = candidates.front();
  if (canUseOneDNN && providers != ProviderChoice::Vector) {
    candidates.push_back(
        {Provider::OneDNN, vector.tile, estimateOneDNN(shape, machine)});
    if (providers == ProviderChoice::OneDNN)
      std::rotate(candidates.begin(), std::prev(candidates.end()),
                  candidates.end());
    else
      moveCheapest(candidates.begin());
  }
  moveCheapest(std::next(candidates.begin()));
  const Candidate &chosen = candidates[0], &next = candidates[1];
  std::string nextName =
      next.provider == Provider::OneDNN
          ? stringifyProvider(next.provider).str()
          : llvm::formatv("{0}x{1}", next.tile.rows, next.tile.columns).str();
  return {chosen.provider,
          vector.tile,
          choosePanels(shape, rowBlock, vector.estimate),
          chosen.estimate,
          nextName,
          next.estimate};
}

std::optional<ProviderChoice> vitc::kernel::parseBackend(StringRef backend) {
  return llvm::StringSwitch<std::optional<ProviderChoice>>(backend)
      .Case("llvm", ProviderChoice::Vector)
      .Case("onednn", ProviderChoice::OneDNN)
      .Case("auto", ProviderChoice::Cheaper)
      .Default(std::nullopt);
}

GemmChoice vitc::kernel::chooseGemm(GemmOp op, int64_t rowBlock,
                                    ProviderChoice providers,
                                    const Machine &machine) {
  return chooseGemm(getShape(op), rowBlock, providers,
                    canOneDNNRead(op) && canOneDNNWrite(op), machine);
}
