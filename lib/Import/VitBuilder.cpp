//===- VitBuilder.cpp - Builds a vision transformer's module --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitBuilder.h"

#include "VitEncoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// What follows the encoder: final norm, pooling, classifiers.
class VitHead {
public:
  VitHead(const VitSpec &spec, LayerBuilder &layers, VitEncoder &encoder)
      : spec(spec), layers(layers), encoder(encoder) {}

  SmallVector<Value> build(Value tokens);

private:
  std::string becauseClasses() const {
    return llvm::formatv("{0}, {1} = {2}", encoder.becauseHidden(),
                         spec.keys.numClasses, spec.numClasses);
  }
  Value norm(Value tokens, const std::string &name);
  Value tokenRow(Value tokens, int64_t index, const Twine &layer) {
    return layers.slice(tokens, 1, index, 1, layer, /*drop=*/true);
  }
  Value pool(Value tokens);
  Value pooler(Value tokens);
  Value classifier(Value pooled);
  Value teacherLogits(Value tokens);

  const VitSpec &spec;
  LayerBuilder &layers;
  VitEncoder &encoder;
};

} // namespace

Value VitHead::norm(Value tokens, const std::string &name) {
  if (name.empty())
    return tokens;
  return layers.layerNorm(tokens, encoder.backbone(name), spec.layerNormEps,
                          encoder.becauseHidden());
}

Value VitHead::pool(Value tokens) {
  const std::string &layer = spec.names.classifier;
  auto mean = [&](int64_t skip) -> Value {
    return vit::MeanTokensOp::create(layers.b, layers.getLoc(layer), tokens,
                                     skip);
  };
  switch (spec.pooling) {
  case VitPooling::ClassToken:
    return tokenRow(tokens, 0, layer);
  case VitPooling::MeanTokens:
    return mean(0);
  case VitPooling::MeanPatches:
    return mean(spec.numTokens());
  case VitPooling::ClassTokenAndMeanPatches:
    return layers.concat({tokenRow(tokens, 0, layer), mean(spec.numTokens())},
                         1, layer);
  case VitPooling::Attention: {
    const AttentionPooling &pooling = *spec.attentionPooling;
    std::string because =
        llvm::formatv("{0}, {1} = {2}", encoder.becauseHidden(),
                      spec.keys.numHeads, pooling.numHeads);
    return buildAttentionPooling(layers, tokens, pooling, because);
  }
  }
  llvm_unreachable("all poolings are covered");
}

Value VitHead::pooler(Value tokens) {
  if (spec.pooler == VitPooler::Pooled)
    return norm(pool(tokens), spec.names.pooledNorm);
  std::string layer = encoder.backbone(spec.names.pooler);
  Value pooled = layers.linear(tokenRow(tokens, 0, layer), layer,
                               spec.hiddenSize, encoder.becauseHidden());
  return math::TanhOp::create(layers.b, layers.getLoc(layer + ".activation"),
                              pooled);
}

Value VitHead::classifier(Value pooled) {
  const std::string &layer = spec.names.classifier;
  if (spec.headLayers == 1)
    return layers.linear(pooled, layer, spec.numClasses, becauseClasses());
  // The names of a torch.nn.Sequential of linear layers and GELUs.
  for (int64_t i = 0; i < spec.headLayers; ++i) {
    bool last = i + 1 == spec.headLayers;
    pooled = layers.linear(pooled, layer + "." + Twine(2 * i),
                           last ? spec.numClasses : spec.hiddenSize,
                           becauseClasses());
    if (!last)
      pooled = layers.gelu(pooled, spec.gelu, layer + "." + Twine(2 * i + 1));
  }
  return pooled;
}

Value VitHead::teacherLogits(Value tokens) {
  auto classify = [&](int64_t token, const std::string &layer) {
    return layers.linear(tokenRow(tokens, token, layer), layer, spec.numClasses,
                         becauseClasses());
  };
  return layers.elementwise(
      {classify(0, spec.names.classifier),
       classify(1, spec.names.distillationClassifier)},
      "logits", [](OpBuilder &body, Location loc, ValueRange args) {
        Value sum = arith::AddFOp::create(body, loc, args[0], args[1]);
        Value half =
            arith::ConstantOp::create(body, loc, body.getF32FloatAttr(0.5f));
        return arith::MulFOp::create(body, loc, sum, half).getResult();
      });
}

SmallVector<Value> VitHead::build(Value tokens) {
  tokens = norm(tokens, spec.names.norm);
  switch (spec.output) {
  case VitOutput::Logits:
    return {classifier(norm(pool(tokens), spec.names.pooledNorm))};
  case VitOutput::TeacherLogits:
    return {teacherLogits(tokens)};
  case VitOutput::PooledFeatures:
    return {norm(pool(tokens), spec.names.pooledNorm)};
  case VitOutput::HiddenStates:
    if (spec.pooler == VitPooler::None)
      return {tokens};
    return {tokens, pooler(tokens)};
  }
  llvm_unreachable("all outputs are covered");
}

static SmallVector<StringRef, 2> getOutputNames(const VitSpec &spec) {
  if (spec.output == VitOutput::PooledFeatures)
    return {"features"};
  if (spec.output != VitOutput::HiddenStates)
    return {"logits"};
  if (spec.pooler != VitPooler::None)
    return {"last_hidden_state", "pooler_output"};
  return {"last_hidden_state"};
}

OwningOpRef<ModuleOp> import_::buildVit(const VitSpec &spec,
                                        WeightSource &weights,
                                        const ModelInfo &info,
                                        const ImportOptions &options,
                                        Location loc) {
  bool embedding = spec.output == VitOutput::HiddenStates ||
                   spec.output == VitOutput::PooledFeatures;
  ModelInterface interface;
  interface.architecture = spec.architecture;
  interface.task = embedding ? "embedding" : "classification";
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs = getOutputNames(spec);
  interface.info = info;
  interface.grid = vit::TokenGridAttr::get(loc.getContext(), spec.numTokens(),
                                           spec.gridHeight(), spec.gridWidth(),
                                           spec.classToken);
  return buildModelModule(
      interface, weights, loc, [&](LayerBuilder &layers, ValueRange inputs) {
        VitEncoder encoder(spec, layers);
        return VitHead(spec, layers, encoder).build(encoder.build(inputs[0]));
      });
}
