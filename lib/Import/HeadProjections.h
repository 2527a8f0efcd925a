//===- HeadProjections.h - Query, key and value of a block -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HEADPROJECTIONS_H
#define VITC_LIB_IMPORT_HEADPROJECTIONS_H

#include "LayerBuilder.h"

#include <functional>

namespace vitc::import_ {

/// A block's layers that make query, key and value of its input.
struct HeadProjections {
  std::string query, key, value;
  /// One layer for the three, in this order; empty: there are three layers.
  std::string qkv;
  /// Weights that are the biases of such a layer, whose key has none; empty:
  /// the layer's own bias.
  std::string queryBias, valueBias;
  bool bias = true;
  bool keyBias = true; // where the three layers have biases

  int64_t width, numHeads;
  /// What becomes of queries and keys, [B, N, width], before heads are apart.
  std::function<mlir::Value(mlir::Value rows, const std::string &layer)> turn =
      nullptr;
  /// The even features of each head of queries and keys come before the odd
  /// ones, so that `turn` finds features 2 i and 2 i + 1 half a head apart.
  bool sortPairs = false;
};

/// The layers of block `block`, a prefix with its dot, of a VitSpec or
/// SwinSpec.
template <typename Spec>
HeadProjections getProjections(const Spec &spec, const std::string &block,
                               int64_t width, int64_t numHeads) {
  auto ofBlock = [&](const std::string &name) {
    return name.empty() ? name : block + name;
  };
  return {ofBlock(spec.names.query),
          ofBlock(spec.names.key),
          ofBlock(spec.names.value),
          ofBlock(spec.names.qkv),
          ofBlock(spec.names.queryBias),
          ofBlock(spec.names.valueBias),
          spec.qkvBias,
          spec.keyBias,
          width,
          numHeads};
}

/// Query, key and value of `input` [B, N, C], heads apart: [B, H, N, width /
/// H].
llvm::SmallVector<mlir::Value, 3> buildHeads(LayerBuilder &layers,
                                             mlir::Value input,
                                             const HeadProjections &projections,
                                             const llvm::Twine &because);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HEADPROJECTIONS_H
