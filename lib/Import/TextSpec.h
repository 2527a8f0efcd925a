//===- TextSpec.h - What a text encoder or decoder is made of -*- C++ -*---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Text encoders, such as BERT, the text towers of CLIP and T5's, and text
// decoders, such as GPT-2. Importers fill a TextSpec with sizes, with what the
// architecture has, and with the source's names of the layers; TextEncoder and
// TextDecoder build the layers.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TEXTSPEC_H
#define VITC_LIB_IMPORT_TEXTSPEC_H

#include "Vit/VitDialect.h"
#include "vitc/Import/Import.h"

#include <optional>
#include <string>

namespace vitc::import_ {

/// How the source spells its hyperparameters, for messages.
struct TextKeys {
  llvm::StringRef hiddenSize = "hidden_size";
  llvm::StringRef intermediateSize = "intermediate_size";
  llvm::StringRef numHeads = "num_attention_heads";
  llvm::StringRef maxDistance = "relative_attention_max_distance";
};

/// Layers of a block that attends to a memory, such as an encoder's output.
struct CrossAttentionNames {
  std::string query, key, value;
  std::string keyValue; // one layer for both, in this order
  std::string attention, output, norm;
};

/// How the source names its layers; by default as transformers' BERT does.
/// Those in a block follow the block's own name and a dot. What is empty the
/// architecture has not.
struct TextNames {
  std::string tokens = "embeddings.word_embeddings";
  std::string positions = "embeddings.position_embeddings";
  std::string types = "embeddings.token_type_embeddings";
  std::string embeddingNorm = "embeddings.LayerNorm";
  std::string block = "encoder.layer.";
  std::string distances; // table of TextPositions::Distances
  std::string finalNorm;

  std::string query = "attention.self.query";
  std::string key = "attention.self.key";
  std::string value = "attention.self.value";
  std::string qkv; // one layer for the three, in this order
  std::string attention = "attention.self";
  std::string attentionOutput = "attention.output.dense";
  std::string attentionNorm = "attention.output.LayerNorm";
  CrossAttentionNames cross;
  std::string mlpGate; // activation(gate) * input
  std::string mlpInput = "intermediate.dense";
  std::string mlpActivation = "intermediate.intermediate_act_fn";
  std::string mlpOutput = "output.dense";
  std::string mlpNorm = "output.LayerNorm";
};

/// How tokens know their places.
enum class TextPositions {
  Learned,
  Sines,    // computed; the first half of a row has sines, the second cosines
  Distances // a bias of attention by the distance of two tokens
};

enum class TextActivation { Gelu, Relu, Silu };

struct TextSpec {
  TextKeys keys;
  TextNames names;
  std::string prefix; // of the model's weights, e.g. "bert."

  int64_t length = 0; // of every text; see resolveLength
  int64_t vocabSize = 0, numPositions = 0, numTypes = 0;
  /// Of the first token: rows of the table of positions before it are of tokens
  /// that fill up a text.
  int64_t firstPosition = 0;
  TextPositions positions = TextPositions::Learned;
  /// Of TextPositions::Sines: feature k of a half has the angle
  /// position / 10000^(k / sineSteps).
  int64_t sineSteps = 0;
  /// Where there are names.distances; see getDistanceBucket.
  int64_t numBuckets = 32, maxDistance = 128;

  int64_t hiddenSize = 0, intermediateSize = 0;
  int64_t numLayers = 0, numHeads = 0;
  int64_t headSize = 0;        // 0: hiddenSize / numHeads
  int64_t memoryWidth = 0;     // of the memory that blocks attend to; 0: none
  double embeddingScale = 1.0; // of tokens, before positions
  double layerNormEps = 1e-12;
  bool rmsNorm = false; // instead of layer norm
  vit::GeluForm gelu = vit::GeluForm::Exact;
  TextActivation activation = TextActivation::Gelu;
  bool linearBias = true;
  /// Linear layers store [inputs, outputs].
  bool transposed = false;
  /// Of the products of queries and keys in each block; none: 1 / sqrt(size of
  /// a head).
  std::optional<double> attentionScale;
  /// Block i, from 0 on, scales by 1 / (i + 1), too.
  bool scaleByBlock = false;
  /// Norms are on the input of attention and MLP, not on the sum behind them.
  bool normFirst = false;
  /// Each token sees those before it and itself.
  bool causal = false;

  int64_t getHeadSize() const {
    return headSize > 0 ? headSize : hiddenSize / numHeads;
  }
  /// Of all heads together.
  int64_t getAttentionWidth() const { return numHeads * getHeadSize(); }
};

/// Takes the length that the user asked for, else `defaultLength`, at most as
/// many tokens as have a position; 0: that many. Checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveLength(TextSpec &spec, int64_t defaultLength,
                                  std::optional<int64_t> asked,
                                  mlir::Location loc);
inline mlir::LogicalResult resolveLength(TextSpec &spec, int64_t defaultLength,
                                         const ImportOptions &options,
                                         mlir::Location loc) {
  return resolveLength(spec, defaultLength, options.maxLength, loc);
}

/// Checks that a text of `length` tokens has a position, of `limit`, for each;
/// errors at `loc`.
mlir::LogicalResult verifyLength(int64_t length, int64_t limit,
                                 mlir::Location loc);

/// Checks that the sizes fit each other; errors at `loc`.
mlir::LogicalResult verifySizes(const TextSpec &spec, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TEXTSPEC_H
