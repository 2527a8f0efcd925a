//===- TextEncoder.h - Embedding and blocks of a text encoder --*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TEXTENCODER_H
#define VITC_LIB_IMPORT_TEXTENCODER_H

#include "TextLayers.h"

namespace vitc::import_ {

/// What a text encoder reads, of integers [B, N] each but for the memory.
struct TextEncoderInputs {
  mlir::Value ids;
  mlir::Value types = {}; // the sentences that tokens belong to, or null
  /// 0 for a token that fills up the text, which no other then sees; null: all
  /// are seen.
  mlir::Value mask = {};
  /// [B, M, memoryWidth], of a specification with one.
  mlir::Value memory = {};
};

/// From the numbers of a text's tokens to their hidden states.
class TextEncoder {
public:
  TextEncoder(const TextSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), text(spec, layers) {}

  /// Returns [B, N, E], after the last block.
  mlir::Value build(const TextEncoderInputs &inputs);

  /// The norm of `hidden` [..., E] that follows the last block, if there is
  /// one.
  mlir::Value finalNorm(mlir::Value hidden) { return text.finalNorm(hidden); }

  std::string ofModel(const llvm::Twine &layer) const {
    return text.ofModel(layer);
  }
  /// "hidden_size = 768".
  std::string becauseHidden() const { return text.becauseHidden(); }

private:
  mlir::Value encoderBlock(mlir::Value input, mlir::Value memory,
                           int64_t index);

  const TextSpec &spec;
  LayerBuilder &layers;
  TextLayers text;
  AttentionForm form; // of attention between the text's tokens
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TEXTENCODER_H
