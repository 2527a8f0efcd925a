//===- HeadProjections.cpp - Query, key and value of a block --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadProjections.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// input · QKV.weight^T plus the biases of query and value, zeros between them.
static Value buildQkvWithoutKeyBias(LayerBuilder &layers, Value input,
                                    const HeadProjections &projections,
                                    const Twine &because) {
  int64_t width = projections.width;
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  auto bias = [&](const std::string &name) {
    return layers.weight(name, {width}, because, WeightRole::Bias);
  };
  auto zeros = cast<DenseElementsAttr>(layers.b.getZeroAttr(
      RankedTensorType::get(width, layers.b.getF32Type())));
  Value matrix =
      layers.parameter(projections.qkv + ".weight", {3 * width, channels},
                       because, WeightRole::Matrix);
  Value shift = layers.constant(
      vit::WeightExprAttr::concat({bias(projections.queryBias),
                                   vit::WeightExprAttr::data(zeros),
                                   bias(projections.valueBias)}),
      projections.queryBias);
  return vit::LinearOp::create(layers.b, layers.getLoc(projections.qkv), input,
                               matrix, shift, /*residual=*/Value(),
                               vit::Activation::None, vit::NormAttr());
}

SmallVector<Value, 3> import_::buildHeads(LayerBuilder &layers, Value input,
                                          const HeadProjections &projections,
                                          const Twine &because) {
  int64_t width = projections.width;
  auto split = [&](Value rows, const std::string &layer) -> Value {
    return vit::SplitHeadsOp::create(layers.b, layers.getLoc(layer), rows,
                                     projections.numHeads);
  };
  SmallVector<Value, 3> heads;
  if (projections.qkv.empty()) {
    auto add = [&](const std::string &layer, bool bias) {
      heads.push_back(
          split(layers.linear(input, layer, width, because, bias), layer));
    };
    add(projections.query, projections.bias);
    add(projections.key, projections.bias && projections.keyBias);
    add(projections.value, projections.bias);
    return heads;
  }
  const std::string &layer = projections.qkv;
  Value rows =
      projections.queryBias.empty()
          ? layers.linear(input, layer, 3 * width, because, projections.bias)
          : buildQkvWithoutKeyBias(layers, input, projections, because);
  for (int64_t part = 0; part < 3; ++part)
    heads.push_back(
        split(layers.slice(rows, 2, part * width, width, layer), layer));
  return heads;
}
