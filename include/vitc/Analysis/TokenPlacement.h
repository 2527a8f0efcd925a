//===- TokenPlacement.h - Where tokens lie in the picture ---- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_TOKENPLACEMENT_H
#define VITC_ANALYSIS_TOKENPLACEMENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <array>
#include <optional>

namespace vitc {

/// `prefix` tokens, then the patches of a height x width grid over the picture,
/// row-major; more tokens may follow.
struct TokenPlacement {
  using Pair = std::array<int64_t, 2>; // height, width

  int64_t prefix = 0;
  Pair grid = {0, 0};
  /// The tokens are one window's: of this size, of the map that the grid
  /// becomes when it is padded to `size` and rolled by `shift`. 0: no windows.
  Pair window = {0, 0}, size = {0, 0}, shift = {0, 0};
  /// The tokens are the rows of this constant [k, n] times the n tokens that
  /// the rest describes; null: they are these tokens.
  mlir::Value projection;

  bool isWindowed() const { return window[0] > 0; }
};

/// Finds out from the ops that compute a value where its tokens lie.
class TokenPlacements {
public:
  /// Looks at the ops of `function` in order.
  explicit TokenPlacements(mlir::func::FuncOp function);

  /// The placement of `tokens`, [B, N, E] or [B, H, N, D]; none where no patch
  /// embedding, feature map or partition into windows tells.
  std::optional<TokenPlacement> find(mlir::Value tokens) const;

private:
  std::optional<TokenPlacement> compute(mlir::Value tokens) const;

  llvm::DenseMap<mlir::Value, TokenPlacement> known;
};

} // namespace vitc

#endif // VITC_ANALYSIS_TOKENPLACEMENT_H
