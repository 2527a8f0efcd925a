//===- AttentionLayer.h - Attention between any two inputs -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ATTENTIONLAYER_H
#define VITC_LIB_IMPORT_ATTENTIONLAYER_H

#include "LayerBuilder.h"

#include <optional>

namespace vitc::import_ {

/// The layers' names, whole.
struct AttentionLayer {
  std::string name; // of the attention itself
  std::string query, key, value, output;
  int64_t width, numHeads;
};

/// What the three projections read, [B, N, C].
struct AttentionInputs {
  mlir::Value query, key, value;
  mlir::Value mask = {}; // of vit.attention, or null
};

/// The mask of attention by `numQueries` to keys of which those are seen where
/// `seen` [B, N] is not zero: [B, 1, Nq, N], 0 or -inf.
mlir::Value buildKeyMask(LayerBuilder &layers, mlir::Value seen,
                         int64_t numQueries, const llvm::Twine &layer);

/// What limits or changes the scores of an attention.
struct AttentionForm {
  mlir::Value bias = {}, mask = {}; // of vit.attention, or null
  std::optional<int64_t> causal = std::nullopt;
  mlir::Value keyLength = {};                 // of vit.attention, or null
  std::optional<double> scale = std::nullopt; // none: 1 / sqrt(D)
};

/// Attention by queries [B, H, Nq, D] to keys and values; the heads merged, [B,
/// Nq, H * D].
mlir::Value attendHeads(LayerBuilder &layers, mlir::Value query,
                        mlir::Value key, mlir::Value value,
                        const llvm::Twine &layer,
                        const AttentionForm &form = {});

/// output(attention(query(x), key(y), value(z))), scaled by 1 / sqrt(head dim).
mlir::Value buildAttention(LayerBuilder &layers, const AttentionInputs &inputs,
                           const AttentionLayer &layer,
                           const llvm::Twine &because);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ATTENTIONLAYER_H
