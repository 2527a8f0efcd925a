//===- CostModel.h - What a product costs on a CPU ----------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Estimates cycles of a product for each way to tile it and for each provider,
// and chooses. A level's code runs on all machines of the level: what differs
// between these is described as the one that is hardest to feed, wide FMA units
// on a slow cache. `benchmarks/kernels --tune` compares the choice with
// the fastest of all tilings.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_COSTMODEL_H
#define VITC_KERNEL_COSTMODEL_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// The machines of a level, as code generation and the model see them.
struct Machine {
  llvm::StringLiteral isa, cpu; // the level, and LLVM's name for it
  int64_t lanes, registers;     // f32 of a vector; vectors
  bool hasFma;
  double fmasPerCycle;  // of vectors; a multiplication and an addition are one
  double loadsPerCycle; // of vectors, or of one value broadcast
  int64_t fmaLatency;   // cycles
  double l2BytesPerCycle, memoryBytesPerCycle; // as one core sustains them
  int64_t attentionRows, attentionColumns;     // micro-tile of attention
};

/// Null if there is no such level.
const Machine *findMachine(llvm::StringRef isa);
/// The levels that there are, "a, b or c", for diagnostics.
std::string listMachines();

/// What the cost of a product depends on.
struct GemmShape {
  int64_t rows; // of all items of the batch
  int64_t n, k;
  bool copiesRows = false; // to scratch memory, normalised or gathered
  bool hasActivation = false;
};

/// The shape for one item of a dynamic batch: more items are more rows alike.
/// kRepresentativeRows stand for rows that only the run knows, and a few rows
/// of a dynamic batch count as kLeastDynamicRows: a tile for one row would be
/// slow for many.
GemmShape getShape(GemmOp op);
inline constexpr int64_t kRepresentativeRows = 256;
inline constexpr int64_t kLeastDynamicRows = 48;

/// rows x columns of a result that stay in registers.
struct MicroTile {
  int64_t rows, columns;

  bool operator==(const MicroTile &other) const {
    return rows == other.rows && columns == other.columns;
  }
};

/// The tiles that fill a machine's registers, beside a row of weights and a
/// value of lhs: for each width up to a few vectors the tallest, widest first.
llvm::SmallVector<MicroTile> getMicroTiles(const Machine &machine);

/// Cycles of a product, and the fewest that its multiplications need.
struct GemmEstimate {
  double cycles, leastCycles;

  double getPartOfPeak() const { return leastCycles / cycles; }
};

/// Own vector code, in blocks of up to `rowBlock` rows.
GemmEstimate estimateVector(const GemmShape &shape, MicroTile tile,
                            int64_t rowBlock, const Machine &machine);
/// oneDNN, as the runtime calls it; rows must lie as it can read them.
GemmEstimate estimateOneDNN(const GemmShape &shape, const Machine &machine);

/// A choice, what it should cost, and the best of what was not chosen.
struct GemmChoice {
  Provider provider;
  MicroTile tile; // of own vector code, whoever computes
  int64_t panels; // of a task
  GemmEstimate estimate;
  std::string nextName; // "8x48" or "onednn"
  GemmEstimate next;
};

enum class ProviderChoice { Vector, OneDNN, Cheaper };

/// What --backend says: llvm, onednn or auto; none for another name.
std::optional<ProviderChoice> parseBackend(llvm::StringRef backend);

/// `canUseOneDNN`: whether oneDNN can read and write the operands at all. Among
/// equals the choice is own vector code and the widest tile.
GemmChoice chooseGemm(const GemmShape &shape, int64_t rowBlock,
                      ProviderChoice providers, bool canUseOneDNN,
                      const Machine &machine);
GemmChoice chooseGemm(GemmOp op, int64_t rowBlock, ProviderChoice providers,
                      const Machine &machine);

} // namespace vitc::kernel

#endif // VITC_KERNEL_COSTMODEL_H
