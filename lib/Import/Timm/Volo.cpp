//===- Volo.cpp - VOLO of timm --------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Outlook attention, whose scores between the places of a window a linear layer
// of the window's mean gives; windows overlap, and what they give is added.
// Then plain transformers, blocks in which the class token alone attends, and a
// classifier of each patch beside that of the class token.
// Source: Yuan et al. 2022 (VOLO), section 3; Jiang et al. 2021 (token
// labeling), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "InputFile.h"
#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct VoloEntry {
  llvm::StringLiteral name;
  /// Of each stage.
  std::array<int64_t, 4> numHeads;
};

/// Tokens of a map, without a class token.
struct Patches {
  Value tokens;
  std::array<int64_t, 2> size = {};
};
} // namespace

static constexpr VoloEntry kVolos[] = {
    {"volo_d1_224", {6, 12, 12, 12}},  {"volo_d1_384", {6, 12, 12, 12}},
    {"volo_d2_224", {8, 16, 16, 16}},  {"volo_d2_384", {8, 16, 16, 16}},
    {"volo_d3_224", {8, 16, 16, 16}},  {"volo_d3_448", {8, 16, 16, 16}},
    {"volo_d4_224", {12, 16, 16, 16}}, {"volo_d4_448", {12, 16, 16, 16}},
    {"volo_d5_224", {12, 16, 16, 16}}, {"volo_d5_448", {12, 16, 16, 16}},
    {"volo_d5_512", {12, 16, 16, 16}},
};

static constexpr double kNormEps = 1e-5;
/// The layer of `network` before which patches get their positions.
static constexpr int64_t kPositionedLayer = 2;
/// The windows of outlook attention.
static constexpr int64_t kWindow = 3, kPlaces = kWindow * kWindow;
static constexpr TimmSteps kSteps = {/*stride=*/2, /*pad=*/1};
/// How much the best patch's score of a class counts beside the class token's.
static constexpr double kPatchWeight = 0.5;

namespace {

class VoloBuilder {
public:
  VoloBuilder(TimmLayers &layers, ArrayRef<int64_t> numHeads)
      : layers(layers), numHeads(numHeads) {}

  Value build(Value image, StringRef pooling);

private:
  Value outlookAttention(Value tokens, std::array<int64_t, 2> size,
                         const std::string &layer);
  Value buildStage(const Patches &patches, const std::string &stage,
                   int64_t heads);
  Value embed(Value image);
  Patches toPatches(Value map, const std::string &layer) {
    return {layers.toTokens(map, layer),
            {TimmLayers::getHeight(map), TimmLayers::getWidth(map)}};
  }
  /// The tokens behind all stages.
  Value buildNetwork(Value image);
  /// The class token before the patches.
  Value attendAsClass(Value tokens);
  Value classify(Value tokens, StringRef pooling);

  TimmLayers &layers;
  ArrayRef<int64_t> numHeads;
};

} // namespace

/// Section 3.1, eqs. (3)-(5).
Value VoloBuilder::outlookAttention(Value tokens, std::array<int64_t, 2> size,
                                    const std::string &layer) {
  auto shape = layers.getWeightShape(layer + ".attn.weight", 2);
  if (!tokens || !shape)
    return {};
  constexpr int64_t kPairs = kPlaces * kPlaces;
  if ((*shape)[0] % kPairs != 0)
    return layers.fail() << "tensor '" << layer << ".attn.weight' has shape "
                         << formatShape(*shape) << "; windows of " << kWindow
                         << "x" << kWindow << " need a multiple of " << kPairs
                         << " scores";
  int64_t heads = (*shape)[0] / kPairs;
  Value values = layers.toMap(layers.linear(tokens, layer + ".v"), size[0],
                              size[1], layer);
  values = layers.slidingWindows(values, kWindow, kSteps, layer);
  values = layers.splitHeads(values, heads, layer + ".v");

  // A mean for each window, the last ones' being of what is in the map.
  TimmSteps halve;
  halve.stride = kSteps.stride;
  halve.same = true;
  Value map = layers.toMap(tokens, size[0], size[1], layer);
  map = layers.averagePool(map, layer + ".pool", kSteps.stride, halve);
  Value scores = layers.linear(layers.toTokens(map, layer), layer + ".attn");
  scores = layers.reshape(scores, {heads, kPlaces, kPlaces}, layer + ".attn");
  if (!values || !scores)
    return {};
  double scale = 1.0 / std::sqrt(double(TimmLayers::getSize(values, 3)));
  scores = layers.b.generic(
      {scores}, layers.b.getF32Type(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value factor =
            onnx::TensorBuilder::scalar(body, body.getF32Type(), scale);
        return arith::MulFOp::create(body, args[0], factor);
      });
  Value attended =
      layers.mergeHeads(layers.weightedMean(scores, values, layer), layer);
  attended = layers.sumWindows(attended, kWindow, kSteps, size, layer);
  return layers.linear(attended, layer + ".proj");
}

Value VoloBuilder::buildStage(const Patches &patches, const std::string &stage,
                              int64_t heads) {
  Value tokens = patches.tokens;
  int64_t depth = layers.count(stage, ".norm1.weight");
  for (int64_t i = 0; i < depth; ++i)
    tokens = layers.transformerBlock(
        tokens, stage + std::to_string(i) + ".", kNormEps,
        [&](Value normed, const std::string &layer) {
          return layers.contains(layer + ".attn.weight")
                     ? outlookAttention(normed, patches.size, layer)
                     : layers.selfAttention(normed, layer, heads);
        });
  return tokens;
}

Value VoloBuilder::embed(Value image) {
  Value map = image;
  for (int64_t i = 0; i <= 6; i += 3) { // an activation has a number, too
    const std::string prefix = "patch_embed.conv.";
    std::string norm = prefix + std::to_string(i + 1);
    map = layers.conv(map, prefix + std::to_string(i),
                      {/*stride=*/i == 0 ? 2 : 1}, /*bias=*/false);
    map = layers.activate(layers.batchNorm(map, norm), TimmActivation::Relu,
                          norm + ".act");
  }
  return layers.embedPatches(map, "patch_embed.proj");
}

Value VoloBuilder::buildNetwork(Value image) {
  auto nameOf = [](int64_t i) { return "network." + std::to_string(i) + "."; };
  auto isStage = [&](int64_t i) {
    return layers.contains(nameOf(i) + "0.norm1.weight");
  };
  auto isDownsample = [&](int64_t i) {
    return layers.contains(nameOf(i) + "proj.weight");
  };
  int64_t numLayers = 0, numStages = 0;
  for (; isStage(numLayers) || isDownsample(numLayers); ++numLayers)
    numStages += isStage(numLayers);
  if (!layers.verifyStages("num_heads", numHeads, numStages))
    return {};

  Patches patches = toPatches(embed(image), "patch_embed");
  const int64_t *heads = numHeads.begin();
  for (int64_t i = 0; i < numLayers; ++i) {
    std::string layer = nameOf(i);
    Value &tokens = patches.tokens;
    auto [height, width] = patches.size;
    int64_t channels = TimmLayers::getSize(tokens, 2);
    if (i == kPositionedLayer) {
      Value map = layers.reshape(tokens, {height, width, channels}, layer);
      tokens = layers.reshape(layers.addWeight(map, "pos_embed"),
                              {height * width, channels}, layer);
    }
    if (isStage(i)) {
      tokens = buildStage(patches, layer, *heads++);
      continue;
    }
    Value map = layers.toMap(tokens, height, width, layer);
    patches = toPatches(layers.embedPatches(map, layer + "proj"), layer);
  }
  return patches.tokens;
}

Value VoloBuilder::attendAsClass(Value tokens) {
  if (!layers.contains("cls_token"))
    return tokens;
  const std::string kind = "post_network.";
  int64_t depth = layers.count(kind, ".norm1.weight");
  Value token =
      layers.slice(layers.prepend(tokens, "cls_token"), 1, 0, 1, "cls_token");
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = kind + std::to_string(i) + ".", layer = block + "attn";
    Value all = layers.layerNorm(layers.concat({token, tokens}, 1, block),
                                 block + "norm1", kNormEps);
    Value branch = layers.crossAttention(layers.slice(all, 1, 0, 1, layer), all,
                                         layer, numHeads.back());
    token = layers.add(token, branch, layer);
    branch = layers.layerNorm(token, block + "norm2", kNormEps);
    token = layers.add(token, layers.mlp(branch, block + "mlp"), block + "mlp");
  }
  return layers.concat({token, tokens}, 1, "norm");
}

Value VoloBuilder::classify(Value tokens, StringRef pooling) {
  // The mean is of all tokens.
  Value pooled =
      layers.poolTokens(tokens, pooling, /*numPrefixTokens=*/0, "head");
  Value logits = layers.classify(pooled, "head");
  if (!layers.contains("head.weight") || !layers.contains("aux_head.weight"))
    return logits;
  Value patches =
      layers.slice(tokens, 1, 1, TimmLayers::getSize(tokens, 1) - 1, "head");
  Value scores = layers.linear(patches, "aux_head");
  if (!scores || !logits)
    return {};
  onnx::TensorBuilder &b = layers.b;
  Value best =
      b.reduce(scores, {1}, /*keepDims=*/false,
               b.getF32FloatAttr(-std::numeric_limits<float>::infinity()),
               [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                 return arith::MaximumFOp::create(body, args[0], args[1]);
               });
  if (TimmLayers::getSize(best, 1) != TimmLayers::getSize(logits, 1))
    return layers.fail() << "tensor 'aux_head.weight' has "
                         << TimmLayers::getSize(best, 1)
                         << " classes; 'head.weight' has "
                         << TimmLayers::getSize(logits, 1);
  return b.generic(
      {logits, best}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value weight =
            onnx::TensorBuilder::scalar(body, body.getF32Type(), kPatchWeight);
        return arith::AddFOp::create(
            body, args[0], arith::MulFOp::create(body, args[1], weight));
      });
}

Value VoloBuilder::build(Value image, StringRef pooling) {
  Value tokens = attendAsClass(buildNetwork(image));
  return classify(layers.layerNorm(tokens, "norm", kNormEps), pooling);
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  SmallVector<int64_t, 4> numHeads = layers.arguments.getSizes(
      "num_heads", getTimmEntry(kVolos, name).numHeads, kMaxWidth);
  return VoloBuilder(layers, numHeads).build(image, pooling);
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {
    "downsamples", "embed_dims",    "layers",          "outlook_attention",
    "post_layers", "pooling_scale", "stem_hidden_dim", "use_aux_head"};

const TimmFamily import_::kVoloFamily = {getTimmNames<kVolos>,
                                         "patch_embed.conv.0.weight",
                                         "head.weight",
                                         kTokenOrMeanPooling,
                                         kArguments,
                                         kDecided,
                                         build};
