//===- Tune.cpp - The model's tiling beside all others --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tune.h"

#include "Kernel/KernelDialect.h"
#include "KernelRun.h"
#include "mlir/Pass/PassManager.h"
#include "vitc/Kernel/CostModel.h"
#include "vitc/Pipelines/CPU.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::bench;
using namespace vitc::kernel;

static constexpr int64_t kRowBlocks[] = {64, 128, 256, 512};
static constexpr int64_t kKBlocks[] = {768, 1536};
static constexpr int64_t kUnrolls[] = {2, 4, 8};
static constexpr int64_t kPanels[] = {1, 4};
/// Runs of a tiling in the first round, and how few go into the last.
static constexpr int kFirstRuns = 3;
static constexpr size_t kLast = 6;

namespace {
struct Candidate {
  GemmTilingAttr tiling;
  std::unique_ptr<LoadedEntry> entry;
  double best = std::numeric_limits<double>::infinity();
};
} // namespace

static std::string describe(GemmTilingAttr tiling) {
  return llvm::formatv("{0}x{1} rows {2} k {3} unroll {4} panels {5}",
                       tiling.getRows(), tiling.getColumns(),
                       tiling.getRowBlock(), tiling.getKBlock(),
                       tiling.getUnroll(), tiling.getPanels());
}

/// What the schedule gives the gemm.
static GemmTilingAttr schedule(const IsolatedKernel &kernel, StringRef isa) {
  OwningOpRef<ModuleOp> scheduled(kernel.module.get().clone());
  PassManager passes(scheduled->getContext());
  addCpuSchedulePasses(passes, isa, "llvm");
  if (failed(passes.run(*scheduled)))
    return GemmTilingAttr();
  GemmTilingAttr tiling;
  scheduled->walk([&](GemmOp op) { tiling = *op.getTiling(); });
  return tiling;
}

/// The choice first, then what else there is.
static SmallVector<GemmTilingAttr> getTilings(GemmOp op, GemmTilingAttr choice,
                                              const Machine &machine) {
  SmallVector<GemmTilingAttr> tilings = {choice};
  auto add = [&](MicroTile tile, int64_t rowBlock, int64_t kBlock,
                 int64_t unroll, int64_t panels) {
    auto tiling =
        GemmTilingAttr::get(op.getContext(), Provider::Vector, tile.rows,
                            tile.columns, kBlock, unroll, rowBlock, panels);
    if (!llvm::is_contained(tilings, tiling))
      tilings.push_back(tiling);
  };
  // The result holds sums of blocks of K: not in place.
  bool isOneBlock = op.getResidual() == op.getInit();
  for (MicroTile tile : getMicroTiles(machine))
    for (int64_t rowBlock : kRowBlocks)
      for (int64_t kBlock : kKBlocks)
        for (int64_t unroll : kUnrolls)
          for (int64_t panels : kPanels)
            add(tile, rowBlock,
                isOneBlock || kBlock >= int64_t(op.getK()) ? choice.getKBlock()
                                                           : kBlock,
                unroll, panels);
  return tilings;
}

/// Each candidate once, in turn.
static void runInTurn(KernelMemory &memory, MutableArrayRef<Candidate> all) {
  for (Candidate &candidate : all)
    candidate.best = std::min(candidate.best, memory.run(*candidate.entry));
}

std::optional<TuneResult> vitc::bench::tune(const IsolatedKernel &kernel,
                                            StringRef isa, double seconds) {
  auto gemm = dyn_cast<GemmOp>(kernel.kernel);
  GemmTilingAttr choice = gemm ? schedule(kernel, isa) : GemmTilingAttr();
  if (!choice)
    return std::nullopt;
  std::vector<Candidate> candidates;
  for (GemmTilingAttr tiling : getTilings(gemm, choice, *findMachine(isa))) {
    gemm.setTilingAttr(tiling);
    auto entry = LoadedEntry::load(*kernel.module, isa);
    if (!entry) {
      llvm::errs() << "error: " << kernel.name << ": "
                   << llvm::toString(entry.takeError()) << '\n';
      return std::nullopt;
    }
    candidates.push_back({tiling, std::move(*entry)});
  }
  gemm.removeTilingAttr();
  auto numTilings = static_cast<int64_t>(candidates.size());

  KernelMemory memory(kernel);
  // The choice stays first, and stays to the end.
  auto rest = [&] { return MutableArrayRef(candidates).drop_front(); };
  for (int runs = kFirstRuns; candidates.size() > kLast; runs *= 2) {
    for (int i = 0; i < runs; ++i)
      runInTurn(memory, candidates);
    llvm::sort(rest(), [](const Candidate &a, const Candidate &b) {
      return a.best < b.best;
    });
    candidates.erase(candidates.begin() +
                         std::max(kLast, candidates.size() / 2),
                     candidates.end());
  }
  for (double spent = 0; spent < seconds; spent += candidates.front().best)
    runInTurn(memory, candidates);
  const Candidate &best = *std::min_element(
      candidates.begin(), candidates.end(),
      [](const Candidate &a, const Candidate &b) { return a.best < b.best; });
  return TuneResult{describe(choice), describe(best.tiling),
                    candidates.front().best, best.best, numTilings};
}
