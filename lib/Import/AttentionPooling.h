//===- AttentionPooling.h - One vector by attention ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ATTENTIONPOOLING_H
#define VITC_LIB_IMPORT_ATTENTIONPOOLING_H

#include "LayerBuilder.h"

#include <string>

namespace vitc::import_ {

/// The rows of a layer's weight and bias that make queries, keys or values.
struct PoolingRows {
  std::string weight, bias;
  /// Which of how many parts of equal size.
  int64_t part, numParts;
};

/// How the source names an attention pooling.
struct AttentionPoolingNames {
  std::string probe; // the learned query
  std::string attention;
  PoolingRows query, key, value;
  std::string output;
  std::string norm, mlpInput, mlpActivation, mlpOutput;
};

/// The names of SigLIP's head `layer` in transformers, whose attention is a
/// torch.nn.MultiheadAttention.
AttentionPoolingNames getSiglipPoolingNames(const std::string &layer);
/// The names of timm's AttentionPoolLatent `layer`.
AttentionPoolingNames getTimmPoolingNames(const std::string &layer);

/// A learned query attends to all tokens, and an MLP with a residual follows.
struct AttentionPooling {
  AttentionPoolingNames names;
  int64_t hiddenSize, intermediateSize, numHeads;
  double layerNormEps;
  vit::GeluForm gelu;
};

/// [B, E] of `tokens` [B, N, E].
mlir::Value buildAttentionPooling(LayerBuilder &layers, mlir::Value tokens,
                                  const AttentionPooling &pooling,
                                  const llvm::Twine &because);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ATTENTIONPOOLING_H
