//===- Ranking.h - How well texts fit pictures ---------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_RANKING_H
#define VITC_LIB_RUNTIME_RANKING_H

#include "Npy.h"

#include "vitc/Runtime/Descriptor.h"

namespace vitc::rt {

/// Scores [rows, columns] of embeddings [rows, E] and [columns, E], of f32: of
/// pictures and texts, or the other way round.
NpyArray computeScores(const RankingDescriptor &ranking, const NpyArray &rows,
                       const NpyArray &columns);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_RANKING_H
