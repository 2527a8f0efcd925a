//===- AttentionCost.h - An attention layer beside its formula --*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_ATTENTIONCOST_H
#define VITC_ANALYSIS_ATTENTIONCOST_H

#include "Vit/VitDialect.h"

namespace vitc {

enum class AttentionKind {
  Global,    // every query with every key of the image
  Windowed,  // within windows
  Projected, // with fewer keys, as Linformer's are
  Cross,     // with the keys of other tokens, more or fewer
};

/// The multiply-adds of an attention layer for one image: the products of
/// queries with keys and of probabilities with values, and the projections that
/// make queries, keys and values of tokens, and tokens of the result.
///
/// With n tokens of width C, M * M of them in a window, and k keys:
///
///   global     4 n C^2 + 2 n^2 C        Liu et al. 2021 (Swin), eq. (1)
///   windowed   4 n C^2 + 2 M^2 n C      Liu et al. 2021 (Swin), eq. (2)
///   projected  4 n C^2 + 2 n k C + 2 n k C   Wang et al. 2020 (Linformer)
///   cross      2 n C^2 + 2 k C^2 + 2 n k C   Vaswani et al. 2017, eq. (1)
struct AttentionCost {
  AttentionKind kind;
  /// n; queries of a window, or n; keys of a query; heads * D.
  int64_t tokens, windowTokens, keys, width;
  int64_t heads;
  /// What the module computes, and what the formula says; they differ where a
  /// layer has not the paper's projections.
  int64_t multiplyAdds, formula;
};

/// The cost for one image of a module for a static batch of `batch` images; 1
/// where the batch is dynamic.
AttentionCost getAttentionCost(vit::AttentionOp op, int64_t batch = 1);

/// "global", "windowed", "projected" or "cross", and the formula in words.
llvm::StringRef getName(AttentionKind kind);
llvm::StringRef getFormula(AttentionKind kind);

} // namespace vitc

#endif // VITC_ANALYSIS_ATTENTIONCOST_H
