//===- Tune.h - The model's tiling beside all others --------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_BENCHMARKS_KERNELS_TUNE_H
#define VITC_BENCHMARKS_KERNELS_TUNE_H

#include "IsolatedKernel.h"
#include <optional>

namespace vitc::bench {

struct TuneResult {
  std::string choice, best;          // tilings
  double choiceSeconds, bestSeconds; // the shortest of many runs
  int64_t numTilings;

  double getPartOfBest() const { return bestSeconds / choiceSeconds; }
};

/// Times a gemm with the schedule's tiling and with every other that makes
/// sense: micro-tiles that fit the registers, row blocks, blocks of K, unroll
/// factors and panels. All take turns; after each round the slower half leaves,
/// and the last few, with the choice, run for `seconds` each. None for other
/// kernels, and after a diagnostic.
std::optional<TuneResult> tune(const IsolatedKernel &kernel,
                               llvm::StringRef isa, double seconds);

} // namespace vitc::bench

#endif // VITC_BENCHMARKS_KERNELS_TUNE_H
