//===- TextDecoder.h - A text decoder, token by token ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decoder computes the scores of the next token from the last one. Keys and
// values of the tokens before it lie in caches, [rows, length, width] for each
// block; those of the memory that it attends to, [rows, M, width], are computed
// once.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TEXTDECODER_H
#define VITC_LIB_IMPORT_TEXTDECODER_H

#include "ModelModule.h"
#include "TextLayers.h"

namespace vitc::import_ {

/// From the last block's output to scores. Names are whole; what is empty the
/// architecture has not.
struct TextHead {
  std::string matrix;     // the weight [vocabSize, E]
  std::string bias;       // the weight [vocabSize]
  bool biasIsRow = false; // [1, vocabSize]
  double scale = 1.0;     // of what the matrix multiplies
  /// norm(gelu(layer(x))) before all that.
  std::string transform, transformActivation, transformNorm;
};

struct TextDecoder {
  TextSpec spec;
  TextHead head;
  /// Tokens of the memory, and whether an input says which of them are there.
  int64_t memoryLength = 0;
  bool masksMemory = false;
};

/// The outputs of `encode` that a decoder reads: keys and values of `memory`
/// [B, M, memoryWidth] for each block.
llvm::SmallVector<mlir::Value> buildMemory(LayerBuilder &layers,
                                           const TextDecoder &decoder,
                                           mlir::Value memory);
llvm::SmallVector<llvm::StringRef, 2>
getMemoryNames(const TextDecoder &decoder, mlir::MLIRContext &context);

/// Names of inputs and outputs of `step`.
inline constexpr llvm::StringLiteral kTokenInput = "token";
inline constexpr llvm::StringLiteral kPositionInput = "position";
inline constexpr llvm::StringLiteral kScoresOutput = "logits";
/// Of `encode` and `step`: 1 for each token of the text, 0 for what fills it.
inline constexpr llvm::StringLiteral kSourceMaskInput = "attention_mask";

/// The entry `step`; `decoder` needs to outlive it.
ModelEntry getStepEntry(const TextDecoder &decoder, mlir::MLIRContext &context);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TEXTDECODER_H
