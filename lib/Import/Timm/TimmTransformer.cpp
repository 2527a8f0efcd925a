//===- TimmTransformer.cpp - Layers of timm's plain transformers ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "AttentionPooling.h"
#include "ConvLayers.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::string TimmLayers::chooseName(ArrayRef<std::string> prefixes,
                                   const Twine &weight) {
  std::string suffix = weight.str();
  const std::string *chosen =
      llvm::find_if(prefixes, [&](const std::string &prefix) {
        return contains(prefix + suffix);
      });
  if (chosen == prefixes.end())
    chosen = prefixes.begin();
  for (const std::string &prefix : prefixes)
    if (&prefix != chosen)
      checkpoint.leaveOut(prefix);
  return *chosen;
}

Value TimmLayers::embedPixels(Value image, const Twine &layer) {
  std::string name = layer.str(), matrix = name + ".weight";
  if (checkpoint.getShape(matrix).size() == 4)
    return embedPatches(image, name);
  auto shape = image ? getWeightShape(matrix, 2) : std::nullopt;
  if (!shape)
    return {};
  int64_t outputs = (*shape)[0], channels = getSize(image, 1);
  auto side = int64_t(std::llround(std::sqrt(double((*shape)[1] / channels))));
  TimmSteps steps = {/*stride=*/side, /*pad=*/0};
  auto pad = getPad(image, name, {side, side}, steps);
  if (!pad)
    return {};
  startLayer(name);
  vit::WeightExprAttr weight = layers.weight(
      matrix, {outputs, side * side * channels}, because, WeightRole::Matrix);
  weight =
      vit::WeightExprAttr::reshape(weight, {outputs, side, side, channels});
  Value filter = layers.constant(
      vit::WeightExprAttr::transpose(weight, {0, 3, 1, 2}), matrix);
  Value bias;
  if (hasBias(name))
    bias = parameter(name + ".bias", {outputs}, WeightRole::Bias);
  return vit::Conv2dOp::create(b, image, filter, bias, /*residual=*/Value(),
                               ArrayRef<int64_t>{side, side},
                               ArrayRef<int64_t>(*pad),
                               /*dilation=*/ArrayRef<int64_t>{1, 1},
                               /*groups=*/1);
}

Value TimmLayers::embedPatches(Value map, const Twine &layer) {
  std::string name = layer.str();
  auto shape = map ? getWeightShape(name + ".weight", 4) : std::nullopt;
  Value patches = shape ? conv(map, name, {(*shape)[2], /*pad=*/0}) : Value();
  if (getHeight(patches) * getWidth(patches) > kMaxTokens)
    return fail() << "'" << name << "' gives " << getHeight(patches) << "x"
                  << getWidth(patches) << " patches; vitc compiles at most "
                  << kMaxTokens;
  return patches;
}

Value TimmLayers::transformerBlock(
    Value tokens, const Twine &block, double epsilon,
    function_ref<Value(Value, const std::string &)> attend,
    TimmActivation activation) {
  std::string name = block.str();
  Value branch =
      attend(layerNorm(tokens, name + "norm1", epsilon), name + "attn");
  branch = scale(branch, name + "ls1.gamma");
  tokens = add(tokens, branch, name + "attn");
  branch =
      mlp(layerNorm(tokens, name + "norm2", epsilon), name + "mlp", activation);
  return add(tokens, scale(branch, name + "ls2.gamma"), name + "mlp");
}

Value TimmLayers::attentionPooling(Value tokens, const Twine &layer,
                                   int64_t numHeads, double epsilon,
                                   vit::GeluForm form) {
  std::string name = layer.str();
  auto shape = getWeightShape(name + ".mlp.fc1.weight", 2);
  if (!tokens || !shape)
    return {};
  int64_t width = getSize(tokens, 2);
  if (width % numHeads != 0)
    return fail() << "'" << name << "' has a width of " << width
                  << ", no multiple of its " << numHeads << " heads";
  return keepBatch(buildAttentionPooling(layers, tokens,
                                         {getTimmPoolingNames(name), width,
                                          (*shape)[0], numHeads, epsilon, form},
                                         because),
                   tokens);
}

Value TimmLayers::normalize(Value input, const Twine &layer, double epsilon) {
  if (!input)
    return {};
  startLayer(layer);
  return vit::LayerNormOp::create(b, input.getType(), input, /*scale=*/Value(),
                                  /*shift=*/Value(),
                                  b.getF64FloatAttr(epsilon));
}

Value TimmLayers::rmsNorm(Value input, const Twine &layer, double epsilon) {
  if (!input)
    return {};
  std::string name = layer.str() + ".weight";
  startLayer(layer);
  Value scale;
  if (contains(name))
    scale = parameter(name, {::getShape(input).back()}, WeightRole::NormScale);
  return vit::RmsNormOp::create(b, input.getType(), input, scale,
                                b.getF64FloatAttr(epsilon));
}

Value TimmLayers::poolTokens(Value tokens, StringRef pooling,
                             int64_t numPrefixTokens, const Twine &layer) {
  if (!tokens)
    return {};
  if (pooling == "token")
    return row(tokens, 0, layer);
  startLayer(layer);
  return vit::MeanTokensOp::create(b, tokens, numPrefixTokens);
}

Value TimmLayers::attendTo(Value queries, Value others, const Twine &layer,
                           int64_t numHeads,
                           std::array<StringRef, 3> projections) {
  std::string name = layer.str();
  std::array<Value, 3> heads;
  for (auto [part, projection] : llvm::enumerate(projections)) {
    std::string path = name + "." + projection.str();
    heads[part] =
        splitHeads(linear(part == 0 ? queries : others, path), numHeads, path);
  }
  return linear(attend(heads[0], heads[1], heads[2], name), name + ".proj");
}

Value TimmLayers::mergeHeads(Value heads, const Twine &layer) {
  if (!heads)
    return {};
  startLayer(layer);
  return vit::MergeHeadsOp::create(b, heads);
}

Value TimmLayers::scores(Value query, Value key, const Twine &layer) {
  std::string name = layer.str();
  Value products = matmul(query, transpose(key, {0, 1, 3, 2}, name), name);
  if (!products)
    return {};
  double scale = 1.0 / std::sqrt(double(getSize(query, 3)));
  return b.generic({products}, b.getF32Type(),
                   [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                     Value factor = onnx::TensorBuilder::scalar(
                         body, body.getF32Type(), scale);
                     return arith::MulFOp::create(body, args[0], factor);
                   });
}

Value TimmLayers::mixHeads(Value scores, const Twine &layer) {
  if (!scores)
    return {};
  std::string name = layer.str(), matrix = name + ".weight";
  int64_t numHeads = getSize(scores, 1);
  startLayer(name);
  vit::WeightExprAttr weight =
      layers.weight(matrix, {numHeads, numHeads}, because, WeightRole::Matrix);
  Value filter = layers.constant(
      vit::WeightExprAttr::reshape(weight, {numHeads, numHeads, 1, 1}), matrix);
  Value bias = parameter(name + ".bias", {numHeads}, WeightRole::Bias);
  return vit::Conv2dOp::create(b, scores, filter, bias, /*residual=*/Value(),
                               /*strides=*/ArrayRef<int64_t>{1, 1},
                               /*pad=*/ArrayRef<int64_t>{0, 0, 0, 0},
                               /*dilation=*/ArrayRef<int64_t>{1, 1},
                               /*groups=*/1);
}
