//===- TimmChannels.cpp - Products and lengths in timm's layers -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ConvLayers.h"
#include "CosineAttention.h"
#include "InputFile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Below this length a vector is divided by this length instead, as PyTorch
/// does.
static constexpr double kMinLength = 1e-12;

Value TimmLayers::matmul(Value lhs, Value rhs, const Twine &layer) {
  if (!lhs || !rhs)
    return {};
  std::string name = layer.str();
  onnx::Shape left = b.getShape(lhs), right = b.getShape(rhs);
  onnx::Shape leftBatch(ArrayRef(left).drop_back(2)),
      rightBatch(ArrayRef(right).drop_back(2));
  if (left.back() != right[right.size() - 2] ||
      !onnx::TensorBuilder::broadcast({leftBatch, rightBatch}))
    return fail() << "'" << name << "' multiplies "
                  << formatShape(::getShape(lhs)) << " by "
                  << formatShape(::getShape(rhs))
                  << "; the columns of one need to be the rows of the other";
  startLayer(name);
  return b.matmul(lhs, rhs);
}

Value TimmLayers::softmax(Value scores, const Twine &layer) {
  if (!scores)
    return {};
  startLayer(layer);
  return b.softmax(scores, onnx::TensorBuilder::getRank(scores) - 1);
}

Value TimmLayers::addBroadcast(Value lhs, Value rhs, const Twine &layer) {
  if (!lhs || !rhs)
    return {};
  std::string name = layer.str();
  if (!checkBroadcast(lhs, rhs, name))
    return {};
  startLayer(name);
  return b.elementwise(
      {lhs, rhs}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        return arith::AddFOp::create(body, args[0], args[1]);
      });
}

Value TimmLayers::l2Normalize(Value input, int64_t dim, const Twine &layer) {
  if (!input)
    return {};
  startLayer(layer);
  Value sums =
      b.reduce(input, {dim}, /*keepDims=*/true, b.getF32FloatAttr(0),
               [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                 Value square = arith::MulFOp::create(body, args[0], args[0]);
                 return arith::AddFOp::create(body, args[1], square);
               });
  return b.generic(
      {input, sums}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value length = math::SqrtOp::create(body, args[1]);
        length = arith::MaximumFOp::create(
            body, length,
            onnx::TensorBuilder::scalar(body, body.getF32Type(), kMinLength));
        return arith::DivFOp::create(body, args[0], length);
      });
}

Value TimmLayers::crossCovariance(Value tokens, const Twine &layer) {
  std::string name = layer.str(), factors = name + ".temperature";
  auto shape = tokens ? getWeightShape(factors, 3) : std::nullopt;
  if (!shape)
    return {};
  int64_t numHeads = (*shape)[0];
  auto heads = splitQkv(linear(tokens, name + ".qkv"), numHeads, name + ".qkv");
  SmallVector<Value, 3> channels;
  for (Value part : heads)
    channels.push_back(transpose(part, {0, 1, 3, 2}, name));
  if (llvm::is_contained(channels, Value()))
    return {};
  vit::WeightExprAttr stored =
      layers.weight(factors, {numHeads, 1, 1}, because, WeightRole::Token);
  Value temperature = layers.constant(
      vit::WeightExprAttr::reshape(stored, {numHeads}), factors);
  Value query = keepBatch(
      buildUnitVectors(layers, channels[0], temperature, name), tokens);
  Value key = keepBatch(
      buildUnitVectors(layers, channels[1], /*scale=*/Value(), name), tokens);
  startLayer(name);
  Value attended =
      vit::AttentionOp::create(b, query, key, channels[2], /*bias=*/Value(),
                               /*mask=*/Value(), b.getF64FloatAttr(1.0));
  return linear(mergeHeads(transpose(attended, {0, 1, 3, 2}, name), name),
                name + ".proj");
}
