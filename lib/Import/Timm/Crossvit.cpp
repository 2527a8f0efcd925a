//===- Crossvit.cpp - Cross-attention multi-scale transformers of timm ----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two transformers, of small and of large patches; behind some blocks the class
// token of each attends to the patches of the other.
// Source: Chen et al. 2021 (CrossViT), section 3.3.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "Onnx/ResizeBuilder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct CrossvitEntry {
  llvm::StringLiteral name;
  int64_t numHeads;
  /// Of the picture that the second branch sees.
  double scale = 224.0 / 240.0;
};
using Branches = std::array<Value, 2>;
} // namespace

static constexpr CrossvitEntry kCrossvits[] = {
    {"crossvit_15_240", 6},    {"crossvit_18_240", 7},
    {"crossvit_9_240", 4},     {"crossvit_base_240", 12},
    {"crossvit_small_240", 6}, {"crossvit_tiny_240", 3},
};

/// Those whose patches come from three convolutions.
static constexpr CrossvitEntry kCrossvitDaggers[] = {
    {"crossvit_15_dagger_240", 6}, {"crossvit_15_dagger_408", 6, 384.0 / 408.0},
    {"crossvit_18_dagger_240", 7}, {"crossvit_18_dagger_408", 7, 384.0 / 408.0},
    {"crossvit_9_dagger_240", 4},
};

static constexpr double kNormEps = 1e-6;

/// PyTorch's filter of four taps, without antialiasing.
static Value resizePicture(TimmLayers &layers, Value image, double scale) {
  int64_t height = TimmLayers::getHeight(image);
  int64_t width = TimmLayers::getWidth(image);
  auto scaled = [&](int64_t size) {
    auto to = int64_t(double(size) * scale);
    return onnx::ResizedDim{size, to, double(to) / double(size)};
  };
  onnx::ResizedDim rows = scaled(height), columns = scaled(width);
  if (rows.output < 1 || columns.output < 1)
    return layers.fail() << "pictures of " << height << "x" << width
                         << " are too small for the second branch";
  onnx::Interpolation cubic;
  cubic.mode = onnx::InterpolationMode::Cubic;
  onnx::ResizedDim same = {0, 0, 1.0};
  return onnx::buildResize(layers.b, image, cubic, {same, same, rows, columns},
                           /*extrapolation=*/0.0);
}

/// One convolution, or three with ReLU: the second branch's patches have a side
/// of 16, the first one's of 12.
static Value embed(TimmLayers &layers, Value image, const std::string &layer,
                   bool second) {
  if (!layers.contains(layer + ".0.weight"))
    return layers.embedPatches(image, layer);
  auto relu = [&](Value map, const char *name) {
    return layers.activate(map, TimmActivation::Relu, layer + name);
  };
  Value map = relu(layers.conv(image, layer + ".0", {/*stride=*/4}), ".1");
  TimmSteps middle = {/*stride=*/3, /*pad=*/0}, last = {};
  if (second) {
    middle = {/*stride=*/2};
    last = {/*stride=*/2};
  }
  map = relu(layers.conv(map, layer + ".2", middle), ".3");
  return layers.conv(map, layer + ".4", last);
}

/// The class token, which attends to all tokens.
static Value fuse(TimmLayers &layers, Value tokens, const std::string &block,
                  int64_t numHeads) {
  Value normed = layers.layerNorm(tokens, block + "norm1", kNormEps);
  const std::string layer = block + "attn";
  auto first = [&](Value all) { return layers.slice(all, 1, 0, 1, layer); };
  Value attended = layers.attendTo(first(normed), normed, layer, numHeads,
                                   {"wq", "wk", "wv"});
  return layers.add(first(tokens), attended, layer);
}

/// Norm, GELU and a linear layer, to the width of the other branch.
static Value project(TimmLayers &layers, Value token,
                     const std::string &layer) {
  token = layers.layerNorm(token, layer + ".0", kNormEps);
  token = layers.activate(token, TimmActivation::Gelu, layer + ".1");
  return layers.linear(token, layer + ".2");
}

/// Blocks of each branch, then its class token among the other's patches.
static Branches buildScales(TimmLayers &layers, Branches branches,
                            const std::string &scales,
                            ArrayRef<int64_t> numHeads) {
  Branches patches;
  for (size_t i : {0, 1}) {
    std::string blocks = scales + "blocks." + std::to_string(i) + ".";
    int64_t depth = layers.count(blocks, ".norm1.weight");
    for (int64_t j = 0; j < depth; ++j)
      branches[i] = layers.transformerBlock(
          branches[i], blocks + std::to_string(j) + ".", kNormEps,
          [&](Value normed, const std::string &layer) {
            return layers.selfAttention(normed, layer, numHeads[i]);
          });
    patches[i] = layers.slice(branches[i], 1, 1,
                              TimmLayers::getSize(branches[i], 1) - 1, blocks);
  }
  Branches results;
  for (size_t i : {0, 1}) {
    std::string number = std::to_string(i);
    std::string fusion = scales + "fusion." + number + ".";
    Value token = layers.slice(branches[i], 1, 0, 1, fusion);
    token = project(layers, token, scales + "projs." + number);
    Value tokens = layers.concat({token, patches[1 - i]}, 1, fusion);
    tokens = fuse(layers, tokens, fusion, numHeads[1 - i]);
    token = project(layers, tokens, scales + "revert_projs." + number);
    results[i] = layers.concat({token, patches[i]}, 1, scales);
  }
  return results;
}

template <const auto &table>
static Value build(TimmLayers &layers, StringRef name, StringRef pooling,
                   Value image) {
  const CrossvitEntry &entry = getTimmEntry(table, name);
  SmallVector<int64_t, 4> numHeads = layers.arguments.getSizes(
      "num_heads", {entry.numHeads, entry.numHeads}, kMaxWidth);
  if (!layers.verifyStages("num_heads", numHeads, 2))
    return {};
  Branches branches = {image, resizePicture(layers, image, entry.scale)};
  for (size_t i : {0, 1}) {
    std::string number = std::to_string(i);
    std::string layer = "patch_embed." + number + ".proj";
    Value map = embed(layers, branches[i], layer, /*second=*/i == 1);
    Value tokens =
        layers.prepend(layers.toTokens(map, layer), "cls_token_" + number);
    branches[i] = layers.addWeight(tokens, "pos_embed_" + number);
  }
  int64_t depth = layers.count("blocks.", ".projs.0.0.weight");
  for (int64_t i = 0; i < depth; ++i)
    branches = buildScales(layers, branches,
                           "blocks." + std::to_string(i) + ".", numHeads);
  for (size_t i : {0, 1}) {
    std::string number = std::to_string(i);
    Value tokens = layers.layerNorm(branches[i], "norm." + number, kNormEps);
    branches[i] =
        layers.classify(layers.poolTokens(tokens, pooling, 1, "head." + number),
                        "head." + number);
  }
  if (!layers.contains("head.0.weight"))
    return layers.concat(branches, 1, "head");
  return layers.average(branches[0], branches[1], "head");
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};

const TimmFamily import_::kCrossvitFamily = {getTimmNames<kCrossvits>,
                                             "patch_embed.0.proj.weight",
                                             "head.0.weight",
                                             kTokenOrMeanPooling,
                                             kArguments,
                                             /*decided=*/{},
                                             build<kCrossvits>};

const TimmFamily import_::kCrossvitDaggerFamily = {
    getTimmNames<kCrossvitDaggers>,
    "patch_embed.0.proj.0.weight",
    "head.0.weight",
    kTokenOrMeanPooling,
    kArguments,
    /*decided=*/{},
    build<kCrossvitDaggers>};
