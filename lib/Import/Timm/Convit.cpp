//===- Convit.cpp - Convolutional self-attention of timm ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first blocks mix attention by content with attention by distance, a gate
// for each head says how; the class token comes behind them.
// Source: d'Ascoli et al. 2021 (ConViT), eqs. (5) to (7).
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct ConvitEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
};
} // namespace

static constexpr ConvitEntry kConvits[] = {
    {"convit_base", 16},
    {"convit_small", 9},
    {"convit_tiny", 4},
};

static constexpr double kNormEps = 1e-6;

/// Of each difference of two patches, a query's and a key's, along height and
/// width: those of the key's place along width and height, and the square of
/// their distance.
static DenseElementsAttr getDifferences(Builder &b, int64_t side) {
  SmallVector<float> values;
  for (int64_t y = side - 1; y > -side; --y)
    for (int64_t x = side - 1; x > -side; --x)
      values.append({float(x), float(y), float(x * x + y * y)});
  return DenseElementsAttr::get(
      RankedTensorType::get({int64_t(values.size()) / 3, 3}, b.getF32Type()),
      ArrayRef(values));
}

/// How much each patch counts for each by their distance, before the softmax,
/// [1, H, N, N].
static Value buildDistanceScores(TimmLayers &layers, Value differences,
                                 const std::string &layer, int64_t side) {
  Value table = layers.linear(differences, layer + ".pos_proj");
  if (!table)
    return {};
  return vit::RelativePositionBiasOp::create(
      layers.b, table, layers.b.getDenseI64ArrayAttr({side, side}),
      /*classToken=*/UnitAttr());
}

/// (1 - gate) * what is attended by content + gate * what is by distance: the
/// rows of both weights have a sum of 1, and so have those of the mixture.
static Value gatedAttention(TimmLayers &layers, Value tokens, Value scores,
                            const std::string &layer, int64_t numHeads) {
  Value rows = layers.linear(tokens, layer + ".qk");
  int64_t width = TimmLayers::getSize(tokens, 2);
  if (rows && TimmLayers::getSize(rows, 2) != 2 * width)
    return layers.fail() << "'" << layer << ".qk' has a width of "
                         << TimmLayers::getSize(rows, 2)
                         << "; queries and keys need " << width << " each";
  auto part = [&](int64_t begin) {
    return layers.splitHeads(layers.slice(rows, 2, begin, width, layer + ".qk"),
                             numHeads, layer + ".qk");
  };
  Value value = layers.splitHeads(layers.linear(tokens, layer + ".v"), numHeads,
                                  layer + ".v");
  Value byContent = layers.attendHeads(part(0), part(width), value, layer);
  if (!byContent || !scores)
    return {};
  // The same for each picture.
  onnx::Shape shape = layers.b.getShape(scores);
  shape[0] = layers.b.getShape(value)[0];
  Value byDistance =
      layers.weightedMean(layers.b.broadcastTo(scores, shape), value, layer);
  if (!byDistance)
    return {};
  Value gate = layers.sigmoid(
      layers.parameter(layer + ".gating_param", {numHeads}), layer);
  gate = layers.b.reshape(gate, {numHeads, 1, 1});
  Value mixed = layers.b.generic(
      {byContent, byDistance, gate}, layers.b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value change = arith::SubFOp::create(body, args[1], args[0]);
        change = arith::MulFOp::create(body, change, args[2]);
        return arith::AddFOp::create(body, args[0], change);
      });
  return layers.linear(layers.mergeHeads(mixed, layer), layer + ".proj");
}

/// The class token comes before the first block that attends by content alone.
static Value buildBlocks(TimmLayers &layers, Value tokens, int64_t side,
                         int64_t numHeads) {
  Value differences = layers.b.constant(getDifferences(layers.b, side));
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  bool hasClassToken = false;
  for (int64_t i = 0; i < depth; ++i) {
    std::string block = "blocks." + std::to_string(i) + ".";
    bool gated = !hasClassToken && layers.contains(block + "attn.gating_param");
    if (!gated && !hasClassToken)
      tokens = layers.prepend(tokens, "cls_token");
    hasClassToken |= !gated;
    tokens = layers.transformerBlock(
        tokens, block, kNormEps, [&](Value normed, const std::string &layer) {
          if (!gated)
            return layers.selfAttention(normed, layer, numHeads);
          return gatedAttention(
              layers, normed,
              buildDistanceScores(layers, differences, layer, side), layer,
              numHeads);
        });
  }
  return tokens;
}

static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  int64_t numHeads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kConvits, name).numHeads, kMaxWidth);
  Value map = layers.embedPatches(image, "patch_embed.proj");
  int64_t side = TimmLayers::getHeight(map);
  if (!map || !layers.checkBiasSize("patch_embed", side, side))
    return {};
  if (side != TimmLayers::getWidth(map))
    return layers.fail() << "the picture's size leaves a map of " << side << "x"
                         << TimmLayers::getWidth(map)
                         << "; distances of patches need a square one";
  Value tokens = layers.toTokens(map, "patch_embed");
  if (layers.contains("pos_embed"))
    tokens = layers.addWeight(tokens, "pos_embed");
  tokens = buildBlocks(layers, tokens, side, numHeads);
  tokens = layers.layerNorm(tokens, "norm", kNormEps);
  return layers.classify(layers.poolTokens(tokens, pooling, 1, "head"), "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kDecided[] = {"local_up_to_layer",
                                             "locality_strength"};

const TimmFamily import_::kConvitFamily = {getTimmNames<kConvits>,
                                           "patch_embed.proj.weight",
                                           "head.weight",
                                           kTokenOrMeanPooling,
                                           kArguments,
                                           kDecided,
                                           build};
