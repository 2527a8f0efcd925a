//===- TextGeneration.cpp - Models that generate text ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextGeneration.h"

#include "TextEncoder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

void import_::readActivation(Config &config, StringRef key,
                             StringRef defaultName, TextSpec &spec) {
  std::string name = config.getString(key, defaultName);
  if (name == "relu") {
    spec.activation = TextActivation::Relu;
  } else if (name == "silu" || name == "swish") {
    spec.activation = TextActivation::Silu;
  } else if (std::optional<vit::GeluForm> form = findGelu(name)) {
    spec.gelu = *form;
  } else {
    config.emitError() << key << " = '" << name
                       << "'; vitc imports relu, silu, swish, gelu, gelu_new, "
                          "gelu_fast, gelu_pytorch_tanh and quick_gelu";
  }
}

/// A decoder starts with a token or more.
static int64_t countStart(const GenerationSettings &settings) {
  return std::max<int64_t>(settings.start.size(), 1);
}

int64_t import_::getMaxLength(const GenerationSettings &settings) {
  if (settings.maxNewTokens > 0)
    return countStart(settings) + settings.maxNewTokens;
  return settings.maxLength > 0 ? settings.maxLength : kDefaultTextLength;
}

LogicalResult import_::verifyMaxLength(const GenerationSettings &settings,
                                       int64_t length, Location loc) {
  int64_t numStart = countStart(settings);
  if (length <= numStart)
    return emitError(loc) << "outputs of " << length
                          << " tokens were asked for; the decoder starts with "
                          << numStart << " and needs more";
  return success();
}

LogicalResult import_::resolveDecoder(GenerationModel &model,
                                      const ImportOptions &options,
                                      Location loc) {
  TextSpec &spec = model.decoder.spec;
  if (failed(resolveLength(spec, getMaxLength(model.settings), options, loc)))
    return failure();
  return verifyMaxLength(model.settings, spec.length, loc);
}

LogicalResult import_::describeGeneration(StringRef folder,
                                          const GenerationModel &model,
                                          const TextInputs *source,
                                          TokenizerUse use,
                                          int64_t sourceLength, Location loc,
                                          ModelInterface &interface) {
  MLIRContext &context = *loc.getContext();
  interface.architecture = model.architecture;
  interface.task = "generation";
  if (source) {
    FailureOr<vit::TextAttr> text = importTokenizer(
        folder, model.tokenizer, sourceLength, *source, context, use);
    if (failed(text))
      return failure();
    interface.text = *text;
  }
  FailureOr<DenseResourceElementsAttr> tokenizer = importTokenizerTable(
      folder, model.tokenizer, TokenizerUse::Answer, context);
  if (failed(tokenizer))
    return failure();
  const TextSpec &spec = model.decoder.spec;
  interface.generation = getGenerationAttr(model.settings, spec.vocabSize,
                                           spec.length, *tokenizer, loc);
  return success(bool(interface.generation));
}

OwningOpRef<ModuleOp> import_::finishTranslation(
    StringRef folder, Config &config, Checkpoint &checkpoint, TextSpec &encoder,
    GenerationModel &model, const ImportOptions &options) {
  FailureOr<GenerationSettings> settings =
      readGeneration(folder, config, config);
  if (failed(settings))
    return nullptr;
  model.settings = *settings;
  Location loc = config.getLoc();
  MLIRContext &context = *loc.getContext();
  if (config.failed() ||
      failed(resolveLength(encoder, kDefaultTextLength, options.maxSourceLength,
                           loc)) ||
      failed(resolveDecoder(model, options, loc)))
    return nullptr;
  TextDecoder &decoder = model.decoder;
  decoder.spec.memoryWidth = encoder.hiddenSize;
  decoder.memoryLength = encoder.length;
  decoder.masksMemory = true;

  TextInputs source;
  source.mask = kSourceMaskInput;
  ModelInterface interface;
  if (failed(describeGeneration(folder, model, &source, TokenizerUse::Text,
                                encoder.length, loc, interface)))
    return nullptr;
  ModelEntry encode;
  encode.name = "encode";
  encode.inputs = {
      getTokenInput(options, source.ids, encoder.length, context),
      getTokenInput(options, source.mask, encoder.length, context)};
  encode.outputs = getMemoryNames(decoder, context);
  encode.buildLayers = [&](LayerBuilder &layers, ValueRange inputs) {
    TextEncoder builder(encoder, layers);
    Value hidden = builder.build({inputs[0], /*types=*/Value(), inputs[1]});
    return buildMemory(layers, decoder, builder.finalNorm(hidden));
  };
  return buildModelModule(interface, checkpoint, loc,
                          {encode, getStepEntry(decoder, context)});
}
