//===- Bert.cpp - BERT, RoBERTa and DistilBERT of transformers ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TextArchitecture kBertArchitectures[] = {
    {"BertModel", TextOutput::HiddenStates},
    {"BertForSequenceClassification", TextOutput::Classes},
    {"BertForMaskedLM", TextOutput::Tokens},
};
static constexpr TextArchitecture kRobertaArchitectures[] = {
    {"RobertaModel", TextOutput::HiddenStates},
    {"RobertaForSequenceClassification", TextOutput::Classes},
    {"RobertaForMaskedLM", TextOutput::Tokens},
};
static constexpr TextArchitecture kXlmRobertaArchitectures[] = {
    {"XLMRobertaModel", TextOutput::HiddenStates},
    {"XLMRobertaForSequenceClassification", TextOutput::Classes},
    {"XLMRobertaForMaskedLM", TextOutput::Tokens},
};
static constexpr TextArchitecture kDistilBertArchitectures[] = {
    {"DistilBertModel", TextOutput::HiddenStates},
    {"DistilBertForSequenceClassification", TextOutput::Classes},
    {"DistilBertForMaskedLM", TextOutput::Tokens},
};

/// Those of BertConfig.
static void setDefaults(TextSpec &spec) {
  spec.vocabSize = 30522;
  spec.numPositions = 512;
  spec.hiddenSize = 768;
  spec.intermediateSize = 3072;
  spec.numLayers = spec.numHeads = 12;
}

OwningOpRef<ModuleOp> import_::importBert(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  std::string modelType = config.getString("model_type", "");
  bool isRoberta = modelType != "bert";
  TextModel model;
  readArchitecture(config,
                   modelType == "bert" ? ArrayRef(kBertArchitectures)
                   : modelType == "roberta"
                       ? ArrayRef(kRobertaArchitectures)
                       : ArrayRef(kXlmRobertaArchitectures),
                   model);
  TextSpec &spec = model.spec;
  setDefaults(spec);
  if (modelType == "roberta")
    spec.vocabSize = 50265;
  spec.numTypes = config.getSize("type_vocab_size", 2, kMaxVocabulary);
  readTextEncoder(config, spec);
  spec.gelu = readGelu(config);
  spec.prefix = findPrefix(checkpoint, isRoberta ? "roberta" : "bert",
                           "embeddings.word_embeddings.weight");
  // RoBERTa counts its positions from behind the number of the padding.
  if (isRoberta)
    spec.firstPosition =
        config.getSize("pad_token_id", 1, kMaxVocabulary, /*min=*/0) + 1;
  if (model.fillsMasks && isRoberta) {
    setMaskHead(model, checkpoint, "lm_head.dense", "lm_head.layer_norm",
                "lm_head.decoder", "lm_head.bias");
  } else if (model.fillsMasks) {
    setMaskHead(model, checkpoint, "cls.predictions.transform.dense",
                "cls.predictions.transform.LayerNorm",
                "cls.predictions.decoder", "cls.predictions.bias");
  } else if (model.classifies && isRoberta) {
    model.hidden = "classifier.dense";
    model.classifier = "classifier.out_proj";
  } else {
    model.classifier = "classifier";
    std::string pooler = spec.prefix + "pooler.dense";
    // BertModel may have been made without a pooler, which then has no weights.
    if (model.classifies || checkpoint.contains(pooler + ".weight"))
      model.pooler = pooler;
  }
  return finishTextModel(folder, config, checkpoint, model, options);
}

OwningOpRef<ModuleOp> import_::importDistilBert(StringRef folder,
                                                Config &config,
                                                Checkpoint &checkpoint,
                                                const ImportOptions &options) {
  TextModel model;
  readArchitecture(config, kDistilBertArchitectures, model);
  TextSpec &spec = model.spec;
  spec.keys = {"dim", "hidden_dim", "n_heads"};
  TextNames &names = spec.names;
  names.types = "";
  names.block = "transformer.layer.";
  names.query = "attention.q_lin";
  names.key = "attention.k_lin";
  names.value = "attention.v_lin";
  names.attention = "attention";
  names.attentionOutput = "attention.out_lin";
  names.attentionNorm = "sa_layer_norm";
  names.mlpInput = "ffn.lin1";
  names.mlpActivation = "ffn.activation";
  names.mlpOutput = "ffn.lin2";
  names.mlpNorm = "output_layer_norm";

  // DistilBertConfig's other names for keys come before BertConfig's, which
  // transformers takes as well. Its layers have one epsilon.
  setDefaults(spec);
  spec.numLayers = 6;
  double epsilon = spec.layerNormEps;
  readTextEncoder(config, spec);
  spec.hiddenSize = config.getSize("dim", spec.hiddenSize, kMaxWidth);
  spec.intermediateSize = config.getSize("hidden_dim", 3072, kMaxHidden);
  spec.numLayers = config.getSize("n_layers", spec.numLayers, kMaxLayers);
  spec.numHeads = config.getSize("n_heads", spec.numHeads, kMaxWidth);
  spec.layerNormEps = epsilon;
  spec.gelu = readGelu(config, "activation");
  spec.prefix =
      findPrefix(checkpoint, "distilbert", "embeddings.word_embeddings.weight");
  if (model.fillsMasks)
    setMaskHead(model, checkpoint, "vocab_transform", "vocab_layer_norm",
                "vocab_projector", "vocab_projector.bias");
  if (model.classifies) {
    model.hidden = "pre_classifier";
    model.relu = true;
    model.classifier = "classifier";
  }
  return finishTextModel(folder, config, checkpoint, model, options);
}
