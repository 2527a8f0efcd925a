//===- SegformerBuilder.cpp - Builds a SegFormer's module -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SegformerBuilder.h"

#include "AttentionLayer.h"
#include "ConvLayers.h"
#include "LayerActivations.h"
#include "ModelLimits.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Of all norms: transformers does not read layer_norm_eps.
static constexpr double kNormEps = 1e-5;

namespace {

/// From the image to the outputs.
class SegformerBuilder {
public:
  SegformerBuilder(const SegformerSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  SmallVector<Value> build(Value image);

private:
  /// A map's tokens, and its sides.
  struct Tokens {
    Value value;
    int64_t height, width;
  };

  std::string encoder(const Twine &layer) const {
    return (spec.prefix + "encoder." + layer).str();
  }
  std::string because(size_t stage) const {
    return llvm::formatv("hidden_sizes[{0}] = {1}", stage,
                         spec.stages[stage].channels);
  }
  Value norm(Value tokens, const std::string &layer, size_t stage) {
    return layers.layerNorm(tokens, layer, kNormEps, because(stage));
  }
  Tokens embed(Value map, size_t stage);
  Value attention(const Tokens &tokens, const std::string &block, size_t stage);
  Value mlp(const Tokens &tokens, const std::string &block, size_t stage);
  Tokens buildStage(Value map, size_t stage);
  Value decode(ArrayRef<Value> maps);

  const SegformerSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};

} // namespace

SegformerBuilder::Tokens SegformerBuilder::embed(Value map, size_t stage) {
  const SegformerStage &sizes = spec.stages[stage];
  std::string layer = encoder("patch_embeddings." + Twine(stage) + ".");
  std::string projection = layer + "proj";
  map = buildConv(
      layers, map, projection,
      {sizes.channels, sizes.patchSize, sizes.stride, sizes.patchSize / 2},
      llvm::formatv("{0}, patch_sizes[{1}] = {2}", because(stage), stage,
                    sizes.patchSize)
          .str());
  int64_t height = getShape(map)[2], width = getShape(map)[3];
  Value tokens = buildTokens(layers, map, projection);
  return {norm(tokens, layer + "layer_norm", stage), height, width};
}

Value SegformerBuilder::attention(const Tokens &tokens,
                                  const std::string &block, size_t stage) {
  const SegformerStage &sizes = spec.stages[stage];
  std::string layer = block + "attention.self";
  Value keys = tokens.value;
  if (sizes.reduction > 1) {
    std::string reduction = layer + ".sr";
    Value map = buildMap(layers, keys, tokens.height, tokens.width, reduction);
    map = buildConv(layers, map, reduction,
                    {sizes.channels, sizes.reduction, sizes.reduction},
                    llvm::formatv("{0}, sr_ratios[{1}] = {2}", because(stage),
                                  stage, sizes.reduction)
                        .str());
    keys =
        norm(buildTokens(layers, map, reduction), layer + ".layer_norm", stage);
  }
  return buildAttention(layers, {tokens.value, keys, keys},
                        {layer, layer + ".query", layer + ".key",
                         layer + ".value", block + "attention.output.dense",
                         sizes.channels, sizes.numHeads},
                        because(stage));
}

Value SegformerBuilder::mlp(const Tokens &tokens, const std::string &block,
                            size_t stage) {
  const SegformerStage &sizes = spec.stages[stage];
  int64_t hidden = sizes.getHidden();
  std::string why = llvm::formatv("{0}, mlp_ratios[{1}] = {2}", because(stage),
                                  stage, sizes.mlpRatio);
  std::string depthwise = block + "mlp.dwconv.dwconv";
  Value value = layers.linear(tokens.value, block + "mlp.dense1", hidden, why);
  value = buildMap(layers, value, tokens.height, tokens.width, depthwise);
  value =
      buildConv(layers, value, depthwise,
                {hidden, /*kernel=*/3, /*stride=*/1, /*pad=*/1, hidden}, why);
  value = layers.gelu(value, spec.gelu, block + "mlp.intermediate_act_fn");
  value = buildTokens(layers, value, depthwise);
  return layers.linear(value, block + "mlp.dense2", sizes.channels, why);
}

SegformerBuilder::Tokens SegformerBuilder::buildStage(Value map, size_t stage) {
  Tokens tokens = embed(map, stage);
  for (int64_t index = 0; index < spec.stages[stage].depth; ++index) {
    std::string block =
        encoder("block." + Twine(stage) + "." + Twine(index) + ".");
    auto addTo = [&](Value residual, const std::string &normName,
                     auto buildBranch, const char *layer) {
      Tokens normed = tokens;
      normed.value = norm(residual, block + normName, stage);
      return layers.add(buildBranch(normed), residual, block + layer);
    };
    tokens.value = addTo(
        tokens.value, "layer_norm_1",
        [&](const Tokens &normed) { return attention(normed, block, stage); },
        "attention.residual");
    tokens.value = addTo(
        tokens.value, "layer_norm_2",
        [&](const Tokens &normed) { return mlp(normed, block, stage); },
        "mlp.residual");
  }
  tokens.value =
      norm(tokens.value, encoder("layer_norm." + Twine(stage)), stage);
  return tokens;
}

/// The maps of all stages, each through a linear layer and at the first one's
/// size, then side by side through one more and a classifier.
Value SegformerBuilder::decode(ArrayRef<Value> maps) {
  const std::string head = "decode_head.";
  int64_t width = spec.decoderWidth;
  std::string why = llvm::formatv("decoder_hidden_size = {0}", width);
  SmallVector<Value> resized;
  for (auto [stage, map] : llvm::enumerate(maps)) {
    // transformers' own name in memory, which some tools write.
    std::string layer = (head + "linear_c." + Twine(stage) + ".proj").str();
    if (!layers.contains(layer + ".weight"))
      layer = (head + "linear_projections." + Twine(stage) + ".proj").str();
    int64_t height = getShape(map)[2], columns = getShape(map)[3];
    Value tokens = layers.linear(buildTokens(layers, map, layer), layer, width,
                                 because(stage) + ", " + why);
    Value projected = buildMap(layers, tokens, height, columns, layer);
    resized.push_back(buildResizedMap(layers, projected, getShape(maps[0])[2],
                                      getShape(maps[0])[3], layer));
  }
  std::reverse(resized.begin(), resized.end());
  Value map = layers.concat(resized, 1, head + "linear_fuse");
  map = buildConv(layers, map, head + "linear_fuse",
                  {width, /*kernel=*/1, /*stride=*/1, /*pad=*/0, /*groups=*/1,
                   /*bias=*/false},
                  why);
  map = buildBatchNorm(layers, map, head + "batch_norm", kNormEps, why);
  map = buildRelu(layers, map, head + "activation");
  return buildConv(
      layers, map, head + "classifier", {spec.numClasses, /*kernel=*/1},
      why +
          llvm::formatv(", the number of labels = {0}", spec.numClasses).str());
}

SmallVector<Value> SegformerBuilder::build(Value image) {
  SmallVector<Value> maps;
  Tokens tokens;
  size_t last = spec.stages.size() - 1;
  for (size_t stage = 0; stage <= last; ++stage) {
    tokens = buildStage(stage == 0 ? image : maps.back(), stage);
    bool keptAsTokens = stage == last && spec.output != SegformerOutput::Map;
    if (!keptAsTokens ||
        (spec.output == SegformerOutput::HiddenState && !spec.lastAsTokens))
      maps.push_back(buildMap(layers, tokens.value, tokens.height, tokens.width,
                              encoder("layer_norm." + Twine(stage))));
  }
  switch (spec.output) {
  case SegformerOutput::HiddenState:
    return {spec.lastAsTokens ? tokens.value : maps.back()};
  case SegformerOutput::Classes: {
    Value mean = vit::MeanTokensOp::create(b, layers.getLoc("pooled"),
                                           tokens.value, /*skip=*/0);
    std::string why = llvm::formatv("{0}, the number of labels = {1}",
                                    because(last), spec.numClasses);
    return {layers.linear(mean, "classifier", spec.numClasses, why)};
  }
  case SegformerOutput::Map:
    return {decode(maps)};
  }
  llvm_unreachable("all outputs are covered");
}

LogicalResult import_::resolveSegformer(SegformerSpec &spec,
                                        const ImportOptions &options,
                                        Location loc) {
  if (options.imageSize)
    std::tie(spec.imageHeight, spec.imageWidth) = *options.imageSize;
  int64_t height = spec.imageHeight, width = spec.imageWidth;
  for (auto [index, stage] : llvm::enumerate(spec.stages)) {
    if (stage.channels % stage.numHeads != 0)
      return emitError(loc) << "stage " << index << " has " << stage.channels
                            << " channels, no multiple of its "
                               "num_attention_heads = "
                            << stage.numHeads;
    if (stage.getHidden() > kMaxHidden)
      return emitError(loc)
             << "mlp_ratios gives stage " << index << " " << stage.getHidden()
             << " hidden channels; vitc compiles at most " << kMaxHidden;
    height = stage.getSize(height);
    width = stage.getSize(width);
    if (height < stage.reduction || width < stage.reduction)
      return emitError(loc)
             << "pictures of " << spec.imageHeight << "x" << spec.imageWidth
             << " leave stage " << index << " a map of " << height << "x"
             << width << "; its sr_ratio needs " << stage.reduction << "x"
             << stage.reduction;
    if (height * width > kMaxTokens)
      return emitError(loc) << "pictures of " << spec.imageHeight << "x"
                            << spec.imageWidth << " give " << height * width
                            << " patches; vitc compiles at most " << kMaxTokens;
  }
  return success();
}

OwningOpRef<ModuleOp> import_::buildSegformer(const SegformerSpec &spec,
                                              WeightSource &weights,
                                              const ModelInfo &info,
                                              const ImportOptions &options,
                                              Location loc) {
  ModelInterface interface;
  interface.architecture = spec.architecture;
  switch (spec.output) {
  case SegformerOutput::HiddenState:
    interface.task = "embedding";
    break;
  case SegformerOutput::Classes:
    interface.task = "classification";
    break;
  case SegformerOutput::Map:
    interface.task = "segmentation";
    break;
  }
  interface.outputs = {spec.output == SegformerOutput::HiddenState
                           ? "last_hidden_state"
                           : "logits"};
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.info = info;
  return buildModelModule(
      interface, weights, loc, [&](LayerBuilder &layers, ValueRange inputs) {
        return SegformerBuilder(spec, layers).build(inputs[0]);
      });
}
