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

/// Rows [H * D, ...] of queries or keys with the even features of each head
/// before the odd ones. Products of queries and keys are the same.
static vit::WeightExprAttr sortPairs(vit::WeightExprAttr rows,
                                     int64_t numHeads) {
  ArrayRef<int64_t> shape = rows.getType().getShape();
  SmallVector<int64_t> split = {numHeads, shape[0] / numHeads / 2, 2};
  SmallVector<int64_t> permutation = {0, 2, 1};
  for (int64_t size : shape.drop_front()) {
    permutation.push_back(split.size());
    split.push_back(size);
  }
  return vit::WeightExprAttr::reshape(
      vit::WeightExprAttr::transpose(vit::WeightExprAttr::reshape(rows, split),
                                     permutation),
      shape);
}

namespace {

/// Builds the layers of one block.
class ProjectionBuilder {
public:
  ProjectionBuilder(LayerBuilder &layers, Value input,
                    const HeadProjections &projections, const Twine &because)
      : layers(layers), input(input), projections(projections),
        because(because), width(projections.width) {}

  SmallVector<Value, 3> build();

private:
  vit::WeightExprAttr matrix(const std::string &layer, int64_t outputs);
  vit::WeightExprAttr bias(const std::string &name, int64_t outputs) {
    return layers.weight(name, {outputs}, because, WeightRole::Bias);
  }
  Value linear(const std::string &layer, vit::WeightExprAttr matrix,
               vit::WeightExprAttr shift, const std::string &shiftName);
  void buildOne(const std::string &layer, bool hasBias);
  /// Query, key and value side by side.
  Value buildQkv();
  /// The rows of query, key and value with the first two sorted.
  vit::WeightExprAttr sortParts(vit::WeightExprAttr rows);
  vit::WeightExprAttr getQkvBias();
  /// Adds the next of query, key and value.
  void addHeads(Value rows, const std::string &layer);

  LayerBuilder &layers;
  Value input;
  const HeadProjections &projections;
  const Twine &because;
  int64_t width;
  SmallVector<Value, 3> heads;
};

} // namespace

vit::WeightExprAttr ProjectionBuilder::matrix(const std::string &layer,
                                              int64_t outputs) {
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  return layers.weight(layer + ".weight", {outputs, channels}, because,
                       WeightRole::Matrix);
}

Value ProjectionBuilder::linear(const std::string &layer,
                                vit::WeightExprAttr matrix,
                                vit::WeightExprAttr shift,
                                const std::string &shiftName) {
  Value weight = layers.constant(matrix, layer + ".weight");
  Value bias = shift ? layers.constant(shift, shiftName) : Value();
  return vit::LinearOp::create(layers.b, layers.getLoc(layer), input, weight,
                               bias, /*residual=*/Value(),
                               vit::Activation::None, vit::NormAttr());
}

void ProjectionBuilder::addHeads(Value rows, const std::string &layer) {
  if (projections.turn && heads.size() < 2)
    rows = projections.turn(rows, layer);
  heads.push_back(vit::SplitHeadsOp::create(layers.b, layers.getLoc(layer),
                                            rows, projections.numHeads));
}

void ProjectionBuilder::buildOne(const std::string &layer, bool hasBias) {
  vit::WeightExprAttr weight = matrix(layer, width), shift;
  std::string shiftName = layer + ".bias";
  if (hasBias)
    shift = bias(shiftName, width);
  if (projections.sortPairs && heads.size() < 2) {
    weight = sortPairs(weight, projections.numHeads);
    if (shift)
      shift = sortPairs(shift, projections.numHeads);
  }
  addHeads(linear(layer, weight, shift, shiftName), layer);
}

vit::WeightExprAttr ProjectionBuilder::sortParts(vit::WeightExprAttr rows) {
  if (!projections.sortPairs)
    return rows;
  auto part = [&](int64_t index) {
    return vit::WeightExprAttr::slice(rows, index * width, width);
  };
  return vit::WeightExprAttr::concat({sortPairs(part(0), projections.numHeads),
                                      sortPairs(part(1), projections.numHeads),
                                      part(2)});
}

vit::WeightExprAttr ProjectionBuilder::getQkvBias() {
  if (projections.queryBias.empty())
    return bias(projections.qkv + ".bias", 3 * width);
  auto zeros = cast<DenseElementsAttr>(layers.b.getZeroAttr(
      RankedTensorType::get(width, layers.b.getF32Type())));
  return vit::WeightExprAttr::concat({bias(projections.queryBias, width),
                                      vit::WeightExprAttr::data(zeros),
                                      bias(projections.valueBias, width)});
}

Value ProjectionBuilder::buildQkv() {
  vit::WeightExprAttr weight = sortParts(matrix(projections.qkv, 3 * width));
  bool apart = !projections.queryBias.empty();
  vit::WeightExprAttr shift;
  if (apart || projections.bias)
    shift = sortParts(getQkvBias());
  return linear(projections.qkv, weight, shift,
                apart ? projections.queryBias : projections.qkv + ".bias");
}

SmallVector<Value, 3> ProjectionBuilder::build() {
  if (projections.qkv.empty()) {
    buildOne(projections.query, projections.bias);
    buildOne(projections.key, projections.bias && projections.keyBias);
    buildOne(projections.value, projections.bias);
    return heads;
  }
  Value rows = buildQkv();
  for (int64_t part = 0; part < 3; ++part)
    addHeads(layers.slice(rows, 2, part * width, width, projections.qkv),
             projections.qkv);
  return heads;
}

SmallVector<Value, 3> import_::buildHeads(LayerBuilder &layers, Value input,
                                          const HeadProjections &projections,
                                          const Twine &because) {
  return ProjectionBuilder(layers, input, projections, because).build();
}
