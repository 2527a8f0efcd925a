//===- T5.cpp - T5 of transformers ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"
#include "TextGeneration.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Names of one of the two stacks; `mlp` is the number of its layer in a block.
static TextNames getNames(const std::string &side, StringRef mlp,
                          bool isGated) {
  TextNames names;
  names.tokens = "shared";
  names.positions = names.types = names.embeddingNorm = "";
  names.block = side + ".block.";
  names.distances =
      side + ".block.0.layer.0.SelfAttention.relative_attention_bias";
  names.finalNorm = side + ".final_layer_norm";
  names.attention = "layer.0.SelfAttention";
  names.query = names.attention + ".q";
  names.key = names.attention + ".k";
  names.value = names.attention + ".v";
  names.attentionOutput = names.attention + ".o";
  names.attentionNorm = "layer.0.layer_norm";
  names.cross.attention = "layer.1.EncDecAttention";
  names.cross.query = names.cross.attention + ".q";
  names.cross.key = names.cross.attention + ".k";
  names.cross.value = names.cross.attention + ".v";
  names.cross.output = names.cross.attention + ".o";
  names.cross.norm = "layer.1.layer_norm";
  std::string dense = (mlp + ".DenseReluDense.").str();
  if (isGated)
    names.mlpGate = dense + "wi_0";
  names.mlpInput = dense + (isGated ? "wi_1" : "wi");
  names.mlpActivation = dense + "act";
  names.mlpOutput = dense + "wo";
  names.mlpNorm = (mlp + ".layer_norm").str();
  return names;
}

/// Reads what both stacks have; returns whether the MLP has a gate.
static bool readStack(Config &config, TextSpec &spec) {
  spec.keys = {"d_model", "d_ff", "num_heads"};
  spec.vocabSize = config.getSize("vocab_size", 32128, kMaxVocabulary);
  spec.hiddenSize = config.getSize("d_model", 512, kMaxWidth);
  spec.headSize = config.getSize("d_kv", 64, kMaxWidth);
  spec.intermediateSize = config.getSize("d_ff", 2048, kMaxHidden);
  spec.numLayers = config.getSize("num_layers", 6, kMaxLayers);
  spec.numHeads = config.getSize("num_heads", 8, kMaxWidth);
  spec.layerNormEps = config.getNumber("layer_norm_epsilon", 1e-6);
  spec.positions = TextPositions::Distances;
  spec.numPositions = kMaxTokens;
  // The smaller numbers would leave buckets of exact distances without one.
  spec.numBuckets = config.getSize("relative_attention_num_buckets", 32,
                                   kMaxPositions, /*min=*/4);
  spec.maxDistance =
      config.getSize("relative_attention_max_distance", 128, kMaxPositions);
  spec.attentionScale = 1.0;
  spec.rmsNorm = spec.normFirst = true;
  spec.linearBias = false;

  std::string projection = config.getString("feed_forward_proj", "relu");
  StringRef activation = projection;
  bool isGated = activation.consume_front("gated-");
  // transformers' exception for files of old.
  if (projection == "gated-gelu")
    activation = "gelu_new";
  Config named(llvm::json::Object{{"feed_forward_proj", activation}},
               config.getLoc());
  readActivation(named, "feed_forward_proj", "relu", spec);
  if (named.failed())
    config.noteError();
  return isGated;
}

OwningOpRef<ModuleOp> import_::importT5(StringRef folder, Config &config,
                                        Checkpoint &checkpoint,
                                        const ImportOptions &options) {
  static constexpr StringRef kArchitectures[] = {"T5ForConditionalGeneration"};
  GenerationModel model;
  model.architecture = kArchitectures[findArchitecture(config, kArchitectures)];
  model.tokenizer = "t5";
  TextSpec encoder;
  bool isGated = readStack(config, encoder);
  TextDecoder &decoder = model.decoder;
  decoder.spec = encoder;
  decoder.spec.causal = true;
  decoder.spec.numLayers =
      config.getSize("num_decoder_layers", encoder.numLayers, kMaxLayers);
  encoder.names = getNames("encoder", "layer.1", isGated);
  decoder.spec.names = getNames("decoder", "layer.2", isGated);

  // Models whose head is not the table of tokens do not scale what goes in.
  bool scales = config.getBool("scale_decoder_outputs",
                               config.getBool("tie_word_embeddings", true));
  if (scales)
    decoder.head.scale = 1.0 / std::sqrt(double(encoder.hiddenSize));
  decoder.head.matrix = "lm_head.weight";
  if (!checkpoint.contains(decoder.head.matrix))
    decoder.head.matrix = "shared.weight";
  // Copies of the shared table, and a bias that older versions stored.
  checkpoint.leaveOut("encoder.embed_tokens");
  checkpoint.leaveOut("decoder.embed_tokens");
  checkpoint.leaveOut("decoder.block.0.layer.1.EncDecAttention."
                      "relative_attention_bias");
  return finishTranslation(folder, config, checkpoint, encoder, model, options);
}
