//===- TextModel.cpp - Text encoders of transformers ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextModel.h"

#include "LayerActivations.h"
#include "TextEncoder.h"
#include "TokenPooling.h"
#include "Tokenizer/Tokenizer.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

ModelInput import_::getTokenInput(const ImportOptions &options, StringRef name,
                                  int64_t length, MLIRContext &context) {
  return {name,
          {options.batch.value_or(ShapedType::kDynamic), length},
          IntegerType::get(&context, 64)};
}

void import_::readArchitecture(Config &config, ArrayRef<TextArchitecture> known,
                               TextModel &model) {
  SmallVector<StringRef> names;
  for (const TextArchitecture &each : known)
    names.push_back(each.name);
  const TextArchitecture &found = known[findArchitecture(config, names)];
  model.architecture = found.name.str();
  model.classifies = found.output == TextOutput::Classes;
  model.fillsMasks = found.output == TextOutput::Tokens;
}

void import_::readTextEncoder(Config &config, TextSpec &spec) {
  spec.vocabSize = config.getSize("vocab_size", spec.vocabSize, kMaxVocabulary);
  spec.numPositions = config.getSize("max_position_embeddings",
                                     spec.numPositions, kMaxPositions);
  spec.hiddenSize = config.getSize("hidden_size", spec.hiddenSize, kMaxWidth);
  spec.intermediateSize =
      config.getSize("intermediate_size", spec.intermediateSize, kMaxHidden);
  spec.numLayers =
      config.getSize("num_hidden_layers", spec.numLayers, kMaxLayers);
  spec.numHeads =
      config.getSize("num_attention_heads", spec.numHeads, kMaxWidth);
  spec.layerNormEps = config.getNumber("layer_norm_eps", spec.layerNormEps);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// Builds a TextModel's outputs.
class TextModelBuilder {
public:
  TextModelBuilder(const TextModel &model,
                   const std::optional<SentencePooling> &pooling,
                   int64_t numClasses, LayerBuilder &layers)
      : model(model), pooling(pooling), numClasses(numClasses), layers(layers),
        encoder(model.spec, layers) {}

  SmallVector<Value> build(Value ids, Value mask, Value types);

private:
  Value firstToken(Value hidden, const Twine &layer) {
    return layers.slice(hidden, 1, 0, 1, layer, /*drop=*/true);
  }
  /// tanh, or with `relu` that, of the layer `name`.
  Value dense(Value input, const std::string &name, bool relu);
  Value logits(Value hidden);
  Value maskLogits(Value hidden);
  Value sentenceEmbedding(Value hidden, Value mask);

  const TextModel &model;
  const std::optional<SentencePooling> &pooling;
  int64_t numClasses;
  LayerBuilder &layers;
  TextEncoder encoder;
};

} // namespace

Value TextModelBuilder::dense(Value input, const std::string &name, bool relu) {
  Value output = layers.linear(input, name, model.spec.hiddenSize,
                               encoder.becauseHidden());
  std::string activation = name + ".activation";
  if (relu)
    return buildRelu(layers, output, activation);
  return math::TanhOp::create(layers.b, layers.getLoc(activation), output);
}

Value TextModelBuilder::logits(Value hidden) {
  std::string first = model.pooler.empty() ? model.hidden : model.pooler;
  Value pooled = dense(firstToken(hidden, first), first, model.relu);
  std::string because = llvm::formatv("{0}, the number of labels = {1}",
                                      encoder.becauseHidden(), numClasses);
  return layers.linear(pooled, model.classifier, numClasses, because);
}

Value TextModelBuilder::maskLogits(Value hidden) {
  const auto &head = model.maskHead;
  const TextSpec &spec = model.spec;
  std::string because = encoder.becauseHidden();
  hidden = layers.linear(hidden, head.dense, spec.hiddenSize, because);
  hidden = layers.gelu(hidden, spec.gelu, head.dense + ".activation");
  hidden = layers.layerNorm(hidden, head.norm, spec.layerNormEps, because);
  because += llvm::formatv(", vocab_size = {0}", spec.vocabSize).str();
  Value matrix =
      layers.parameter(head.matrix, {spec.vocabSize, spec.hiddenSize}, because,
                       WeightRole::Token);
  Value bias =
      layers.parameter(head.bias, {spec.vocabSize}, because, WeightRole::Bias);
  return vit::LinearOp::create(layers.b, layers.getLoc("logits"), hidden,
                               matrix, bias, /*residual=*/Value(),
                               vit::Activation::None, vit::NormAttr());
}

Value TextModelBuilder::sentenceEmbedding(Value hidden, Value mask) {
  constexpr StringLiteral layer = "sentence_embedding";
  Value pooled = pooling->kind == SentencePooling::Kind::FirstToken
                     ? firstToken(hidden, layer)
                     : buildMaskedMean(layers, hidden, mask, layer);
  return pooling->normalize ? buildUnitRows(layers, pooled, layer) : pooled;
}

SmallVector<Value> TextModelBuilder::build(Value ids, Value mask, Value types) {
  Value hidden = encoder.build({ids, types, mask});
  if (model.classifies)
    return {logits(hidden)};
  if (model.fillsMasks)
    return {maskLogits(hidden)};
  SmallVector<Value> outputs = {hidden};
  if (!model.pooler.empty())
    outputs.push_back(dense(firstToken(hidden, model.pooler), model.pooler,
                            /*relu=*/false));
  if (pooling)
    outputs.push_back(sentenceEmbedding(hidden, mask));
  return outputs;
}

void import_::setMaskHead(TextModel &model, const Checkpoint &checkpoint,
                          StringRef dense, StringRef norm, StringRef decoder,
                          StringRef bias) {
  std::string matrix = (decoder + ".weight").str();
  if (!checkpoint.contains(matrix))
    matrix = model.spec.prefix + model.spec.names.tokens + ".weight";
  model.maskHead = {dense.str(), norm.str(), matrix, bias.str()};
}

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

static void nameInputs(const TextModel &model, const ImportOptions &options,
                       MLIRContext &context, ModelInterface &interface) {
  auto add = [&](StringRef name) {
    interface.inputs.push_back(
        getTokenInput(options, name, model.spec.length, context));
  };
  add("input_ids");
  add("attention_mask");
  if (model.spec.numTypes > 1)
    add("token_type_ids");
}

static void nameOutputs(const TextModel &model, bool pools,
                        ModelInterface &interface) {
  if (model.classifies || model.fillsMasks) {
    interface.outputs = {"logits"};
    return;
  }
  interface.outputs = {"last_hidden_state"};
  if (!model.pooler.empty())
    interface.outputs.push_back("pooler_output");
  if (pools)
    interface.outputs.push_back("sentence_embedding");
}

OwningOpRef<ModuleOp> import_::finishTextModel(StringRef folder, Config &config,
                                               Checkpoint &checkpoint,
                                               TextModel &model,
                                               const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  ModelInterface interface;
  interface.architecture = model.architecture;
  interface.task = model.classifies   ? "classification"
                   : model.fillsMasks ? "fill-mask"
                                      : "embedding";
  int64_t numClasses = 0;
  if (model.classifies) {
    interface.info.labels = readLabels(config);
    numClasses = interface.info.labels.size();
    // One label alone, and labels that exclude no other, are each true or not.
    interface.sigmoid =
        numClasses == 1 ||
        config.getString("problem_type", "") == "multi_label_classification";
  }
  if (config.getBool("is_decoder", false))
    config.emitError() << "is_decoder = true; vitc imports encoders of "
                       << model.architecture;
  FailureOr<std::optional<SentencePooling>> pooling =
      readSentencePooling(folder, *context);
  if (config.failed() || failed(pooling) ||
      failed(resolveLength(model.spec, *pooling ? (*pooling)->maxLength : 0,
                           options, config.getLoc())))
    return nullptr;

  bool hasTypes = model.spec.numTypes > 1;
  nameInputs(model, options, *context, interface);
  nameOutputs(model, pooling->has_value(), interface);
  TextInputs inputs;
  inputs.mask = "attention_mask";
  inputs.types = hasTypes ? "token_type_ids" : "";
  FailureOr<vit::TextAttr> text =
      importTokenizer(folder, config.getString("model_type", ""),
                      model.spec.length, inputs, *context);
  if (failed(text))
    return nullptr;
  interface.text = *text;
  return buildModelModule(
      interface, checkpoint, config.getLoc(),
      [&](LayerBuilder &layers, ValueRange inputs) {
        return TextModelBuilder(model, *pooling, numClasses, layers)
            .build(inputs[0], inputs[1], hasTypes ? inputs[2] : Value());
      });
}
