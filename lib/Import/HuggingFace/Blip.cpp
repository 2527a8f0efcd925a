//===- Blip.cpp - BLIP of transformers ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A captioner's decoder attends to the picture; that of a model that answers
// questions attends to the question, whose encoder attends to the picture.
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"
#include "TextEncoder.h"
#include "TextGeneration.h"
#include "Towers.h"
#include "VitEncoder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static VitSpec readPictureEncoder(Config &config) {
  VitSpec spec;
  spec.imageHeight = spec.imageWidth = 384;
  spec.layerNormEps = 1e-5;
  readImageEncoder(config, spec);
  spec.storesRows = false;
  spec.prefix = "vision_model.";
  spec.names.positions = "embeddings.position_embedding";
  spec.names.query = spec.names.key = spec.names.value = "";
  spec.names.qkv = "self_attn.qkv";
  spec.names.attentionOutput = "self_attn.projection";
  spec.positionResize = PositionResize::Plain;
  return spec;
}

/// BERT's layers, with others between attention and MLP that attend to a memory
/// of width `memoryWidth`.
static TextSpec readText(Config &config, StringRef prefix,
                         int64_t memoryWidth) {
  TextSpec spec;
  spec.vocabSize = 30524;
  spec.numPositions = 512;
  spec.hiddenSize = 768;
  spec.intermediateSize = 3072;
  spec.numLayers = 12;
  spec.numHeads = 8;
  readTextEncoder(config, spec);
  readActivation(config, "hidden_act", "gelu", spec);
  spec.prefix = prefix.str();
  spec.memoryWidth = memoryWidth;
  TextNames &names = spec.names;
  names.types = "";
  names.cross.query = "crossattention.self.query";
  names.cross.key = "crossattention.self.key";
  names.cross.value = "crossattention.self.value";
  names.cross.attention = "crossattention.self";
  names.cross.output = "crossattention.output.dense";
  names.cross.norm = "crossattention.output.LayerNorm";
  return spec;
}

static TextDecoder readDecoder(Config &config, const Checkpoint &checkpoint,
                               int64_t memoryWidth) {
  TextDecoder decoder;
  decoder.spec = readText(config, "text_decoder.bert.", memoryWidth);
  decoder.spec.causal = true;
  const std::string predictions = "text_decoder.cls.predictions.";
  TextHead &head = decoder.head;
  head.matrix = predictions + "decoder.weight";
  if (!checkpoint.contains(head.matrix))
    head.matrix = decoder.spec.prefix + decoder.spec.names.tokens + ".weight";
  head.bias = predictions + "bias";
  head.transform = predictions + "transform.dense";
  head.transformActivation = predictions + "transform.transform_act_fn";
  head.transformNorm = predictions + "transform.LayerNorm";
  return decoder;
}

/// BLIP runs its decoder with its own tokens, whatever generation_config.json
/// has.
static FailureOr<GenerationSettings> readSettings(Config &text) {
  FailureOr<GenerationSettings> settings = readGeneration(text);
  if (failed(settings))
    return failure();
  settings->start = {
      text.getSize("bos_token_id", 30522, kMaxVocabulary, /*min=*/0)};
  settings->end = {
      text.getSize("sep_token_id", 102, kMaxVocabulary, /*min=*/0)};
  settings->pad = text.getSize("pad_token_id", 0, kMaxVocabulary, /*min=*/0);
  return settings;
}

namespace {
struct BlipModel {
  bool answers = false; // questions, and captions pictures else
  VitSpec image;
  TextSpec question;
  GenerationModel generation;
};
} // namespace

static SmallVector<Value> buildEncode(const BlipModel &model,
                                      LayerBuilder &layers, ValueRange inputs) {
  VitEncoder vision(model.image, layers);
  Value memory = layers.layerNorm(
      vision.build(inputs[0]), vision.backbone("post_layernorm"),
      model.image.layerNormEps, vision.becauseHidden());
  if (model.answers)
    memory = TextEncoder(model.question, layers)
                 .build({inputs[1], /*types=*/Value(), inputs[2], memory});
  return buildMemory(layers, model.generation.decoder, memory);
}

static FailureOr<BlipModel> readModel(Config &config,
                                      const Checkpoint &checkpoint) {
  static constexpr StringRef kArchitectures[] = {"BlipForConditionalGeneration",
                                                 "BlipForQuestionAnswering"};
  BlipModel model;
  GenerationModel &generation = model.generation;
  size_t architecture = findArchitecture(config, kArchitectures);
  model.answers = architecture == 1;
  generation.architecture = kArchitectures[architecture];
  generation.tokenizer = "blip";
  Config vision = config.getObject("vision_config");
  Config text = config.getObject("text_config");
  model.image = readPictureEncoder(vision);
  model.question = readText(text, "text_encoder.", model.image.hiddenSize);
  generation.decoder = readDecoder(text, checkpoint,
                                   model.answers ? model.question.hiddenSize
                                                 : model.image.hiddenSize);
  FailureOr<GenerationSettings> settings = readSettings(text);
  if (config.failed() || vision.failed() || text.failed() || failed(settings))
    return failure();
  generation.settings = *settings;
  return model;
}

OwningOpRef<ModuleOp> import_::importBlip(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  Location loc = config.getLoc();
  MLIRContext &context = *loc.getContext();
  FailureOr<BlipModel> model = readModel(config, checkpoint);
  if (failed(model) || failed(resolveSpec(model->image, options, loc)) ||
      (model->answers &&
       failed(resolveLength(model->question, /*defaultLength=*/
                            64, options.maxSourceLength, loc))) ||
      failed(resolveDecoder(model->generation, options, loc)))
    return nullptr;
  const VitSpec &image = model->image;
  TextDecoder &decoder = model->generation.decoder;
  decoder.masksMemory = model->answers;
  decoder.memoryLength =
      model->answers
          ? model->question.length
          : image.numTokens() + image.gridHeight() * image.gridWidth();

  // A captioner needs one token before the prompt and one behind it.
  int64_t length =
      model->answers ? model->question.length : decoder.spec.length - 2;
  if (length < 1) {
    emitError(loc) << "outputs of " << decoder.spec.length
                   << " tokens were asked for, which leave none to a prompt; "
                      "a captioner needs 3 or more";
    return nullptr;
  }

  ModelInterface interface;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, "blip", image.imageHeight, image.imageWidth,
                         image.channels, options, context);
  if (failed(preprocess))
    return nullptr;
  interface.info.preprocess = *preprocess;
  interface.grid =
      vit::TokenGridAttr::get(&context, image.numTokens(), image.gridHeight(),
                              image.gridWidth(), image.classToken);
  // A captioner goes on from a prompt.
  TextInputs text;
  text.ids = model->answers ? "input_ids" : StringRef(kTokenInput);
  if (model->answers)
    text.mask = kSourceMaskInput;
  if (failed(describeGeneration(folder, model->generation, &text,
                                model->answers ? TokenizerUse::Text
                                               : TokenizerUse::Prompt,
                                length, loc, interface)))
    return nullptr;
  ModelEntry encode;
  encode.name = "encode";
  encode.inputs = {getImageInput(options, image.channels, image.imageHeight,
                                 image.imageWidth)};
  if (model->answers)
    for (StringRef name : {text.ids, text.mask})
      encode.inputs.push_back(getTokenInput(options, name, length, context));
  encode.outputs = getMemoryNames(decoder, context);
  encode.buildLayers = [&](LayerBuilder &layers, ValueRange inputs) {
    return buildEncode(*model, layers, inputs);
  };
  return buildModelModule(interface, checkpoint, loc,
                          {encode, getStepEntry(decoder, context)});
}
