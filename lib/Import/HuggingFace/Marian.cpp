//===- Marian.cpp - Marian of transformers --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderConfig.h"
#include "HuggingFace.h"
#include "TextGeneration.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

void import_::setBartLayers(TextSpec &spec, StringRef prefix, bool isDecoder) {
  spec.prefix = prefix.str();
  spec.layerNormEps = 1e-5;
  spec.causal = isDecoder;
  TextNames &names = spec.names;
  names.positions = "embed_positions";
  names.types = names.embeddingNorm = "";
  names.block = "layers.";
  names.query = "self_attn.q_proj";
  names.key = "self_attn.k_proj";
  names.value = "self_attn.v_proj";
  names.attention = "self_attn";
  names.attentionOutput = "self_attn.out_proj";
  names.attentionNorm = "self_attn_layer_norm";
  names.mlpInput = "fc1";
  names.mlpActivation = "activation_fn";
  names.mlpOutput = "fc2";
  names.mlpNorm = "final_layer_norm";
  if (!isDecoder)
    return;
  names.cross.query = "encoder_attn.q_proj";
  names.cross.key = "encoder_attn.k_proj";
  names.cross.value = "encoder_attn.v_proj";
  names.cross.attention = "encoder_attn";
  names.cross.output = "encoder_attn.out_proj";
  names.cross.norm = "encoder_attn_layer_norm";
}

/// Reads one of the two stacks; `side` is "encoder" or "decoder".
static TextSpec readStack(Config &config, Checkpoint &checkpoint,
                          const std::string &side) {
  TextSpec spec;
  bool isDecoder = side == "decoder";
  setBartLayers(spec, "model.", isDecoder);
  spec.names.block = side + ".layers.";
  spec.names.positions = side + ".embed_positions";
  // Both have the tokens of `shared`, unless each has its own.
  spec.names.tokens = "shared";
  if (!checkpoint.contains("model.shared.weight") ||
      !config.getBool("share_encoder_decoder_embeddings", true))
    spec.names.tokens = side + ".embed_tokens";
  spec.vocabSize = config.getSize("vocab_size", 58101, kMaxVocabulary);
  if (isDecoder)
    spec.vocabSize =
        config.getSize("decoder_vocab_size", spec.vocabSize, kMaxVocabulary);
  spec.keys = {"d_model", "encoder_ffn_dim", "encoder_attention_heads"};
  if (isDecoder)
    spec.keys = {"d_model", "decoder_ffn_dim", "decoder_attention_heads"};
  spec.hiddenSize = config.getSize("d_model", 1024, kMaxWidth);
  spec.intermediateSize = config.getSize(side + "_ffn_dim", 4096, kMaxHidden);
  spec.numLayers = config.getSize(side + "_layers", 12, kMaxLayers);
  spec.numHeads = config.getSize(side + "_attention_heads", 16, kMaxWidth);
  spec.positions = TextPositions::Sines;
  spec.sineSteps = spec.hiddenSize / 2;
  spec.numPositions =
      config.getSize("max_position_embeddings", 1024, kMaxPositions);
  if (config.getBool("scale_embedding", false))
    spec.embeddingScale = std::sqrt(double(spec.hiddenSize));
  readActivation(config, "activation_function", "gelu", spec);
  checkpoint.leaveOut("model." + spec.names.positions);
  checkpoint.leaveOut("model." + side + ".embed_tokens");
  return spec;
}

OwningOpRef<ModuleOp> import_::importMarian(StringRef folder, Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options) {
  static constexpr StringRef kArchitectures[] = {"MarianMTModel"};
  GenerationModel model;
  model.architecture = kArchitectures[findArchitecture(config, kArchitectures)];
  model.tokenizer = "marian";
  TextSpec encoder = readStack(config, checkpoint, "encoder");
  TextDecoder &decoder = model.decoder;
  decoder.spec = readStack(config, checkpoint, "decoder");
  decoder.head.matrix = "lm_head.weight";
  if (!checkpoint.contains(decoder.head.matrix))
    decoder.head.matrix =
        decoder.spec.prefix + decoder.spec.names.tokens + ".weight";
  decoder.head.bias = "final_logits_bias";
  decoder.head.biasIsRow = true;
  return finishTranslation(folder, config, checkpoint, encoder, model, options);
}
