//===- DetrBuilder.cpp - Builds a DETR's module ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DetrBuilder.h"

#include "AttentionLayer.h"
#include "ConvLayers.h"
#include "DetectionHead.h"
#include "LayerActivations.h"
#include "MaskedPositions.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Of all layer norms.
static constexpr double kNormEps = 1e-5;

namespace {

/// From the image and its mask to the outputs.
class DetrBuilder {
public:
  DetrBuilder(const DetrSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b),
        because(llvm::formatv("d_model = {0}", spec.width)) {}

  SmallVector<Value> build(Value image, Value pixelMask);

private:
  /// What the layers of a stack share.
  struct Memory {
    Value tokens, positions; // [B, N, E]
  };

  /// Adds the branch and norms the sum.
  Value addNorm(Value branch, Value residual, const std::string &norm) {
    Value sum = layers.add(branch, residual, norm + ".residual");
    return layers.layerNorm(sum, norm, kNormEps, because);
  }
  Value attention(const AttentionInputs &inputs, const DetrStack &stack,
                  const std::string &layer);
  Value mlp(Value tokens, const DetrStack &stack, const std::string &block);
  /// Of attention by `numQueries` to the elements of `mask` [B, h, w] that
  /// are 1.
  Value maskOfKeys(Value mask, int64_t numQueries, const Twine &layer);
  Value encode(const Memory &memory, Value pixels);
  Value decode(const Memory &memory, Value pixels);

  const DetrSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
  std::string because;
};

} // namespace

Value DetrBuilder::attention(const AttentionInputs &inputs,
                             const DetrStack &stack, const std::string &layer) {
  return buildAttention(layers, inputs,
                        {layer, layer + ".q_proj", layer + ".k_proj",
                         layer + ".v_proj", layer + ".out_proj", spec.width,
                         stack.numHeads},
                        because);
}

Value DetrBuilder::mlp(Value tokens, const DetrStack &stack,
                       const std::string &block) {
  Value hidden =
      layers.linear(tokens, block + "fc1", stack.intermediateSize, because);
  hidden = buildRelu(layers, hidden, block + "activation_fn");
  hidden = layers.linear(hidden, block + "fc2", spec.width, because);
  return addNorm(hidden, tokens, block + "final_layer_norm");
}

Value DetrBuilder::maskOfKeys(Value mask, int64_t numQueries,
                              const Twine &layer) {
  return buildKeyMask(layers, layers.collapse(mask, 1, 2, layer), numQueries,
                      layer);
}

Value DetrBuilder::encode(const Memory &memory, Value mask) {
  const char *layer = "model.encoder.layers.";
  Value tokens = memory.tokens;
  Value keyMask =
      maskOfKeys(mask, getShape(tokens)[1], "model.encoder.attention_mask");
  for (int64_t index = 0; index < spec.encoder.numLayers; ++index) {
    std::string block = (layer + Twine(index) + ".").str();
    std::string self = block + "self_attn";
    Value placed = layers.add(tokens, memory.positions, self + ".positions");
    Value attended =
        attention({placed, placed, tokens, keyMask}, spec.encoder, self);
    tokens = addNorm(attended, tokens, block + "self_attn_layer_norm");
    tokens = mlp(tokens, spec.encoder, block);
  }
  return tokens;
}

Value DetrBuilder::decode(const Memory &memory, Value mask) {
  std::string name = "model.query_position_embeddings.weight";
  Location loc = layers.getLoc(name);
  Value places = layers.parameter(
      name, {spec.numQueries, spec.width},
      because + llvm::formatv(", num_queries = {0}", spec.numQueries).str(),
      WeightRole::Token);
  SmallVector<OpFoldResult> sizes = layers.getSizes(memory.tokens, loc);
  sizes[1] = b.getIndexAttr(spec.numQueries);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value queries = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  Value keyMask =
      maskOfKeys(mask, spec.numQueries, "model.decoder.encoder_attention_mask");
  Value keys = layers.add(memory.tokens, memory.positions,
                          "model.decoder.spatial_position_embeddings");
  for (int64_t index = 0; index < spec.decoder.numLayers; ++index) {
    std::string block = ("model.decoder.layers." + Twine(index) + ".").str();
    std::string self = block + "self_attn", cross = block + "encoder_attn";
    Value placed = layers.addShared(queries, places, self + ".positions");
    Value attended = attention({placed, placed, queries}, spec.decoder, self);
    queries = addNorm(attended, queries, block + "self_attn_layer_norm");
    placed = layers.addShared(queries, places, cross + ".positions");
    attended =
        attention({placed, keys, memory.tokens, keyMask}, spec.decoder, cross);
    queries = addNorm(attended, queries, block + "encoder_attn_layer_norm");
    queries = mlp(queries, spec.decoder, block);
  }
  return layers.layerNorm(queries, "model.decoder.layernorm", kNormEps,
                          because);
}

SmallVector<Value> DetrBuilder::build(Value image, Value pixelMask) {
  Value map = buildResNet(spec.backbone, layers, image);
  std::string projection = "model.input_projection";
  map = buildConv(layers, map, projection, {spec.width, /*kernel=*/1}, because);
  std::string position = "model.position_embedding";
  Value mask = buildMapMask(layers, pixelMask, getShape(map)[2],
                            getShape(map)[3], position);
  Memory memory = {buildTokens(layers, map, projection),
                   buildSinePositions(layers, mask, spec.width, position)};
  memory.tokens = encode(memory, mask);
  Value queries = decode(memory, mask);
  Value logits = layers.linear(
      queries, "class_labels_classifier", spec.numClasses + 1,
      because +
          llvm::formatv(", the number of labels = {0}", spec.numClasses).str());
  return {logits, buildBoxes(layers, queries, because)};
}

LogicalResult import_::resolveDetr(DetrSpec &spec, const ImportOptions &options,
                                   Location loc) {
  if (options.imageSize)
    std::tie(spec.imageHeight, spec.imageWidth) = *options.imageSize;
  if (spec.width % 4 != 0)
    return emitError(loc) << "d_model = " << spec.width
                          << "; positions need a multiple of 4";
  auto verifyHeads = [&](const DetrStack &stack, const char *key) {
    if (spec.width % stack.numHeads == 0)
      return success();
    return LogicalResult(emitError(loc) << "d_model = " << spec.width
                                        << " is not a multiple of " << key
                                        << " = " << stack.numHeads);
  };
  if (failed(verifyHeads(spec.encoder, "encoder_attention_heads")) ||
      failed(verifyHeads(spec.decoder, "decoder_attention_heads")))
    return failure();
  int64_t tokens = spec.backbone.getMapSize(spec.imageHeight) *
                   spec.backbone.getMapSize(spec.imageWidth);
  if (tokens > kMaxTokens)
    return emitError(loc) << "pictures of " << spec.imageHeight << "x"
                          << spec.imageWidth << " give " << tokens
                          << " tokens; vitc compiles at most " << kMaxTokens;
  return success();
}

OwningOpRef<ModuleOp> import_::buildDetr(const DetrSpec &spec,
                                         WeightSource &weights,
                                         const ModelInfo &info,
                                         const ImportOptions &options,
                                         Location loc) {
  ModelInterface interface;
  interface.architecture = spec.architecture;
  interface.task = "detection";
  ModelInput image =
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth);
  ModelInput mask = {spec.maskName,
                     {image.shape[0], spec.imageHeight, spec.imageWidth},
                     IntegerType::get(loc.getContext(), 64)};
  interface.inputs = {image, mask};
  interface.outputs = {"logits", "pred_boxes"};
  interface.info = info;
  return buildModelModule(
      interface, weights, loc, [&](LayerBuilder &layers, ValueRange inputs) {
        return DetrBuilder(spec, layers).build(inputs[0], inputs[1]);
      });
}
