//===- SwiftFormer.cpp - SwiftFormer of timm ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Convolutional blocks; the last of each stage has attention whose cost grows
// with the number of tokens: their queries' weighted sum multiplies each key.
// Source: Shaker et al. 2023 (SwiftFormer), section 3.2.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TimmName kSwiftFormers[] = {{"swiftformer_xs"},
                                             {"swiftformer_s"},
                                             {"swiftformer_l1"},
                                             {"swiftformer_l3"}};

/// A depthwise convolution and a MLP of convolutions.
static Value convolve(TimmLayers &layers, Value map, const std::string &layer) {
  Value branch = layers.convNorm(map, layer + "dwconv", layer + "norm");
  branch = layers.conv(branch, layer + "pwconv1");
  branch = layers.activate(branch, TimmActivation::Gelu, layer + "act");
  branch = layers.conv(branch, layer + "pwconv2");
  branch = layers.scale(branch, layer + "layer_scale.gamma");
  return layers.add(map, branch, layer + "pwconv2");
}

static Value attention(TimmLayers &layers, Value map,
                       const std::string &layer) {
  Value tokens = layers.toTokens(map, layer);
  auto project = [&](const char *name) {
    return layers.l2Normalize(layers.linear(tokens, layer + name), 2,
                              layer + name);
  };
  Value query = project("to_query"), key = project("to_key");
  if (!query || !key)
    return {};
  // Of unit length along the tokens, whatever a common factor.
  Value filter =
      layers.parameter(layer + "w_g", {TimmLayers::getSize(query, 2), 1});
  Value weights = layers.l2Normalize(
      layers.matmul(query, filter, layer + "w_g"), 1, layer + "w_g");
  Value sum = layers.matmul(layers.transpose(weights, {0, 2, 1}, layer), query,
                            layer + "w_g");
  Value rows = layers.linear(layers.multiply(key, sum, layer), layer + "proj");
  rows =
      layers.linear(layers.add(rows, query, layer + "proj"), layer + "final");
  return layers.toMap(rows, TimmLayers::getHeight(map),
                      TimmLayers::getWidth(map), layer);
}

static Value attentionBlock(TimmLayers &layers, Value map,
                            const std::string &block) {
  map = convolve(layers, map, block + "local_representation.");
  Value branch = attention(layers, map, block + "attn.");
  branch = layers.scale(branch, block + "layer_scale_1.gamma");
  map = layers.add(map, branch, block + "attn");
  std::string mlp = block + "linear.";
  branch = layers.conv(layers.batchNorm(map, mlp + "norm1"), mlp + "fc1");
  branch = layers.activate(branch, TimmActivation::Gelu, mlp + "act");
  branch = layers.conv(branch, mlp + "fc2");
  branch = layers.scale(branch, block + "layer_scale_2.gamma");
  return layers.add(map, branch, block + "linear");
}

static Value build(TimmLayers &layers, StringRef /*name*/,
                   StringRef /*pooling*/, Value image) {
  // Activations have numbers, too.
  Value map = layers.convNorm(image, "stem.0", "stem.1", TimmActivation::Relu,
                              {/*stride=*/2});
  map = layers.convNorm(map, "stem.3", "stem.4", TimmActivation::Relu,
                        {/*stride=*/2});
  bool isBlock = true;
  for (int64_t i = 0; isBlock; ++i) {
    std::string stage = "stages." + std::to_string(i) + ".";
    if (layers.contains(stage + "downsample.proj.weight"))
      map = layers.convNorm(map, stage + "downsample.proj",
                            stage + "downsample.norm", TimmActivation::None,
                            {/*stride=*/2, /*pad=*/1});
    for (int64_t j = 0;; ++j) {
      std::string block = stage + "blocks." + std::to_string(j) + ".";
      if (layers.contains(block + "dwconv.weight"))
        map = convolve(layers, map, block);
      else if (layers.contains(block + "attn.w_g"))
        map = attentionBlock(layers, map, block);
      else {
        isBlock = j > 0;
        break;
      }
    }
  }
  map = layers.batchNorm(map, "norm");
  return layers.classifyDistilled(layers.mean(map, "head"), "head",
                                  "head_dist");
}

static constexpr StringLiteral kArguments[] = {"img_size"};
static constexpr StringLiteral kDecided[] = {
    "downsamples", "embed_dims", "layer_scale_init_value",
    "layers",      "mlp_ratios", "use_layer_scale"};

const TimmFamily import_::kSwiftFormerFamily = {getTimmNames<kSwiftFormers>,
                                                "stem.0.weight",
                                                "head.weight",
                                                kMeanPooling,
                                                kArguments,
                                                kDecided,
                                                build};
