//===- EfficientVitMit.cpp - EfficientViT of MIT in timm ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverted bottlenecks; in the last stages attention without a softmax, of
// queries, keys and values at several scales, whose cost grows with the number
// of places. Source: Cai et al. 2023 (EfficientViT), section 3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "MobileBlocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct EfficientVitMit {
  llvm::StringLiteral name;
  /// Fused bottlenecks, tanh's GELU, a small epsilon.
  bool isLarge = false;
};
} // namespace

static constexpr EfficientVitMit kEfficientVits[] = {
    {"efficientvit_b0"},
    {"efficientvit_b1"},
    {"efficientvit_b2"},
    {"efficientvit_b3"},
    {"efficientvit_l1", /*isLarge=*/true},
    {"efficientvit_l2", /*isLarge=*/true},
    {"efficientvit_l3", /*isLarge=*/true},
};

static constexpr double kNormEps = 1e-5, kLargeNormEps = 1e-7;
/// Added to the sum of an attention's weights.
static constexpr double kAttentionEps = 1e-5;

/// relu(query) (relu(key)^T value) over its weights' sum, of rows [B, G, 3 D,
/// N], those of a query before those of its key and its value.
static Value attend(TimmLayers &layers, Value rows, int64_t dim,
                    const std::string &layer) {
  if (!rows)
    return {};
  auto part = [&](int64_t index) {
    return layers.slice(rows, 2, index * dim, dim, layer);
  };
  Value query = layers.activate(part(0), TimmActivation::Relu, layer + ".relu");
  Value key = layers.activate(part(1), TimmActivation::Relu, layer + ".relu");
  // A row of ones behind the values gives the sum of the weights.
  onnx::TensorBuilder &b = layers.b;
  Value value =
      b.pad(part(2), {0, 0, 0, 0}, {0, 0, 1, 0}, b.getF32FloatAttr(1));
  Value context =
      layers.matmul(value, layers.transpose(key, {0, 1, 3, 2}, layer), layer);
  Value sums = layers.matmul(context, query, layer);
  Value numerator = layers.slice(sums, 2, 0, dim, layer);
  Value denominator = layers.slice(sums, 2, dim, 1, layer);
  return b.generic({numerator, denominator}, b.getF32Type(),
                   [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                     Value epsilon = onnx::TensorBuilder::scalar(
                         body, body.getF32Type(), kAttentionEps);
                     Value sum = arith::AddFOp::create(body, args[1], epsilon);
                     return arith::DivFOp::create(body, args[0], sum);
                   });
}

static Value attention(TimmLayers &layers, Value map, const std::string &layer,
                       const MobileStyle &style) {
  std::string scales = layer + ".aggreg.";
  auto shape = layers.getWeightShape(scales + "0.1.weight", 4);
  if (!map || !shape)
    return {};
  Value rows = layers.conv(map, layer + ".qkv.conv");
  SmallVector<Value> all = {rows};
  int64_t numScales = layers.count(scales, ".0.weight");
  for (int64_t i = 0; i < numScales; ++i) {
    std::string scale = scales + std::to_string(i);
    all.push_back(layers.conv(layers.conv(rows, scale + ".0"), scale + ".1"));
  }
  rows = layers.concat(all, 1, layer);
  int64_t dim = (*shape)[1], channels = TimmLayers::getSize(rows, 1);
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  if (rows && channels % (3 * dim) != 0)
    return layers.fail() << "'" << layer << ".qkv' and what is made of it have "
                         << channels << " channels; heads of " << dim
                         << " need a multiple of " << 3 * dim;
  int64_t groups = channels / (3 * dim);
  rows = layers.reshape(rows, {groups, 3 * dim, height * width}, layer);
  Value attended = layers.reshape(attend(layers, rows, dim, layer),
                                  {groups * dim, height, width}, layer);
  return buildMobileConv(layers, attended, layer + ".proj", style,
                         TimmActivation::None);
}

static Value buildBlock(TimmLayers &layers, Value map, const std::string &block,
                        const MobileStyle &style, bool isFirst) {
  std::string context = block + "context_module.main";
  if (isMobileBlock(layers, block + "local_module.main")) {
    map = layers.add(map, attention(layers, map, context, style), context);
    return addMobileBlock(layers, map, block + "local_module.main", style);
  }
  if (isFirst)
    return buildMobileBlock(layers, map, block + "main", style, /*stride=*/2);
  return addMobileBlock(layers, map, block + "main", style);
}

static Value buildHead(TimmLayers &layers, Value map, const MobileStyle &style,
                       double epsilon) {
  map = buildMobileConv(layers, map, "head.in_conv", style, style.activation);
  Value features = layers.linear(layers.mean(map, "head"), "head.classifier.0",
                                 /*bias=*/false);
  features = layers.layerNorm(features, "head.classifier.1", epsilon);
  features = layers.activate(features, style.activation, "head.classifier.2");
  return layers.classify(features, "head.classifier.4");
}

static Value build(TimmLayers &layers, StringRef name, StringRef /*pooling*/,
                   Value image) {
  MobileStyle style, headStyle;
  style.normOrBias = headStyle.normOrBias = true;
  bool isLarge = getTimmEntry(kEfficientVits, name).isLarge;
  if (isLarge) {
    style.activation = headStyle.activation = TimmActivation::GeluTanh;
    style.normEps = kLargeNormEps;
  }
  Value map = buildMobileConv(layers, image, "stem.in_conv", style,
                              style.activation, /*stride=*/2);
  auto getStem = [](int64_t block) {
    return "stem.res" + std::to_string(block) + ".main";
  };
  for (int64_t i = 0; isMobileBlock(layers, getStem(i)); ++i)
    map = addMobileBlock(layers, map, getStem(i), style);
  auto getBlock = [](int64_t stage, int64_t block) {
    return "stages." + std::to_string(stage) + ".blocks." +
           std::to_string(block) + ".";
  };
  auto hasBlock = [&](const std::string &block) {
    return isMobileBlock(layers, block + "main") ||
           isMobileBlock(layers, block + "local_module.main");
  };
  for (int64_t i = 0; hasBlock(getBlock(i, 0)); ++i)
    for (int64_t j = 0; hasBlock(getBlock(i, j)); ++j)
      map = buildBlock(layers, map, getBlock(i, j), style, /*isFirst=*/j == 0);
  return buildHead(layers, map, headStyle, isLarge ? kLargeNormEps : kNormEps);
}

static constexpr StringLiteral kDecided[] = {"expand_ratio", "head_dim",
                                             "head_widths", "widths"};

const TimmFamily import_::kEfficientVitMitFamily = {
    getTimmNames<kEfficientVits>,
    "stem.in_conv.conv.weight",
    "head.classifier.4.weight",
    kMeanPooling,
    /*arguments=*/{},
    kDecided,
    build};
