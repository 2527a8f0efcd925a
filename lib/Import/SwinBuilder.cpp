//===- SwinBuilder.cpp - Builds a Swin transformer's module ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwinBuilder.h"

#include "ModelModule.h"
#include "ResizePositions.h"
#include "SwinBlock.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Of the norms outside of the blocks, whatever the configuration says.
static constexpr double kEmbeddingNormEps = 1e-5;

namespace {

/// From the image to the outputs.
class SwinBuilder {
public:
  SwinBuilder(const SwinSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  SmallVector<Value> build(Value image);

private:
  std::string backbone(const Twine &layer) const {
    return (spec.prefix + layer).str();
  }
  std::string because(size_t stage) const {
    return llvm::formatv("{0} = {1} in stage {2}", spec.keys.embedDim,
                         spec.getDim(stage), stage);
  }
  Value padImage(Value image);
  Value addPositions(Value tokens);
  Value embed(Value image);
  /// Merges 2 x 2 neighbours of the map behind stage `stage`; halves `size`.
  Value merge(Value tokens, size_t stage, std::array<int64_t, 2> &size);

  const SwinSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};

} // namespace

/// Zeros below and to the right up to whole patches.
Value SwinBuilder::padImage(Value image) {
  auto type = cast<RankedTensorType>(image.getType());
  auto [gridHeight, gridWidth] = spec.getGrid();
  int64_t height = gridHeight * spec.patchHeight;
  int64_t width = gridWidth * spec.patchWidth;
  if (height == spec.imageHeight && width == spec.imageWidth)
    return image;
  Location loc = layers.getLoc(backbone(spec.names.patchProjection));
  SmallVector<OpFoldResult> low(4, b.getIndexAttr(0)), high(low);
  high[2] = b.getIndexAttr(height - spec.imageHeight);
  high[3] = b.getIndexAttr(width - spec.imageWidth);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  return tensor::PadOp::create(
      b, loc, type.clone({type.getDimSize(0), spec.channels, height, width}),
      image, low, high, zero);
}

/// tokens [B, N, C] plus positions [N, C].
Value SwinBuilder::addPositions(Value tokens) {
  auto [height, width] = spec.trainedGrid;
  std::string name = backbone(spec.names.positions);
  std::string why = llvm::formatv("{0}, a grid of {1}x{2} patches", because(0),
                                  height, width);
  vit::WeightExprAttr stored = layers.weight(
      name, {1, height * width, spec.embedDim}, why, WeightRole::Token);
  Value positions = layers.constant(
      vit::WeightExprAttr::reshape(stored, {height * width, spec.embedDim}),
      name);
  std::array<int64_t, 2> grid = spec.getGrid();
  if (grid != spec.trainedGrid)
    positions = resizePositions(layers, positions, {height, width},
                                {grid[0], grid[1]}, name);
  return layers.addShared(tokens, positions, name);
}

Value SwinBuilder::embed(Value image) {
  std::string layer = backbone(spec.names.patchProjection);
  std::string why =
      llvm::formatv("{0} = {1}, {2} = {3}, {4} = {5}x{6}", spec.keys.embedDim,
                    spec.embedDim, spec.keys.numChannels, spec.channels,
                    spec.keys.patchSize, spec.patchHeight, spec.patchWidth);
  Value filter = layers.parameter(
      layer + ".weight",
      {spec.embedDim, spec.channels, spec.patchHeight, spec.patchWidth}, why,
      WeightRole::Matrix);
  Value bias =
      layers.parameter(layer + ".bias", {spec.embedDim}, why, WeightRole::Bias);
  Value tokens = vit::PatchEmbedOp::create(
      b, layers.getLoc(layer), padImage(image), filter, bias,
      /*tokens=*/Value(), /*position=*/Value(), vit::NormAttr());
  tokens = layers.layerNorm(tokens, backbone(spec.names.patchNorm),
                            kEmbeddingNormEps, because(0));
  return spec.positions ? addPositions(tokens) : tokens;
}

Value SwinBuilder::merge(Value tokens, size_t stage,
                         std::array<int64_t, 2> &size) {
  const SwinNames &names = spec.names;
  std::string layer = backbone(
      names.stage + Twine(stage + (spec.mergeNamedByNext ? 1 : 0)) + ".");
  std::string reduction = layer + names.mergeReduction;
  std::string norm = layer + names.mergeNorm;
  Value map = layers.expand(tokens, 1, size, reduction);
  for (int64_t &side : size)
    side = (side + 1) / 2;
  map = padMap(layers, map, {2 * size[0], 2 * size[1]}, reduction);
  map = vit::PatchMergingOp::create(b, layers.getLoc(reduction), map);
  tokens = layers.collapse(map, 1, 2, reduction);
  if (!spec.v2)
    tokens = layers.layerNorm(tokens, norm, kEmbeddingNormEps, because(stage));
  tokens = layers.linear(tokens, reduction, spec.getDim(stage + 1),
                         because(stage), /*bias=*/false);
  if (spec.v2)
    tokens = layers.layerNorm(tokens, norm, kEmbeddingNormEps, because(stage));
  return tokens;
}

SmallVector<Value> SwinBuilder::build(Value image) {
  const SwinNames &names = spec.names;
  Value tokens = embed(image);
  std::array<int64_t, 2> size = spec.getGrid();
  size_t last = spec.stages.size() - 1;
  for (size_t stage = 0; stage <= last; ++stage) {
    SwinBlockBuilder blocks(spec, layers, stage, size);
    for (int64_t block = 0; block < spec.stages[stage].depth; ++block)
      tokens = blocks.build(tokens,
                            backbone(names.stage + Twine(stage) + "." +
                                     names.block + Twine(block) + "."),
                            /*shifted=*/block % 2 == 1);
    if (stage != last)
      tokens = merge(tokens, stage, size);
  }
  tokens = layers.layerNorm(tokens, backbone(names.norm), spec.layerNormEps,
                            because(last));
  Value pooled = vit::MeanTokensOp::create(b, layers.getLoc(backbone("pooler")),
                                           tokens, /*skip=*/0);
  if (spec.output == SwinOutput::HiddenStates)
    return {tokens, pooled};
  if (spec.output == SwinOutput::PooledFeatures)
    return {pooled};
  std::string why = llvm::formatv("{0}, {1} = {2}", because(last),
                                  spec.keys.numClasses, spec.numClasses);
  return {layers.linear(pooled, names.classifier, spec.numClasses, why)};
}

static SmallVector<StringRef, 2> getOutputNames(const SwinSpec &spec) {
  switch (spec.output) {
  case SwinOutput::HiddenStates:
    return {"last_hidden_state", "pooler_output"};
  case SwinOutput::Logits:
    return {"logits"};
  case SwinOutput::PooledFeatures:
    return {"features"};
  }
  llvm_unreachable("all outputs are covered");
}

OwningOpRef<ModuleOp> import_::buildSwin(const SwinSpec &spec,
                                         WeightSource &weights,
                                         const ModelInfo &info,
                                         const ImportOptions &options,
                                         Location loc) {
  ModelInterface interface;
  interface.architecture = spec.architecture;
  interface.task =
      spec.output == SwinOutput::Logits ? "classification" : "embedding";
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs = getOutputNames(spec);
  interface.info = info;
  return buildModelModule(interface, weights, loc,
                          [&](LayerBuilder &layers, ValueRange inputs) {
                            return SwinBuilder(spec, layers).build(inputs[0]);
                          });
}
