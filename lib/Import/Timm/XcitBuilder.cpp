//===- XcitBuilder.cpp - Layers of a cross-covariance transformer ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "XcitBuilder.h"

#include "AttentionLayer.h"
#include "ConvLayers.h"
#include "CosineAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr double kBatchNormEps = 1e-5;
/// Waves of each side of the picture in the positions, and their base.
static constexpr int64_t kWaves = kFourierWidth / 2;
static constexpr double kWaveBase = 1e4;

namespace {

class XcitBuilder {
public:
  XcitBuilder(const XcitSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b),
        because(llvm::formatv("embed_dim = {0}, num_heads = {1}, the MLP's "
                              "width = {2}",
                              spec.hiddenSize, spec.numHeads,
                              spec.intermediateSize)) {}

  Value build(Value image);

private:
  Value stem(Value image);
  Value addPositions(Value tokens);
  Value addClassToken(Value tokens);

  Value norm(Value tokens, const std::string &layer) {
    return layers.layerNorm(tokens, layer, spec.layerNormEps, because);
  }
  Value mlp(Value tokens, const std::string &layer);
  /// residual + scale * branch.
  Value addScaled(Value residual, Value branch, const std::string &scale) {
    return layers.add(layers.scaleChannels(branch, scale, because), residual,
                      scale);
  }
  Value channelAttention(Value tokens, const std::string &layer);
  Value localInteraction(Value tokens, const std::string &layer);
  Value block(Value tokens, const std::string &block);

  Value classAttention(Value tokens, const std::string &layer);
  Value classToken(Value tokens, const std::string &layer) {
    return layers.slice(tokens, 1, 0, 1, layer);
  }
  Value patches(Value tokens, const std::string &layer) {
    int64_t count = spec.gridHeight() * spec.gridWidth();
    return layers.slice(tokens, 1, 1, count, layer);
  }
  Value classBlock(Value tokens, const std::string &block);

  const XcitSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
  const std::string because;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

Value XcitBuilder::stem(Value image) {
  Value map = image;
  for (auto [index, channels] : llvm::enumerate(spec.stemChannels)) {
    // A convolution and its norm, then a GELU, which has a number too.
    std::string layer = llvm::formatv("patch_embed.proj.{0}", 2 * index);
    if (index > 0)
      map = layers.gelu(
          map, spec.gelu,
          llvm::formatv("patch_embed.proj.{0}", 2 * index - 1).str());
    ConvSpec conv = {channels, /*kernel=*/3, /*stride=*/2, /*pad=*/1};
    conv.bias = false;
    map = buildConv(layers, map, layer + ".0", conv, because);
    map = buildBatchNorm(layers, map, layer + ".1", kBatchNormEps, because);
  }
  return buildTokens(layers, map, "patch_embed");
}

SmallVector<float> import_::getFourierPositions(int64_t height, int64_t width) {
  SmallVector<float> waves;
  auto add = [&](int64_t index, int64_t size) {
    double place =
        double(index + 1) / (double(size) + 1e-6) * 2.0 * llvm::numbers::pi;
    for (int64_t i = 0; i < kWaves; i += 2) {
      double angle = place / std::pow(kWaveBase, double(i) / double(kWaves));
      waves.push_back(float(std::sin(angle)));
      waves.push_back(float(std::cos(angle)));
    }
  };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      add(y, height);
      add(x, width);
    }
  return waves;
}

Value XcitBuilder::addPositions(Value tokens) {
  const std::string layer = "pos_embed.token_projection";
  Location loc = layers.getLoc(layer);
  int64_t count = spec.gridHeight() * spec.gridWidth();
  auto type = RankedTensorType::get({count, kFourierWidth}, b.getF32Type());
  Value waves = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type, ArrayRef<float>(getFourierPositions(
                                       spec.gridHeight(), spec.gridWidth()))));
  vit::WeightExprAttr filter =
      layers.weight(layer + ".weight", {spec.hiddenSize, kFourierWidth, 1, 1},
                    because, WeightRole::Matrix);
  Value matrix = layers.constant(
      vit::WeightExprAttr::reshape(filter, {spec.hiddenSize, kFourierWidth}),
      layer + ".weight");
  Value bias = layers.parameter(layer + ".bias", {spec.hiddenSize}, because,
                                WeightRole::Bias);
  Value positions =
      vit::LinearOp::create(b, loc, waves, matrix, bias, /*residual=*/Value(),
                            vit::Activation::None, vit::NormAttr());

  // The same for each item of the batch.
  AffineMap all = b.getMultiDimIdentityMap(3);
  SmallVector<AffineMap> maps = {all, all.dropResult(0), all};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(tokens, loc),
                                        b.getF32Type());
  return linalg::GenericOp::create(
             b, loc, tokens.getType(), ValueRange{tokens, positions}, empty,
             maps, iterators,
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(body, loc, args[0], args[1]);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

Value XcitBuilder::addClassToken(Value tokens) {
  const std::string layer = "cls_token";
  Location loc = layers.getLoc(layer);
  Value row = layers.constant(
      vit::WeightExprAttr::reshape(layers.weight(layer, {1, 1, spec.hiddenSize},
                                                 because, WeightRole::Token),
                                   {1, spec.hiddenSize}),
      layer);
  SmallVector<OpFoldResult> sizes = layers.getSizes(tokens, loc);
  sizes[1] = b.getIndexAttr(1);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value token =
      linalg::BroadcastOp::create(b, loc, row, empty, ArrayRef<int64_t>{0})
          ->getResult(0);
  return layers.concat({token, tokens}, 1, layer);
}

//===----------------------------------------------------------------------===//
// Blocks of patches
//===----------------------------------------------------------------------===//

Value XcitBuilder::mlp(Value tokens, const std::string &layer) {
  Value hidden =
      layers.linear(tokens, layer + ".fc1", spec.intermediateSize, because);
  hidden = layers.gelu(hidden, spec.gelu, layer + ".act");
  return layers.linear(hidden, layer + ".fc2", spec.hiddenSize, because);
}

/// Eq. (3): queries and keys are channels, rows of length 1 over the tokens.
Value XcitBuilder::channelAttention(Value tokens, const std::string &layer) {
  Location loc = layers.getLoc(layer);
  int64_t width = spec.hiddenSize;
  Value rows =
      layers.linear(tokens, layer + ".qkv", 3 * width, because, spec.qkvBias);
  auto channels = [&](int64_t part) {
    Value heads = vit::SplitHeadsOp::create(
        b, loc, layers.slice(rows, 2, part * width, width, layer),
        spec.numHeads);
    return layers.transpose(heads, {0, 1, 3, 2}, layer);
  };
  Value temperature = layers.constant(
      vit::WeightExprAttr::reshape(layers.weight(layer + ".temperature",
                                                 {spec.numHeads, 1, 1}, because,
                                                 WeightRole::Token),
                                   {spec.numHeads}),
      layer + ".temperature");
  Value query = buildUnitVectors(layers, channels(0), temperature, layer);
  Value key = buildUnitVectors(layers, channels(1), /*scale=*/Value(), layer);
  Value attended = vit::AttentionOp::create(b, loc, query, key, channels(2),
                                            /*bias=*/Value(), /*mask=*/Value(),
                                            b.getF64FloatAttr(1.0));
  Value merged = vit::MergeHeadsOp::create(
      b, loc, layers.transpose(attended, {0, 1, 3, 2}, layer));
  return layers.linear(merged, layer + ".proj", width, because);
}

Value XcitBuilder::localInteraction(Value tokens, const std::string &layer) {
  ConvSpec conv = {spec.hiddenSize, /*kernel=*/3, /*stride=*/1, /*pad=*/1,
                   /*groups=*/spec.hiddenSize};
  Value map =
      buildMap(layers, tokens, spec.gridHeight(), spec.gridWidth(), layer);
  map = buildConv(layers, map, layer + ".conv1", conv, because);
  map = layers.gelu(map, spec.gelu, layer + ".act");
  map = buildBatchNorm(layers, map, layer + ".bn", kBatchNormEps, because);
  map = buildConv(layers, map, layer + ".conv2", conv, because);
  return buildTokens(layers, map, layer);
}

Value XcitBuilder::block(Value tokens, const std::string &block) {
  Value branch =
      channelAttention(norm(tokens, block + "norm1"), block + "attn");
  tokens = addScaled(tokens, branch, block + "gamma1");
  branch = localInteraction(norm(tokens, block + "norm3"), block + "local_mp");
  tokens = addScaled(tokens, branch, block + "gamma3");
  branch = mlp(norm(tokens, block + "norm2"), block + "mlp");
  return addScaled(tokens, branch, block + "gamma2");
}

//===----------------------------------------------------------------------===//
// Blocks of the class token
//===----------------------------------------------------------------------===//

/// The class token [B, 1, E] attends to all tokens.
/// Source: Touvron et al. 2021 (CaiT), eqs. (5) to (8).
Value XcitBuilder::classAttention(Value tokens, const std::string &layer) {
  Location loc = layers.getLoc(layer);
  auto heads = [&](Value input, const char *name) -> Value {
    Value rows = layers.linear(input, layer + name, spec.hiddenSize, because,
                               spec.qkvBias);
    return vit::SplitHeadsOp::create(b, loc, rows, spec.numHeads);
  };
  Value merged = attendHeads(layers, heads(classToken(tokens, layer), ".q"),
                             heads(tokens, ".k"), heads(tokens, ".v"), layer);
  return layers.linear(merged, layer + ".proj", spec.hiddenSize, because);
}

Value XcitBuilder::classBlock(Value tokens, const std::string &block) {
  const std::string attention = block + "attn";
  Value normed = norm(tokens, block + "norm1");
  Value branch = layers.concat(
      {classAttention(normed, attention), patches(normed, attention)}, 1,
      attention);
  tokens = addScaled(tokens, branch, block + "gamma1");

  const std::string layer = block + "mlp";
  if (spec.normsTokens)
    tokens = norm(tokens, block + "norm2");
  Value token = classToken(tokens, layer);
  if (!spec.normsTokens)
    token = norm(token, block + "norm2");
  // The MLP is the class token's; a patch is added to itself.
  Value others = patches(tokens, layer);
  Value updated = addScaled(token, mlp(token, layer), block + "gamma2");
  return layers.concat({updated, layers.add(others, others, layer)}, 1, layer);
}

Value XcitBuilder::build(Value image) {
  Value tokens = stem(image);
  if (spec.positions)
    tokens = addPositions(tokens);
  for (int64_t i = 0; i < spec.numLayers; ++i)
    tokens = block(tokens, llvm::formatv("blocks.{0}.", i));
  tokens = addClassToken(tokens);
  for (int64_t i = 0; i < spec.numClassLayers; ++i)
    tokens = classBlock(tokens, llvm::formatv("cls_attn_blocks.{0}.", i));
  tokens = norm(tokens, "norm");
  Value pooled =
      spec.meanPooling
          ? vit::MeanTokensOp::create(b, layers.getLoc("head"), tokens,
                                      /*skip=*/1)
                .getResult()
          : layers.slice(tokens, 1, 0, 1, "head", /*drop=*/true);
  if (spec.numClasses == 0)
    return pooled;
  return layers.linear(
      pooled, "head", spec.numClasses,
      llvm::formatv("{0}, num_classes = {1}", because, spec.numClasses).str());
}

Value import_::buildXcit(const XcitSpec &spec, LayerBuilder &layers,
                         Value image) {
  return XcitBuilder(spec, layers).build(image);
}
