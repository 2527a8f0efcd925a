//===- Mpnet.cpp - MPNet of transformers ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RoBERTa's encoder with T5's bias by distance, which all blocks share.
//
//===----------------------------------------------------------------------===//

#include "TextModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TextArchitecture kArchitectures[] = {
    {"MPNetModel", TextOutput::HiddenStates},
    {"MPNetForMaskedLM", TextOutput::Tokens},
    {"MPNetForSequenceClassification", TextOutput::Classes},
};

/// More buckets of distances than any model has.
static constexpr int64_t kMaxBuckets = 65536;

OwningOpRef<ModuleOp> import_::importMpnet(StringRef folder, Config &config,
                                           Checkpoint &checkpoint,
                                           const ImportOptions &options) {
  TextModel model;
  readArchitecture(config, kArchitectures, model);
  TextSpec &spec = model.spec;
  // Those of MPNetConfig.
  spec.vocabSize = 30527;
  spec.numPositions = 512;
  spec.hiddenSize = 768;
  spec.intermediateSize = 3072;
  spec.numLayers = spec.numHeads = 12;
  readTextEncoder(config, spec);
  spec.numBuckets = config.getSize("relative_attention_num_buckets", 32,
                                   kMaxBuckets, /*min=*/4);
  spec.maxDistance = 128;
  spec.keys.maxDistance = "the largest distance";
  spec.gelu = readGelu(config);
  spec.firstPosition =
      config.getSize("pad_token_id", 1, kMaxVocabulary, /*min=*/0) + 1;

  TextNames &names = spec.names;
  names.types = "";
  names.distances = "encoder.relative_attention_bias";
  names.query = "attention.attn.q";
  names.key = "attention.attn.k";
  names.value = "attention.attn.v";
  names.attention = "attention.attn";
  names.attentionOutput = "attention.attn.o";
  names.attentionNorm = "attention.LayerNorm";
  spec.prefix =
      findPrefix(checkpoint, "mpnet", "embeddings.word_embeddings.weight");
  std::string pooler = spec.prefix + "pooler.dense";
  if (model.fillsMasks) {
    setMaskHead(model, checkpoint, "lm_head.dense", "lm_head.layer_norm",
                "lm_head.decoder", "lm_head.bias");
  } else if (model.classifies) {
    model.hidden = "classifier.dense";
    model.classifier = "classifier.out_proj";
  } else if (checkpoint.contains(pooler + ".weight")) {
    model.pooler = pooler;
  }
  return finishTextModel(folder, config, checkpoint, model, options);
}
