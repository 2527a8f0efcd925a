//===- Gpt2.cpp - GPT-2 of transformers -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderConfig.h"
#include "HuggingFace.h"
#include "TextGeneration.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static TextNames getNames() {
  TextNames names;
  names.tokens = "wte";
  names.positions = "wpe";
  names.types = names.embeddingNorm = "";
  names.block = "h.";
  names.finalNorm = "ln_f";
  names.qkv = "attn.c_attn";
  names.attention = "attn";
  names.attentionOutput = "attn.c_proj";
  names.attentionNorm = "ln_1";
  names.cross.query = "crossattention.q_attn";
  names.cross.keyValue = "crossattention.c_attn";
  names.cross.attention = "crossattention";
  names.cross.output = "crossattention.c_proj";
  names.cross.norm = "ln_cross_attn";
  names.mlpInput = "mlp.c_fc";
  names.mlpActivation = "mlp.act";
  names.mlpOutput = "mlp.c_proj";
  names.mlpNorm = "ln_2";
  return names;
}

TextDecoder import_::readGpt2Decoder(Config &config, Checkpoint &checkpoint,
                                     StringRef prefix, int64_t memoryWidth) {
  TextDecoder decoder;
  TextSpec &spec = decoder.spec;
  spec.keys = {"n_embd", "n_inner", "n_head"};
  spec.names = getNames();
  spec.vocabSize = config.getSize("vocab_size", 50257, kMaxVocabulary);
  spec.numPositions = config.getSize("n_positions", 1024, kMaxPositions);
  spec.hiddenSize = config.getSize("n_embd", 768, kMaxWidth);
  spec.numLayers = config.getSize("n_layer", 12, kMaxLayers);
  spec.numHeads = config.getSize("n_head", 12, kMaxWidth);
  spec.intermediateSize =
      config.getSize("n_inner", 4 * spec.hiddenSize, kMaxHidden);
  spec.layerNormEps = config.getNumber("layer_norm_epsilon", 1e-5);
  readActivation(config, "activation_function", "gelu_new", spec);
  if (!config.getBool("scale_attn_weights", true))
    spec.attentionScale = 1.0;
  spec.scaleByBlock = config.getBool("scale_attn_by_inverse_layer_idx", false);
  spec.memoryWidth = memoryWidth;
  spec.normFirst = spec.causal = spec.transposed = true;

  spec.prefix = (prefix + "transformer.").str();
  // The oldest files of GPT-2 have no such prefix.
  if (!checkpoint.contains(spec.prefix + "wte.weight"))
    spec.prefix = prefix.str();
  // Masks that older versions of transformers stored.
  for (int64_t block = 0; block < spec.numLayers; ++block)
    for (StringRef attention : {"attn.", "crossattention."})
      for (StringRef buffer : {"bias", "masked_bias"})
        checkpoint.leaveOut((spec.prefix + spec.names.block + Twine(block) +
                             "." + attention + buffer)
                                .str());
  decoder.head.matrix = (prefix + "lm_head.weight").str();
  if (!checkpoint.contains(decoder.head.matrix))
    decoder.head.matrix = spec.prefix + "wte.weight";
  return decoder;
}

OwningOpRef<ModuleOp> import_::importGpt2(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  static constexpr StringRef kArchitectures[] = {"GPT2LMHeadModel"};
  GenerationModel model;
  model.architecture = kArchitectures[findArchitecture(config, kArchitectures)];
  model.tokenizer = "gpt2";
  model.decoder =
      readGpt2Decoder(config, checkpoint, /*prefix=*/"", /*memoryWidth=*/0);
  FailureOr<GenerationSettings> settings =
      readGeneration(folder, config, config);
  if (config.failed() || failed(settings))
    return nullptr;
  model.settings = *settings;
  model.settings.promptReplacesStart = true;
  if (failed(resolveDecoder(model, options, config.getLoc())))
    return nullptr;
  TextInputs prompt;
  prompt.ids = kTokenInput;
  ModelInterface interface;
  if (failed(describeGeneration(folder, model, &prompt, TokenizerUse::Prompt,
                                model.decoder.spec.length - 1, config.getLoc(),
                                interface)))
    return nullptr;
  return buildModelModule(
      interface, checkpoint, config.getLoc(),
      getStepEntry(model.decoder, *config.getLoc().getContext()));
}
