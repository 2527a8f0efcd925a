//===- Trocr.cpp - The decoder of TrOCR -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderConfig.h"
#include "TextGeneration.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

TextDecoder import_::readTrocrDecoder(Config &config, Checkpoint &checkpoint,
                                      StringRef prefix, int64_t memoryWidth) {
  TextDecoder decoder;
  TextSpec &spec = decoder.spec;
  setBartLayers(spec, (prefix + "model.decoder.").str(), /*isDecoder=*/true);
  spec.names.tokens = "embed_tokens";
  spec.names.embeddingNorm = "layernorm_embedding";
  spec.keys = {"d_model", "decoder_ffn_dim", "decoder_attention_heads"};
  spec.vocabSize = config.getSize("vocab_size", 50265, kMaxVocabulary);
  spec.hiddenSize = config.getSize("d_model", 1024, kMaxWidth);
  spec.intermediateSize = config.getSize("decoder_ffn_dim", 4096, kMaxHidden);
  spec.numLayers = config.getSize("decoder_layers", 12, kMaxLayers);
  spec.numHeads = config.getSize("decoder_attention_heads", 16, kMaxWidth);
  int64_t positions =
      config.getSize("max_position_embeddings", 512, kMaxPositions);
  if (config.getBool("use_learned_position_embeddings", true)) {
    spec.firstPosition = 2;
    spec.numPositions = positions + spec.firstPosition;
  } else {
    spec.positions = TextPositions::Sines;
    spec.sineSteps = spec.hiddenSize / 2 - 1;
    spec.firstPosition =
        config.getSize("pad_token_id", 1, kMaxVocabulary, /*min=*/0) + 1;
    spec.numPositions = positions + spec.firstPosition;
  }
  if (!config.getBool("layernorm_embedding", true))
    spec.names.embeddingNorm = "";
  if (config.getBool("scale_embedding", false))
    spec.embeddingScale = std::sqrt(double(spec.hiddenSize));
  readActivation(config, "activation_function", "gelu", spec);
  spec.memoryWidth =
      config.getSize("cross_attention_hidden_size", memoryWidth, kMaxWidth);
  decoder.head.matrix = (prefix + "output_projection.weight").str();
  if (!checkpoint.contains(decoder.head.matrix))
    decoder.head.matrix = spec.prefix + "embed_tokens.weight";
  return decoder;
}
