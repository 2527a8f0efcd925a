//===- CostModelTest.cpp - Properties of the cost model -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/CostModel.h"

#include "gtest/gtest.h"

using namespace vitc::kernel;

namespace {

constexpr int64_t kRowBlock = 256;

const Machine &getMachine(llvm::StringRef isa) {
  const Machine *machine = findMachine(isa);
  EXPECT_NE(machine, nullptr) << isa.str();
  return *machine;
}

GemmChoice choose(const GemmShape &shape, llvm::StringRef isa = "x86-64-v4",
                  ProviderChoice providers = ProviderChoice::Vector) {
  return chooseGemm(shape, kRowBlock, providers, /*canUseOneDNN=*/true,
                    getMachine(isa));
}

TEST(CostModel, NoOtherLevels) {
  EXPECT_EQ(findMachine("sse2"), nullptr);
  EXPECT_EQ(parseBackend("blas"), std::nullopt);
}

// Accumulators, a row of weights, a value of lhs and, without FMA, a product.
TEST(CostModel, TilesFitTheRegisters) {
  for (llvm::StringRef isa :
       {"x86-64-v2", "x86-64-v3", "x86-64-v4", "armv8-a"}) {
    const Machine &machine = getMachine(isa);
    for (MicroTile tile : getMicroTiles(machine)) {
      int64_t vectors = tile.columns / machine.lanes;
      EXPECT_GE(tile.rows, 1);
      EXPECT_EQ(tile.columns % machine.lanes, 0);
      EXPECT_LE(tile.rows * vectors + vectors + (machine.hasFma ? 1 : 2),
                machine.registers)
          << isa.str() << ' ' << tile.rows << 'x' << tile.columns;
    }
  }
}

// The tiles that products of transformers have been measured with.
TEST(CostModel, ManyRowsAndColumns) {
  for (const GemmShape &shape : {GemmShape{197, 768, 768},
                                 {197, 3072, 768},
                                 {3136, 384, 96},
                                 {4096, 512, 2048}}) {
    EXPECT_EQ(choose(shape, "x86-64-v4").tile, (MicroTile{6, 64}));
    EXPECT_EQ(choose(shape, "x86-64-v3").tile, (MicroTile{6, 16}));
    EXPECT_EQ(choose(shape, "x86-64-v2").tile, (MicroTile{6, 8}));
    EXPECT_EQ(choose(shape, "armv8-a").tile, (MicroTile{6, 16}));
  }
}

// Few columns leave registers for more rows.
TEST(CostModel, FewColumns) { EXPECT_GT(choose({256, 16, 64}).tile.rows, 6); }

TEST(CostModel, NothingIsFasterThanThePeak) {
  for (int64_t rows : {1, 5, 49, 197, 4097})
    for (int64_t n : {16, 21, 96, 1000})
      for (int64_t k : {16, 147, 768, 4608})
        for (MicroTile tile : getMicroTiles(getMachine("x86-64-v4"))) {
          const Machine &machine = getMachine("x86-64-v4");
          GemmShape shape = {rows, n, k};
          EXPECT_LE(
              estimateVector(shape, tile, kRowBlock, machine).getPartOfPeak(),
              1);
          EXPECT_LE(estimateOneDNN(shape, machine).getPartOfPeak(), 1);
        }
}

TEST(CostModel, MoreWorkCostsMore) {
  const Machine &machine = getMachine("x86-64-v4");
  auto estimate = [&](GemmShape shape) {
    return estimateVector(shape, {6, 64}, kRowBlock, machine).cycles;
  };
  double base = estimate({197, 768, 768});
  EXPECT_GT(estimate({394, 768, 768}), base);
  EXPECT_GT(estimate({197, 832, 768}), base);
  EXPECT_GT(estimate({197, 768, 800}), base);
  EXPECT_GT(estimate({197, 768, 768, /*copiesRows=*/true}), base);
  EXPECT_GT(estimate({197, 768, 768, false, /*hasActivation=*/true}), base);
}

// What an epilogue costs weighs more where K is short.
TEST(CostModel, ShortDepths) {
  double shallow = choose({3136, 384, 96, true, true}).estimate.getPartOfPeak();
  double deep = choose({3136, 384, 768, true, true}).estimate.getPartOfPeak();
  EXPECT_LT(shallow, 0.9);
  EXPECT_GT(deep, shallow);
}

// One row reads all weights for few operations: memory bounds it.
TEST(CostModel, OneRow) {
  EXPECT_LT(choose({1, 3072, 768}).estimate.getPartOfPeak(), 0.3);
}

// A task of a short product has more than one panel, and never more than there
// are.
TEST(CostModel, Panels) {
  EXPECT_EQ(choose({197, 768, 768}).panels, 1);
  EXPECT_GT(choose({1, 1000, 192}).panels, 1);
  EXPECT_EQ(choose({1, 64, 16}).panels, 1);
  EXPECT_LE(choose({1, 128, 16}).panels, 2);
}

// oneDNN waits for weights that own code prefetches.
TEST(CostModel, Providers) {
  GemmShape shape = {49, 768, 3072};
  GemmChoice cheaper = choose(shape, "x86-64-v4", ProviderChoice::Cheaper);
  EXPECT_EQ(cheaper.provider, Provider::Vector);
  EXPECT_LE(cheaper.estimate.cycles, cheaper.next.cycles);
  EXPECT_EQ(choose(shape, "x86-64-v4", ProviderChoice::OneDNN).provider,
            Provider::OneDNN);
  EXPECT_EQ(choose(shape).provider, Provider::Vector);
  EXPECT_EQ(chooseGemm(shape, kRowBlock, ProviderChoice::OneDNN,
                       /*canUseOneDNN=*/false, getMachine("x86-64-v4"))
                .provider,
            Provider::Vector);
}

// Own code in blocks of few rows reads all weights from memory for each of them;
// oneDNN, whose blocks are its own, reads them once.
TEST(CostModel, AutoTakesOneDNNForSmallRowBlocks) {
  GemmShape shape = {256, 4096, 4096};
  auto chooseFor = [&](int64_t rowBlock) {
    return chooseGemm(shape, rowBlock, ProviderChoice::Cheaper,
                      /*canUseOneDNN=*/true, getMachine("x86-64-v4"))
        .provider;
  };
  EXPECT_EQ(chooseFor(4), Provider::OneDNN);
  EXPECT_EQ(chooseFor(kRowBlock), Provider::Vector);
}

// Cheaper means cheaper: the choice of auto is the one with fewer cycles.
TEST(CostModel, AutoTakesTheCheaper) {
  for (llvm::StringRef isa : {"x86-64-v2", "x86-64-v3", "x86-64-v4"})
    for (int64_t rows : {1, 49, 197, 3136})
      for (int64_t k : {64, 768, 4608}) {
        GemmShape shape = {rows, 256, k};
        GemmChoice choice = choose(shape, isa, ProviderChoice::Cheaper);
        double oneDNN = estimateOneDNN(shape, getMachine(isa)).cycles;
        EXPECT_EQ(choice.provider == Provider::OneDNN,
                  oneDNN < choose(shape, isa).estimate.cycles);
      }
}

} // namespace
