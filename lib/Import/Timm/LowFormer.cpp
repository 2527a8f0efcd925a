//===- LowFormer.cpp - LowFormer and CPUBone of timm ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bottlenecks of convolutions; in the last stages also attention of a smaller
// map, which is then made larger again. Source: Nottebaum et al. 2025
// (LowFormer), section 4; the same 2026, "Beyond MACs".
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "MobileBlocks.h"
#include "Onnx/Convolution.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
/// What the parts of a block and of the head are called.
struct LowFormerNames {
  llvm::StringLiteral attention, mlp, local;
  llvm::StringLiteral widen, linear, norm, classifier;
};
} // namespace

static constexpr TimmName kLowFormers[] = {
    {"lowformer_b0"}, {"lowformer_b1"}, {"lowformer_b15"}, {"lowformer_b2"},
    {"lowformer_b3"}, {"lowformer_e1"}, {"lowformer_e2"},  {"lowformer_e3"}};

static constexpr TimmName kCpuBones[] = {
    {"cpubone_b0_bfrobust"}, {"cpubone_b1_bfrobust"},  {"cpubone_b1_dwnorm"},
    {"cpubone_b2_bfrobust"}, {"cpubone_b2pt5_dwnorm"}, {"cpubone_b3"},
    {"cpubone_nano"},        {"cpubone_s0"},           {"cpubone_t0"}};

static constexpr LowFormerNames kLowFormerNames = {
    "attn.main",        "mlp.main",         "local.main", "in_conv",
    "pre_classifier.0", "pre_classifier.1", "classifier"};
static constexpr LowFormerNames kCpuBoneNames = {"total.0.0.main",
                                                 "total.0.1.main",
                                                 "total.1.main",
                                                 "head.in_conv",
                                                 "head.pre_classifier.linear",
                                                 "head.pre_classifier.norm",
                                                 "head.classifier.linear"};

static constexpr double kNormEps = 1e-5;
/// Of the map for each head, whose queries have half as many.
static constexpr int64_t kChannelsPerHead = 60;
/// The stage, from 0 on, whose attention is of a map of half the size.
static constexpr int64_t kReducedStage = 2;

namespace {

class LowFormerBuilder {
public:
  LowFormerBuilder(TimmLayers &layers, const LowFormerNames &names)
      : layers(layers), names(names) {}

  Value build(Value image);

private:
  /// The projection of a map, `stride` times as large.
  Value upsample(Value map, const std::string &layer, int64_t stride);
  Value attention(Value map, const std::string &layer, int64_t stride);
  Value buildBlock(Value map, const std::string &block, int64_t stride);
  Value head(Value map);

  TimmLayers &layers;
  const LowFormerNames &names;
  const MobileStyle style;
};

} // namespace

Value LowFormerBuilder::upsample(Value map, const std::string &layer,
                                 int64_t stride) {
  // A convolution whose results are repeated.
  if (layers.contains(layer + ".0.weight"))
    return layers.repeat(layers.conv(map, layer + ".0"), layer, stride);
  auto shape = layers.getWeightShape(layer + ".weight", 4);
  if (!map || !shape)
    return {};
  int64_t kernel = stride > 1 ? 2 * stride : 3, pad = (stride + 1) / 2;
  int64_t channels = TimmLayers::getSize(map, 1), outputs = (*shape)[1];
  int64_t groups = outputs == 1 ? channels : 1;
  onnx::SlidingWindow window;
  for (int64_t size : {TimmLayers::getHeight(map), TimmLayers::getWidth(map)}) {
    window.kernel.push_back(kernel);
    window.strides.push_back(stride);
    window.dilations.push_back(1);
    window.padBegin.push_back(kernel - 1 - pad);
    window.padEnd.push_back(kernel - 1 - pad);
    window.outputs.push_back((size - 1) * stride - 2 * pad + kernel);
  }
  layers.b.setLoc(layers.layers.getLoc(layer));
  Value filter =
      layers.parameter(layer + ".weight", {channels, outputs, kernel, kernel});
  Value bias =
      layers.parameter(layer + ".bias", {groups * outputs}, WeightRole::Bias);
  return onnx::buildTransposedConv(layers.b, map, filter, bias, window, groups);
}

Value LowFormerBuilder::attention(Value map, const std::string &layer,
                                  int64_t stride) {
  auto shape = layers.getProjectionShape(layer + ".pwise.weight");
  if (!map || !shape)
    return {};
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  int64_t numHeads =
      std::max<int64_t>(TimmLayers::getSize(map, 1) / kChannelsPerHead, 1);
  int64_t headDim = shape->first / (3 * numHeads);
  Value fewer = layers.padMap(map, int64_t(llvm::alignTo(height, stride)),
                              int64_t(llvm::alignTo(width, stride)), layer);
  fewer = buildMobileConv(layers, fewer, layer + ".conv_proj", style,
                          TimmActivation::None, stride);
  Value rows = layers.linear(layers.toTokens(fewer, layer), layer + ".pwise");
  auto parts = layers.splitByHead(rows, numHeads, {headDim, headDim, headDim},
                                  layer + ".pwise");
  Value merged = layers.attend(parts[0], parts[1], parts[2], layer);
  if (layers.contains(layer + ".o_proj.weight"))
    merged = layers.linear(merged, layer + ".o_proj");
  Value result = layers.toMap(merged, TimmLayers::getHeight(fewer),
                              TimmLayers::getWidth(fewer), layer);
  result = upsample(result, layer + ".upsampling", stride);
  return layers.slice(layers.slice(result, 2, 0, height, layer), 3, 0, width,
                      layer);
}

Value LowFormerBuilder::buildBlock(Value map, const std::string &block,
                                   int64_t stride) {
  std::string layer = block + names.attention.str();
  if (layers.contains(layer + ".pwise.weight")) {
    map = layers.add(map, attention(map, layer, stride), layer);
  } else if (layers.contains(layer + ".1.pwise.weight")) {
    Value normed = layers.groupNorm(map, layer + ".0");
    map = layers.add(map, attention(normed, layer + ".1", stride), layer);
  }
  std::string mlp = block + names.mlp.str();
  if (layers.contains(mlp + ".1.weight")) {
    Value hidden = layers.conv(layers.groupNorm(map, mlp + ".0"), mlp + ".1");
    hidden = layers.activate(hidden, TimmActivation::Gelu, mlp + ".2");
    map = layers.add(map, layers.conv(hidden, mlp + ".3"), mlp);
  }
  return addMobileBlock(layers, map, block + names.local.str(), style);
}

Value LowFormerBuilder::head(Value map) {
  map =
      buildMobileConv(layers, map, names.widen.str(), style, style.activation);
  Value features =
      layers.linear(layers.mean(map, "head"), names.linear, /*bias=*/false);
  features = layers.layerNorm(features, names.norm, kNormEps);
  features = layers.activate(features, style.activation, names.norm);
  return layers.classify(features, names.classifier);
}

Value LowFormerBuilder::build(Value image) {
  Value map = buildMobileConv(layers, image, "stem.0", style, style.activation,
                              /*stride=*/2);
  for (int64_t i = 1;; ++i) {
    std::string block = "stem." + std::to_string(i) + ".main";
    if (!isMobileBlock(layers, block))
      break;
    map = addMobileBlock(layers, map, block, style);
  }
  auto getBlock = [](int64_t stage, int64_t block) {
    return "stages." + std::to_string(stage) + "." + std::to_string(block) +
           ".";
  };
  for (int64_t stage = 0; isMobileBlock(layers, getBlock(stage, 0) + "main");
       ++stage) {
    map = buildMobileBlock(layers, map, getBlock(stage, 0) + "main", style,
                           /*stride=*/2);
    for (int64_t i = 1;; ++i) {
      std::string block = getBlock(stage, i);
      if (isMobileBlock(layers, block + "main"))
        map = addMobileBlock(layers, map, block + "main", style);
      else if (isMobileBlock(layers, block + names.local.str()))
        map = buildBlock(map, block, stage == kReducedStage ? 2 : 1);
      else
        break;
    }
  }
  return head(map);
}

template <const LowFormerNames &names>
static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  return LowFormerBuilder(layers, names).build(image);
}

static constexpr StringLiteral kDecided[] = {
    "attn",           "attn_mlp",
    "attn_mlp_ratio", "attn_upsample",
    "depth_list",     "downsample_expand_ratios",
    "expand_groups",  "expand_ratio",
    "fused_conv",     "fused_downsample",
    "head_widths",    "local_mbconv_norm",
    "small_kernels",  "stem_expand_ratio",
    "width_list"};

const TimmFamily import_::kLowFormerFamily = {
    getTimmNames<kLowFormers>, "stem.0.conv.weight",
    "classifier.weight",       kMeanPooling,
    /*arguments=*/{},          kDecided,
    build<kLowFormerNames>};

const TimmFamily import_::kCpuBoneFamily = {getTimmNames<kCpuBones>,
                                            "stem.0.conv.weight",
                                            "head.classifier.linear.weight",
                                            kMeanPooling,
                                            /*arguments=*/{},
                                            kDecided,
                                            build<kCpuBoneNames>};
