//===- LayerNumbers.h - Which layers are asked for ----------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TRANSFORMS_LAYERNUMBERS_H
#define VITC_TRANSFORMS_LAYERNUMBERS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include <utility>

namespace vitc {

/// Numbers of layers, counted from 0.
class LayerNumbers {
public:
  static constexpr llvm::StringLiteral kSyntax =
      "all, none or numbers such as 0,5-7";

  /// Reads what kSyntax says; fails on anything else.
  static mlir::FailureOr<LayerNumbers> parse(llvm::StringRef text);

  bool contains(int64_t number) const;
  /// The greatest number that the text names; -1 for all and none.
  int64_t getLast() const;

private:
  bool all = false;
  llvm::SmallVector<std::pair<int64_t, int64_t>> ranges; // inclusive
};

} // namespace vitc

#endif // VITC_TRANSFORMS_LAYERNUMBERS_H
