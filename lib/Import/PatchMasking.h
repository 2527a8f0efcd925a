//===- PatchMasking.h - Patches hidden by noise ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_PATCHMASKING_H
#define VITC_LIB_IMPORT_PATCHMASKING_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// The place of each patch, [B, N] of i64, when those of `noise` [B, N] are
/// sorted, the least first; of equal ones the first is first.
mlir::Value buildNoiseRanks(LayerBuilder &layers, mlir::Value noise,
                            const llvm::Twine &layer);

/// 1 for each patch whose rank is `numVisible` or more, 0 for the others.
mlir::Value buildMask(LayerBuilder &layers, mlir::Value ranks,
                      int64_t numVisible, const llvm::Twine &layer);

/// The class token and the patches of the ranks below `numVisible`, in order of
/// rank: [B, 1 + N, E] -> [B, 1 + numVisible, E].
mlir::Value buildVisibleTokens(LayerBuilder &layers, mlir::Value tokens,
                               mlir::Value ranks, int64_t numVisible,
                               const llvm::Twine &layer);

/// The inverse, with `maskToken` [E] for each patch that is not there:
/// [B, 1 + K, E] -> [B, 1 + N, E].
mlir::Value buildRestoredTokens(LayerBuilder &layers, mlir::Value visible,
                                mlir::Value ranks, mlir::Value maskToken,
                                const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_PATCHMASKING_H
