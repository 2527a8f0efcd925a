//===- ArenaPlan.h - Checks and undoes the arena's plan ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_ARENAPLAN_H
#define VITC_LIB_VERIFY_ARENAPLAN_H

#include "KernelAccess.h"

#include <optional>

namespace vitc {

/// Reports a buffer that does not lie in the arena, which a dump may hold.
mlir::LogicalResult checkPlaces(mlir::func::FuncOp entry,
                                const BufferPlaces &places, int64_t batch);

/// A value that is read after its memory was given to another.
struct StaleRead {
  mlir::Operation *writer; // of the value
  mlir::Operation *overwriter;
  mlir::Operation *reader;
};

/// The first of them in the plan for this batch, if there is one; loops go
/// round twice. Fails where that is too long.
mlir::FailureOr<std::optional<StaleRead>>
findStaleRead(mlir::func::FuncOp entry, llvm::ArrayRef<KernelAccesses> kernels,
              const BufferPlaces &places);

/// Gives what a kernel writes over all of a buffer of the arena, in place, a
/// buffer of its own, so that the value before it is kept. Not in loops, whose
/// next iteration finds there what the last one wrote.
void separateValues(llvm::ArrayRef<KernelAccesses> kernels);

/// Gives every buffer of the arena memory of its own, for this batch only.
void spreadArena(mlir::func::FuncOp entry, const BufferPlaces &places);

} // namespace vitc

#endif // VITC_LIB_VERIFY_ARENAPLAN_H
