//===- Hiera.cpp - Hiera of timm, and SAM 2's --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention in windows, or in the whole map; the first block of a stage takes
// the largest of 2x2 queries. timm reorders the tokens of Hiera so that those
// of a window are neighbours, which leaves what is computed as it is here.
// Source: Ryali et al. 2023 (Hiera), section 3; Bolya et al. 2023 (Window
// Attention is Bugged), section 4.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "ResizePositions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct HieraEntry {
  llvm::StringLiteral name;
  int64_t heads = 1;
  /// The sides of each stage's windows, and the blocks without windows; SAM 2's
  /// alone.
  std::array<int64_t, 4> windows = {};
  std::array<int64_t, 3> globalBlocks = {};
};
} // namespace

static constexpr HieraEntry kHieras[] = {
    {"hiera_base_224"},         {"hiera_base_abswin_256"},
    {"hiera_base_plus_224", 2}, {"hiera_huge_224", 4},
    {"hiera_large_224", 2},     {"hiera_small_224"},
    {"hiera_small_abswin_256"}, {"hiera_tiny_224"},
};

static constexpr HieraEntry kSam2Hieras[] = {
    {"hieradet_small", 1, {8, 4, 16, 8}, {7, 10, 13}},
    {"sam2_hiera_base_plus", 2, {8, 4, 14, 7}, {12, 16, 20}},
    {"sam2_hiera_large", 2, {8, 4, 16, 8}, {23, 33, 43}},
    {"sam2_hiera_small", 1, {8, 4, 14, 7}, {7, 10, 13}},
    {"sam2_hiera_tiny", 1, {8, 4, 14, 7}, {5, 7, 9}},
};

static constexpr double kNormEps = 1e-6;
static constexpr TimmSteps kHalve = {/*stride=*/2, /*pad=*/0};

namespace {

class HieraBuilder {
public:
  /// Blocks of these stages attend in windows of these sides, 0 being the whole
  /// map; a stage's first block does so as the last one's.
  HieraBuilder(TimmLayers &layers, int64_t heads, ArrayRef<int64_t> windows,
               ArrayRef<int64_t> globalBlocks, StringRef windowPositions,
               PositionResize resize)
      : layers(layers), heads(heads), windows(windows),
        globalBlocks(globalBlocks), windowPositions(windowPositions),
        resize(resize) {}

  Value build(Value image);

private:
  Value addPositions(Value map);
  /// What is added to the attention of a stage's first block.
  Value downsample(Value map, Value normed, const std::string &block);
  /// Of a map in its windows; with `pools` of queries as a quarter of it.
  Value attention(Value map, const std::string &layer,
                  std::array<int64_t, 2> window, bool pools);
  Value buildBlock(Value map, const std::string &block, int64_t side,
                   bool startsStage);

  TimmLayers &layers;
  int64_t heads;
  ArrayRef<int64_t> windows, globalBlocks;
  StringRef windowPositions;
  PositionResize resize;
};

} // namespace

Value HieraBuilder::addPositions(Value map) {
  Value tokens = layers.toTokens(map, "patch_embed");
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map),
          channels = TimmLayers::getSize(map, 1);
  if (!layers.contains(windowPositions))
    return layers.toMap(layers.addWeight(tokens, "pos_embed"), height, width,
                        "pos_embed");
  auto shape = layers.getWeightShape("pos_embed", 4);
  auto window = layers.getWeightShape(windowPositions, 4);
  if (!map || !shape || !window)
    return {};
  if (height % (*window)[2] != 0 || width % (*window)[3] != 0)
    return layers.fail() << "the picture's size leaves '" << windowPositions
                         << "' a map of " << height << "x" << width
                         << "; its windows of " << (*window)[2] << "x"
                         << (*window)[3] << " need multiples of that";
  onnx::TensorBuilder &b = layers.b;
  auto rows = [&](StringRef weight, ArrayRef<int64_t> shape) {
    Value stored = layers.parameter(weight, {1, channels, shape[2], shape[3]});
    return b.transpose(b.reshape(stored, {channels, shape[2] * shape[3]}),
                       {1, 0});
  };
  Value positions = resizePositions(layers.layers, rows("pos_embed", *shape),
                                    {(*shape)[2], (*shape)[3]}, {height, width},
                                    "pos_embed", resize);
  SmallVector<int64_t> inWindow;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      inWindow.push_back(y % (*window)[2] * (*window)[3] + x % (*window)[3]);
  Value repeated = b.take(rows(windowPositions, *window), 0, inWindow);
  positions = layers.add(positions, repeated, windowPositions);
  tokens = b.elementwise(
      {tokens, positions}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) {
        return arith::AddFOp::create(body, args[0], args[1]).getResult();
      });
  return layers.toMap(tokens, height, width, "pos_embed");
}

Value HieraBuilder::downsample(Value map, Value normed,
                               const std::string &block) {
  if (layers.contains(block + "proj.weight")) {
    Value projected = layers.toMap(layers.linear(normed, block + "proj"),
                                   TimmLayers::getHeight(map),
                                   TimmLayers::getWidth(map), block + "proj");
    return layers.maxPool(projected, block + "proj", 2, kHalve);
  }
  std::string layer = block + "pool";
  return layers.concat({layers.maxPool(map, layer, 2, kHalve),
                        layers.averagePool(map, layer, 2, kHalve)},
                       1, layer);
}

Value HieraBuilder::attention(Value map, const std::string &layer,
                              std::array<int64_t, 2> window, bool pools) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  std::array<int64_t, 2> padded = {int64_t(llvm::alignTo(height, window[0])),
                                   int64_t(llvm::alignTo(width, window[1]))};
  map = layers.padMap(map, padded[0], padded[1], layer);
  Value rows = layers.partition(map, window, /*grid=*/false, layer);
  rows = layers.linear(rows, layer + ".qkv");
  std::optional<int64_t> part = layers.getPartWidth(rows, 3, layer + ".qkv");
  if (!part)
    return {};
  int64_t channels = *part;
  Value query = layers.slice(rows, 2, 0, channels, layer);
  if (pools) {
    query = layers.toMap(query, window[0], window[1], layer);
    query = layers.toTokens(layers.maxPool(query, layer, 2, kHalve), layer);
    std::array<int64_t, 2> whole = window;
    for (size_t side : {0, 1}) {
      window[side] = whole[side] / 2;
      padded[side] = padded[side] / whole[side] * window[side];
    }
    height /= 2;
    width /= 2;
    if (query && (padded[0] < height || padded[1] < width))
      return layers.fail() << "'" << layer << "' has windows of " << whole[0]
                           << "x" << whole[1] << "; halves of a map of "
                           << 2 * height << "x" << 2 * width
                           << " need even ones";
  }
  auto split = [&](int64_t begin) {
    return layers.splitHeads(layers.slice(rows, 2, begin, channels, layer),
                             heads, layer);
  };
  Value attended = layers.attend(layers.splitHeads(query, heads, layer),
                                 split(channels), split(2 * channels), layer);
  attended = layers.linear(attended, layer + ".proj");
  map = layers.unpartition(attended, window, padded, /*grid=*/false, layer);
  return layers.slice(layers.slice(map, 2, 0, height, layer), 3, 0, width,
                      layer);
}

Value HieraBuilder::buildBlock(Value map, const std::string &block,
                               int64_t side, bool startsStage) {
  std::string layer = block + "attn";
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  Value normed =
      layers.layerNorm(layers.toTokens(map, layer), block + "norm1", kNormEps);
  Value shortcut = startsStage ? downsample(map, normed, block) : map;
  std::array<int64_t, 2> window = {height, width};
  if (side > 0)
    window = {side, side};
  Value branch = attention(layers.toMap(normed, height, width, layer), layer,
                           window, startsStage);
  height = TimmLayers::getHeight(branch);
  width = TimmLayers::getWidth(branch);
  branch = layers.scale(layers.toTokens(branch, layer), block + "ls1.gamma");
  Value tokens = layers.add(layers.toTokens(shortcut, layer), branch, layer);
  branch = layers.layerNorm(tokens, block + "norm2", kNormEps);
  branch = layers.scale(layers.mlp(branch, block + "mlp"), block + "ls2.gamma");
  tokens = layers.add(tokens, branch, block + "mlp");
  return layers.toMap(tokens, height, width, block + "mlp");
}

Value HieraBuilder::build(Value image) {
  Value map = layers.conv(image, "patch_embed.proj", {/*stride=*/4});
  map = addPositions(map);
  int64_t depth = layers.count("blocks.", ".norm1.weight");
  size_t stage = 0;
  for (int64_t i = 0; i < depth && map; ++i) {
    std::string block = "blocks." + std::to_string(i) + ".";
    auto shape = layers.getWeightShape(block + "attn.qkv.weight", 2);
    if (!shape)
      return {};
    bool startsStage = (*shape)[0] != 3 * (*shape)[1];
    if (stage >= windows.size() || (startsStage && stage + 1 == windows.size()))
      return layers.fail() << "the weights have more than " << windows.size()
                           << " stages, the most that have windows";
    int64_t side = llvm::is_contained(globalBlocks, i) ? 0 : windows[stage];
    if (startsStage) {
      heads *= 2;
      ++stage;
    }
    map = buildBlock(map, block, side, startsStage);
  }
  return layers.normMlpHead(map, "head", kNormEps);
}

static Value buildHiera(TimmLayers &layers, StringRef name,
                        StringRef /*pooling*/, Value image) {
  static constexpr int64_t kWindows[] = {8, 4, 0, 0};
  int64_t heads = layers.arguments.getSize(
      "num_heads", getTimmEntry(kHieras, name).heads, kMaxWidth);
  return HieraBuilder(layers, heads, kWindows, /*globalBlocks=*/{},
                      "pos_embed_win", PositionResize::Antialiased)
      .build(image);
}

static Value buildSam2Hiera(TimmLayers &layers, StringRef name,
                            StringRef /*pooling*/, Value image) {
  const HieraEntry &entry = getTimmEntry(kSam2Hieras, name);
  int64_t heads = layers.arguments.getSize("num_heads", entry.heads, kMaxWidth);
  SmallVector<int64_t, 4> windows =
      layers.arguments.getSizes("window_spec", entry.windows, kMaxPixels);
  SmallVector<int64_t, 4> globalBlocks = readTimmIndices(
      layers.arguments, "global_att_blocks", entry.globalBlocks);
  return HieraBuilder(layers, heads, windows, globalBlocks, "pos_embed_window",
                      PositionResize::Plain)
      .build(image);
}

static constexpr StringLiteral kArguments[] = {"img_size", "num_heads"};
static constexpr StringLiteral kSam2Arguments[] = {"num_heads", "window_spec",
                                                   "global_att_blocks"};
static constexpr StringLiteral kDecided[] = {
    "stages", "abs_win_pos_embed", "use_expand_proj", "global_pos_size"};

const TimmFamily import_::kHieraFamily = {getTimmNames<kHieras>,
                                          "patch_embed.proj.weight",
                                          "head.fc.weight",
                                          kMeanPooling,
                                          kArguments,
                                          kDecided,
                                          buildHiera};

const TimmFamily import_::kSam2HieraFamily = {getTimmNames<kSam2Hieras>,
                                              "patch_embed.proj.weight",
                                              "head.fc.weight",
                                              kMeanPooling,
                                              kSam2Arguments,
                                              kDecided,
                                              buildSam2Hiera};
