//===- AttentionLayer.cpp - Attention between any two inputs --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionLayer.h"

#include "BatchGeneric.h"
#include "ConvLayers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

Value import_::buildKeyMask(LayerBuilder &layers, Value seen,
                            int64_t numQueries, const Twine &layer) {
  OpBuilder &b = layers.b;
  int64_t numKeys = getShape(seen)[1];
  Value addends = buildBatchGeneric(
      layers, seen, numKeys, b.getF32Type(), seen, readBy(layers, 2, {0, 1}),
      layer, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto addend = [&](float value) -> Value {
          return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
        };
        return arith::SelectOp::create(
            b, isNonZero(b, args[0]), addend(0),
            addend(-std::numeric_limits<float>::infinity()));
      });
  // For every head and query alike.
  Location loc = layers.getLoc(layer);
  Value all = tensor::EmptyOp::create(
      b, loc,
      ArrayRef<OpFoldResult>{layers.getSizes(seen, loc)[0], b.getIndexAttr(1),
                             b.getIndexAttr(numQueries),
                             b.getIndexAttr(numKeys)},
      b.getF32Type());
  return linalg::BroadcastOp::create(b, loc, addends, all,
                                     ArrayRef<int64_t>{1, 2})
      ->getResult(0);
}

Value import_::attendHeads(LayerBuilder &layers, Value query, Value key,
                           Value value, const Twine &layer,
                           const AttentionForm &form) {
  Location loc = layers.getLoc(layer);
  double headDim = double(cast<ShapedType>(query.getType()).getDimSize(3));
  auto attended = vit::AttentionOp::create(
      layers.b, loc, query, key, value, form.bias, form.mask,
      layers.b.getF64FloatAttr(form.scale.value_or(1.0 / std::sqrt(headDim))));
  attended.setCausal(form.causal);
  if (form.keyLength)
    attended.getKeyLengthMutable().assign(form.keyLength);
  return vit::MergeHeadsOp::create(layers.b, loc, attended);
}

Value import_::buildAttention(LayerBuilder &layers,
                              const AttentionInputs &inputs,
                              const AttentionLayer &layer,
                              const Twine &because) {
  OpBuilder &b = layers.b;
  auto heads = [&](Value input, const std::string &name) -> Value {
    Value rows = layers.linear(input, name, layer.width, because);
    return vit::SplitHeadsOp::create(b, layers.getLoc(name), rows,
                                     layer.numHeads);
  };
  Value query = heads(inputs.query, layer.query);
  Value key = heads(inputs.key, layer.key);
  Value value = heads(inputs.value, layer.value);
  Value merged = attendHeads(layers, query, key, value, layer.name,
                             {/*bias=*/Value(), inputs.mask});
  return layers.linear(merged, layer.output, layer.width, because);
}
