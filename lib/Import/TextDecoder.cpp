//===- TextDecoder.cpp - A text decoder, token by token -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextDecoder.h"

#include "BatchGeneric.h"
#include "DistanceBias.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// "KIND_key_0", "KIND_value_0", "KIND_key_1" and so on.
static SmallVector<StringRef, 2> getRowNames(StringRef kind, int64_t numLayers,
                                             MLIRContext &context) {
  SmallVector<StringRef, 2> names;
  for (int64_t block = 0; block < numLayers; ++block)
    for (StringRef rows : {"key", "value"})
      names.push_back(
          StringAttr::get(&context, kind + "_" + rows + "_" + Twine(block))
              .getValue());
  return names;
}

SmallVector<StringRef, 2> import_::getMemoryNames(const TextDecoder &decoder,
                                                  MLIRContext &context) {
  if (decoder.spec.memoryWidth == 0)
    return {};
  return getRowNames("cross", decoder.spec.numLayers, context);
}

SmallVector<Value> import_::buildMemory(LayerBuilder &layers,
                                        const TextDecoder &decoder,
                                        Value memory) {
  TextLayers text(decoder.spec, layers);
  SmallVector<Value> outputs;
  for (int64_t block = 0; block < decoder.spec.numLayers; ++block) {
    AttentionRows rows = text.memoryRows(memory, text.ofBlock(block));
    outputs.append({rows.key, rows.value});
  }
  return outputs;
}

//===----------------------------------------------------------------------===//
// One step
//===----------------------------------------------------------------------===//

namespace {

/// The arguments of `step`; the ranges have two values a block.
struct StepInputs {
  Value token, position;
  Value memoryMask; // or null
  ValueRange caches, memory;
};

/// Builds the body of `step`.
class StepBuilder {
public:
  StepBuilder(const TextDecoder &decoder, const StepInputs &inputs,
              LayerBuilder &layers)
      : decoder(decoder), spec(decoder.spec), inputs(inputs), layers(layers),
        text(spec, layers) {}

  /// The scores and the caches.
  SmallVector<Value> build();

private:
  Value updateCache(size_t index, Value rows, const std::string &layer) {
    return vit::CacheUpdateOp::create(layers.b, layers.getLoc(layer),
                                      inputs.caches[index], rows,
                                      inputs.position);
  }
  /// Of how many keys the token sees, [B].
  Value keyLength();
  Value selfAttention(Value tokens, const std::string &block, int64_t index);
  Value crossAttention(Value tokens, const std::string &block, int64_t index);
  Value decoderBlock(Value input, int64_t index);
  Value head(Value hidden);

  const TextDecoder &decoder;
  const TextSpec &spec;
  const StepInputs &inputs;
  LayerBuilder &layers;
  TextLayers text;
  AttentionForm selfForm, crossForm;
  SmallVector<Value> caches;
};

} // namespace

Value StepBuilder::keyLength() {
  constexpr StringLiteral layer = "key_length";
  Value length = buildBatchGeneric(
      layers, inputs.token, /*inner=*/1, layers.b.getI64Type(), inputs.position,
      readBy(layers, 2, 1), layer,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value one = arith::ConstantIntOp::create(b, 1, 64);
        return arith::AddIOp::create(b, args[0], one);
      });
  return layers.collapse(length, 0, 2, layer);
}

Value StepBuilder::selfAttention(Value tokens, const std::string &block,
                                 int64_t index) {
  const std::string layer = block + spec.names.attention;
  AttentionRows rows = text.selfRows(tokens, block);
  rows.key = updateCache(2 * index, rows.key, layer);
  rows.value = updateCache(2 * index + 1, rows.value, layer);
  caches.append({rows.key, rows.value});
  return text.attend(rows, selfForm, index, layer,
                     block + spec.names.attentionOutput);
}

Value StepBuilder::crossAttention(Value tokens, const std::string &block,
                                  int64_t index) {
  AttentionRows rows{text.crossQuery(tokens, block), inputs.memory[2 * index],
                     inputs.memory[2 * index + 1]};
  return text.attend(rows, crossForm, index, block + spec.names.cross.attention,
                     block + spec.names.cross.output);
}

Value StepBuilder::decoderBlock(Value input, int64_t index) {
  const TextNames &names = spec.names;
  const std::string block = text.ofBlock(index);
  Value hidden = text.residual(
      input, [&](Value tokens) { return selfAttention(tokens, block, index); },
      block + names.attentionNorm, block + names.attentionOutput);
  if (spec.memoryWidth > 0)
    hidden = text.residual(
        hidden,
        [&](Value tokens) { return crossAttention(tokens, block, index); },
        block + names.cross.norm, block + names.cross.output);
  return text.residual(
      hidden, [&](Value tokens) { return text.mlp(tokens, block); },
      block + names.mlpNorm, block + names.mlpOutput);
}

Value StepBuilder::head(Value hidden) {
  const TextHead &head = decoder.head;
  OpBuilder &b = layers.b;
  if (!head.transform.empty()) {
    hidden = layers.linear(hidden, head.transform, spec.hiddenSize,
                           text.becauseHidden());
    hidden = text.activate(hidden, head.transformActivation);
    hidden = text.norm(hidden, head.transformNorm);
  }
  if (head.scale != 1.0)
    hidden = layers.elementwise(
        hidden, head.matrix,
        [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
          Value scale = arith::ConstantOp::create(
              body, loc, body.getF32FloatAttr(float(head.scale)));
          return arith::MulFOp::create(body, loc, args[0], scale);
        });
  std::string because = llvm::formatv("{0}, vocab_size = {1}",
                                      text.becauseHidden(), spec.vocabSize);
  Value matrix =
      layers.parameter(head.matrix, {spec.vocabSize, spec.hiddenSize}, because,
                       WeightRole::Token);
  Value shift;
  if (!head.bias.empty()) {
    SmallVector<int64_t, 2> stored = {spec.vocabSize};
    if (head.biasIsRow)
      stored.insert(stored.begin(), 1);
    shift = layers.constant(
        vit::WeightExprAttr::reshape(
            layers.weight(head.bias, stored, because, WeightRole::Bias),
            spec.vocabSize),
        head.bias);
  }
  return vit::LinearOp::create(b, layers.getLoc(kScoresOutput), hidden, matrix,
                               shift, /*residual=*/Value(),
                               vit::Activation::None, vit::NormAttr());
}

SmallVector<Value> StepBuilder::build() {
  Value hidden = text.embed(inputs.token, /*types=*/Value(), inputs.position);
  if (!spec.names.embeddingNorm.empty())
    hidden = text.norm(hidden, text.ofModel(spec.names.embeddingNorm));
  selfForm.keyLength = keyLength();
  if (spec.positions == TextPositions::Distances)
    selfForm.bias = buildDistanceBias(layers, spec, inputs.position);
  if (inputs.memoryMask)
    crossForm.mask = buildKeyMask(layers, inputs.memoryMask, /*numQueries=*/1,
                                  kSourceMaskInput);
  for (int64_t index = 0; index < spec.numLayers; ++index)
    hidden = decoderBlock(hidden, index);
  hidden = text.finalNorm(hidden);
  SmallVector<Value> outputs = {
      head(layers.slice(hidden, 1, 0, 1, kScoresOutput, /*drop=*/true))};
  outputs.append(caches);
  return outputs;
}

ModelEntry import_::getStepEntry(const TextDecoder &decoder,
                                 MLIRContext &context) {
  const TextSpec &spec = decoder.spec;
  constexpr int64_t rows = ShapedType::kDynamic; // the batch, times the beams
  int64_t width = spec.getAttentionWidth();
  Type integer = IntegerType::get(&context, 64);
  ModelEntry entry;
  entry.name = "step";
  entry.inputs = {{kTokenInput, {rows, 1}, integer},
                  {kPositionInput, {1}, integer}};
  if (decoder.masksMemory)
    entry.inputs.push_back(
        {kSourceMaskInput, {rows, decoder.memoryLength}, integer});
  entry.outputs = {kScoresOutput};
  SmallVector<StringRef, 2> caches =
      getRowNames("self", spec.numLayers, context);
  for (StringRef name : caches) {
    entry.inputs.push_back({name, {rows, spec.length, width}});
    entry.outputs.push_back(name);
  }
  SmallVector<StringRef, 2> memory = getMemoryNames(decoder, context);
  for (StringRef name : memory)
    entry.inputs.push_back({name, {rows, decoder.memoryLength, width}});

  size_t firstCache = decoder.masksMemory ? 3 : 2, numCaches = caches.size();
  entry.buildLayers = [&decoder, firstCache, numCaches](LayerBuilder &layers,
                                                        ValueRange arguments) {
    StepInputs inputs;
    inputs.token = arguments[0];
    inputs.position = arguments[1];
    if (decoder.masksMemory)
      inputs.memoryMask = arguments[2];
    inputs.caches = arguments.slice(firstCache, numCaches);
    inputs.memory = arguments.drop_front(firstCache + numCaches);
    return StepBuilder(decoder, inputs, layers).build();
  };
  return entry;
}
