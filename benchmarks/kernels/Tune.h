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
#include "llvm/Support/Error.h"

namespace vitc::bench {

/// A tiling and the shortest of its runs.
struct TimedTiling {
  std::string tiling;
  double seconds;
};

struct TuneResult {
  const IsolatedKernel *kernel;
  TimedTiling choice, best;
  TimedTiling bestTile; // of those that differ from the choice in nothing but
                        // the micro-tile
  int64_t numTilings;

  double getPartOfBest() const { return best.seconds / choice.seconds; }
  double getPartOfBestTile() const { return bestTile.seconds / choice.seconds; }
};

struct TuneOptions {
  llvm::StringRef isa;
  double seconds;           // for each of the last few tilings of a round
  llvm::StringRef lockFile; // held while tilings are timed, not while they are
                            // compiled; may be empty
};

/// Times each product and attention with the schedule's tiling and with others:
/// all micro-tiles, then other blocks and unroll factors for the choice and for
/// the best of these, and for what is best then. All of a round take turns; the
/// slower half leaves until a few are left. Other kernels are left out.
llvm::Expected<std::vector<TuneResult>>
tune(llvm::ArrayRef<const IsolatedKernel *> kernels,
     const TuneOptions &options);

} // namespace vitc::bench

#endif // VITC_BENCHMARKS_KERNELS_TUNE_H
