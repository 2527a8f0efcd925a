//===- AttentionPooling.cpp - One vector by attention ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionPooling.h"

#include "AttentionLayer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The learned query of every item of the batch, [B, 1, E], of one row [1, E].
static Value buildQueries(LayerBuilder &layers, Value row, Value tokens,
                          Location loc) {
  OpBuilder &b = layers.b;
  SmallVector<OpFoldResult> sizes = layers.getSizes(tokens, loc);
  sizes[1] = b.getIndexAttr(1);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  return linalg::BroadcastOp::create(b, loc, row, empty, ArrayRef<int64_t>{0})
      ->getResult(0);
}

AttentionPoolingNames import_::getSiglipPoolingNames(const std::string &layer) {
  std::string attention = layer + ".attention";
  auto rows = [&](int64_t part) -> PoolingRows {
    return {attention + ".in_proj_weight", attention + ".in_proj_bias", part,
            3};
  };
  return {layer + ".probe",
          attention,
          rows(0),
          rows(1),
          rows(2),
          attention + ".out_proj",
          layer + ".layernorm",
          layer + ".mlp.fc1",
          layer + ".mlp.activation_fn",
          layer + ".mlp.fc2"};
}

AttentionPoolingNames import_::getTimmPoolingNames(const std::string &layer) {
  auto rows = [&](const char *name, int64_t part,
                  int64_t numParts) -> PoolingRows {
    return {layer + name + ".weight", layer + name + ".bias", part, numParts};
  };
  return {layer + ".latent",  layer,
          rows(".q", 0, 1),   rows(".kv", 0, 2),
          rows(".kv", 1, 2),  layer + ".proj",
          layer + ".norm",    layer + ".mlp.fc1",
          layer + ".mlp.act", layer + ".mlp.fc2"};
}

Value import_::buildAttentionPooling(LayerBuilder &layers, Value tokens,
                                     const AttentionPooling &pooling,
                                     const Twine &because) {
  OpBuilder &b = layers.b;
  const AttentionPoolingNames &names = pooling.names;
  int64_t width = pooling.hiddenSize;
  Location loc = layers.getLoc(names.attention);
  // Two of query, key and value may be rows of one weight.
  llvm::StringMap<vit::WeightExprAttr> stored;
  auto part = [&](const std::string &name, ArrayRef<int64_t> shape,
                  WeightRole role, const PoolingRows &rows) {
    auto [found, isNew] = stored.try_emplace(name);
    if (isNew)
      found->second = layers.weight(name, shape, because, role);
    return layers.constant(
        vit::WeightExprAttr::slice(found->second, rows.part * width, width),
        name);
  };
  auto project = [&](Value input, const PoolingRows &rows) -> Value {
    int64_t outputs = rows.numParts * width;
    Value matrix =
        part(rows.weight, {outputs, width}, WeightRole::Matrix, rows);
    Value shift = part(rows.bias, {outputs}, WeightRole::Bias, rows);
    return vit::LinearOp::create(b, loc, input, matrix, shift,
                                 /*residual=*/Value(), vit::Activation::None,
                                 vit::NormAttr());
  };
  auto split = [&](Value rows) -> Value {
    return vit::SplitHeadsOp::create(b, loc, rows, pooling.numHeads);
  };
  Value row = layers.constant(
      vit::WeightExprAttr::reshape(
          layers.weight(names.probe, {1, 1, width}, because, WeightRole::Token),
          {1, width}),
      names.probe);
  Value query = buildQueries(layers, project(row, names.query), tokens, loc);
  Value merged =
      attendHeads(layers, split(query), split(project(tokens, names.key)),
                  split(project(tokens, names.value)), names.attention);
  Value pooled = layers.linear(layers.slice(merged, 1, 0, 1, names.attention,
                                            /*drop=*/true),
                               names.output, width, because);

  Value hidden =
      layers.layerNorm(pooled, names.norm, pooling.layerNormEps, because);
  hidden =
      layers.linear(hidden, names.mlpInput, pooling.intermediateSize, because);
  hidden = layers.gelu(hidden, pooling.gelu, names.mlpActivation);
  hidden = layers.linear(hidden, names.mlpOutput, width, because);
  return layers.add(hidden, pooled, names.mlpOutput + ".residual");
}
