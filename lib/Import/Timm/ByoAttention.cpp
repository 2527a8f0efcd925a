//===- ByoAttention.cpp - Attention of timm's byoanet.py ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bottleneck: all places of the map attend to all (Srinivas et al. 2021).
// Halo: those of a block to a larger one around it (Vaswani et al. 2021).
// Lambda: keys and values become linear functions of queries, one for all
// places and one for each (Bello 2021).
//
//===----------------------------------------------------------------------===//

#include "ByoAttention.h"

#include "InputFile.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// PyTorch's AvgPool2d(2, 2), for a stride of 2.
static Value pool(TimmLayers &layers, Value map, const std::string &layer,
                  int64_t stride) {
  if (stride == 1)
    return map;
  return layers.averagePool(map, layer, stride, {stride, /*pad=*/0});
}

/// The channels of queries and keys in one head.
static int64_t getKeyDim(TimmLayers &layers, const std::string &layer) {
  auto shape = layers.getWeightShape(layer + ".pos_embed.height_rel", 2);
  return shape ? (*shape)[1] : 1;
}

//===----------------------------------------------------------------------===//
// Bottleneck
//===----------------------------------------------------------------------===//

static Value bottleneckAttention(TimmLayers &layers, Value map,
                                 const std::string &layer) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  int64_t channels = TimmLayers::getSize(map, 1);
  int64_t keyDim = getKeyDim(layers, layer);
  Value rows = layers.linear(layers.toTokens(map, layer), layer + ".qkv");
  // As many values as the map has channels.
  int64_t keys = (TimmLayers::getSize(rows, 2) - channels) / 2;
  if (rows &&
      (keys < keyDim || TimmLayers::getSize(rows, 2) != channels + 2 * keys ||
       keys % keyDim != 0))
    return layers.fail() << "'" << layer << ".qkv' has a width of "
                         << TimmLayers::getSize(rows, 2) << "; values of "
                         << channels << " channels and keys of heads of "
                         << keyDim << " need another";
  auto part = [&](int64_t begin, int64_t size) {
    return layers.splitHeads(layers.slice(rows, 2, begin, size, layer),
                             keys / keyDim, layer);
  };
  Value attended = layers.attendRelative(
      part(0, keys), part(keys, keys), part(2 * keys, channels), layer,
      {height, width}, {height, width}, /*numPrefix=*/0,
      TimmRelative::FromQuery);
  return layers.toMap(attended, height, width, layer);
}

//===----------------------------------------------------------------------===//
// Halo
//===----------------------------------------------------------------------===//

static Value haloAttention(TimmLayers &layers, Value map,
                           const std::string &layer, int64_t stride,
                           int64_t block) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  auto table = layers.getWeightShape(layer + ".pos_embed.height_rel", 2);
  auto filter = layers.getProjectionShape(layer + ".q.weight");
  if (!map || !table || !filter)
    return {};
  int64_t keyDim = (*table)[1], window = ((*table)[0] + 1) / 2;
  int64_t numHeads = std::max<int64_t>(filter->first / keyDim, 1);
  if (height % block != 0 || width % block != 0 || window < block ||
      (window - block) % 2 != 0)
    return layers.fail() << "the picture's size leaves '" << layer
                         << "' a map of " << height << "x" << width
                         << " and windows of " << window << "; blocks of "
                         << block
                         << " need multiples of that and as much on each side";
  // Blocks that the stride does not divide are pooled behind the attention.
  int64_t queryStride = block % stride == 0 ? stride : 1;
  int64_t queries = block / queryStride;
  Value query = layers.conv(map, layer + ".q", {queryStride, /*pad=*/0});
  query = layers.partition(query, {queries, queries}, /*grid=*/false, layer);
  Value rows =
      layers.slidingWindows(layers.conv(map, layer + ".kv"), window,
                            {block, /*pad=*/(window - block) / 2}, layer);
  int64_t valueDim = TimmLayers::getSize(rows, 2) / numHeads - keyDim;
  SmallVector<Value, 3> parts =
      layers.splitByHead(rows, numHeads, {keyDim, valueDim}, layer + ".kv");
  Value attended = layers.attendRelative(
      layers.splitHeads(query, numHeads, layer), parts[0], parts[1], layer,
      {queries, queries}, {window, window}, /*numPrefix=*/0,
      TimmRelative::FromQuery);
  Value result = layers.unpartition(attended, {queries, queries},
                                    {height / queryStride, width / queryStride},
                                    /*grid=*/false, layer);
  return pool(layers, result, layer, stride / queryStride);
}

//===----------------------------------------------------------------------===//
// Lambda
//===----------------------------------------------------------------------===//

/// The functions [B, N, K, V] of each place that a convolution of values
/// [B, V, H, W] gives.
static Value convolveLambdas(TimmLayers &layers, Value values,
                             const std::string &layer, int64_t keyDim) {
  std::string name = layer + ".conv_lambda";
  auto shape = layers.getWeightShape(name + ".weight", 5);
  if (!values || !shape)
    return {};
  int64_t height = TimmLayers::getHeight(values),
          width = TimmLayers::getWidth(values),
          channels = TimmLayers::getSize(values, 1);
  int64_t side = (*shape)[2];
  if (side % 2 == 0)
    return layers.fail() << "tensor '" << name << ".weight' has shape "
                         << formatShape(*shape) << "; a window of " << side
                         << " places needs an odd number";
  onnx::TensorBuilder &b = layers.b;
  Value filter =
      b.reshape(layers.parameter(name + ".weight", {keyDim, 1, side, side, 1}),
                {keyDim, 1, side, side});
  Value bias = layers.parameter(name + ".bias", {keyDim});
  Value maps = layers.reshape(values, {1, height, width}, name);
  int64_t pad = side / 2;
  Value lambdas = vit::Conv2dOp::create(
      b, maps, filter, bias, /*residual=*/Value(), ArrayRef<int64_t>{1, 1},
      ArrayRef<int64_t>{pad, pad, pad, pad},
      /*dilation=*/ArrayRef<int64_t>{1, 1}, /*groups=*/1);
  lambdas = layers.reshape(lambdas, {channels, keyDim, height * width}, name);
  return layers.transpose(lambdas, {0, 3, 2, 1}, name);
}

/// The same by a weight [2 H - 1, 2 W - 1, K] of the places' differences, of
/// tokens [B, N, V].
static Value lookUpLambdas(TimmLayers &layers, Value tokens,
                           const std::string &layer, int64_t keyDim,
                           int64_t height, int64_t width) {
  if (!tokens || !layers.checkBiasSize(layer, height, width))
    return {};
  std::string name = layer + ".pos_emb";
  int64_t rows = 2 * height - 1, columns = 2 * width - 1;
  onnx::TensorBuilder &b = layers.b;
  Value table = b.reshape(layers.parameter(name, {rows, columns, keyDim}),
                          {rows * columns, keyDim});
  int64_t length = height * width;
  SmallVector<int64_t> differences;
  for (int64_t query = 0; query < length; ++query)
    for (int64_t key = 0; key < length; ++key)
      differences.push_back((key / width - query / width + height - 1) *
                                columns +
                            key % width - query % width + width - 1);
  table = b.reshape(b.take(table, 0, differences), {length, length, keyDim});
  table = b.reshape(b.transpose(table, {0, 2, 1}), {length * keyDim, length});
  return layers.reshape(layers.matmul(table, tokens, name),
                        {length, keyDim, TimmLayers::getSize(tokens, 2)}, name);
}

static Value lambdaLayer(TimmLayers &layers, Value map,
                         const std::string &layer) {
  int64_t height = TimmLayers::getHeight(map),
          width = TimmLayers::getWidth(map);
  auto queries = layers.getWeightShape(layer + ".norm_q.weight", 1);
  auto values = layers.getWeightShape(layer + ".norm_v.weight", 1);
  Value rows = layers.conv(map, layer + ".qkv");
  if (!rows || !queries || !values)
    return {};
  int64_t valueDim = (*values)[0],
          keyDim = TimmLayers::getSize(rows, 1) - (*queries)[0] - valueDim;
  if (keyDim < 1 || (*queries)[0] % keyDim != 0)
    return layers.fail() << "'" << layer << ".qkv' gives "
                         << TimmLayers::getSize(rows, 1)
                         << " channels; queries of " << (*queries)[0]
                         << " and values of " << valueDim
                         << " need keys of a divisor of the queries'";
  int64_t numHeads = (*queries)[0] / keyDim;
  Value query = layers.slice(rows, 1, 0, (*queries)[0], layer);
  query = layers.batchNorm(query, layer + ".norm_q");
  query = layers.splitHeads(layers.toTokens(query, layer), numHeads, layer);
  Value key = layers.slice(rows, 1, (*queries)[0], keyDim, layer);
  key = layers.softmax(layers.reshape(key, {keyDim, height * width}, layer),
                       layer);
  Value value = layers.slice(rows, 1, (*queries)[0] + keyDim, valueDim, layer);
  value = layers.batchNorm(value, layer + ".norm_v");
  Value tokens = layers.toTokens(value, layer);
  Value content = layers.reshape(layers.matmul(key, tokens, layer),
                                 {1, keyDim, valueDim}, layer);
  Value ofContent = layers.matmul(query, content, layer);
  Value lambdas =
      layers.contains(layer + ".conv_lambda.weight")
          ? convolveLambdas(layers, value, layer, keyDim)
          : lookUpLambdas(layers, tokens, layer, keyDim, height, width);
  Value places = layers.transpose(query, {0, 2, 1, 3}, layer);
  Value ofPlaces = layers.transpose(layers.matmul(places, lambdas, layer),
                                    {0, 2, 1, 3}, layer);
  Value result = layers.add(ofContent, ofPlaces, layer);
  result = layers.transpose(result, {0, 1, 3, 2}, layer);
  return layers.reshape(result, {numHeads * valueDim, height, width}, layer);
}

Value import_::buildByoAttention(TimmLayers &layers, Value map,
                                 const std::string &layer, int64_t stride,
                                 int64_t blockSize) {
  if (layers.contains(layer + ".norm_q.weight"))
    return pool(layers, lambdaLayer(layers, map, layer), layer, stride);
  if (layers.contains(layer + ".kv.weight"))
    return haloAttention(layers, map, layer, stride, blockSize);
  return pool(layers, bottleneckAttention(layers, map, layer), layer, stride);
}
