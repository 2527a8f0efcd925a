//===- TimmLayers.cpp - Layers whose weights say their sizes --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ConvLayers.h"
#include "InputFile.h"
#include "LayerActivations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static Value combine(onnx::TensorBuilder &b, Value lhs, Value rhs, bool adds) {
  return b.elementwise(
      {lhs, rhs}, b.getF32Type(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        if (adds)
          return arith::AddFOp::create(body, args[0], args[1]);
        return arith::MulFOp::create(body, args[0], args[1]);
      });
}

/// "blocks.attn.proj.bias" of "blocks.3.attn.proj.bias".
static std::string dropNumbers(StringRef name) {
  SmallVector<StringRef> parts;
  name.split(parts, '.');
  llvm::erase_if(
      parts, [](StringRef part) { return llvm::all_of(part, llvm::isDigit); });
  return llvm::join(parts, ".");
}

TimmLayers::TimmLayers(LayerBuilder &layers, Checkpoint &checkpoint,
                       Config &config, Config &arguments, Value image,
                       std::string because)
    : layers(layers), b(image.getLoc(), layers.b.getContext()),
      arguments(arguments), checkpoint(checkpoint), config(config),
      because(std::move(because)) {
  for (StringRef name : checkpoint.getNames())
    if (name.ends_with(".bias"))
      biases.insert(dropNumbers(name));
  b.startFunction(layers.b.getInsertionBlock());
  b.setBatchSource(image, 0);
  ArrayRef<int64_t> shape = ::getShape(image);
  onnx::Shape sizes(shape.begin(), shape.end());
  if (ShapedType::isDynamic(shape[0]))
    sizes[0] = onnx::Size::batch(1);
  b.setShape(image, sizes);
}

TimmLayers::Failure TimmLayers::fail() {
  Failure failure = {config.emitError()};
  if (hasFailed)
    failure.error.abandon();
  hasFailed = true;
  return failure;
}

bool TimmLayers::verifyStages(StringRef key, ArrayRef<int64_t> numbers,
                              int64_t numStages) {
  if (int64_t(numbers.size()) >= numStages)
    return true;
  fail() << key << " has " << numbers.size() << " numbers; the weights have "
         << numStages << " stages";
  return false;
}

Value TimmLayers::keepBatch(Value result, Value source) {
  ArrayRef<int64_t> shape = ::getShape(result);
  onnx::Shape sizes(shape.begin(), shape.end());
  sizes[0] = b.getShape(source)[0];
  return b.setShape(result, sizes);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

int64_t TimmLayers::count(const Twine &prefix, const Twine &suffix) const {
  std::string begin = prefix.str(), end = suffix.str();
  int64_t number = 0;
  while (contains(begin + Twine(number) + end))
    ++number;
  return number;
}

std::optional<SmallVector<int64_t>>
TimmLayers::getWeightShape(const Twine &weight, size_t rank) {
  std::string name = weight.str();
  ArrayRef<int64_t> shape = checkpoint.getShape(name);
  bool positive = llvm::all_of(shape, [](int64_t dim) { return dim > 0; });
  if (shape.size() == rank && positive)
    return SmallVector<int64_t>(shape);
  if (!checkpoint.contains(name))
    fail() << "the weights lack '" << name << "', which " << because
           << " needs";
  else if (shape.size() != rank)
    fail() << "tensor '" << name << "' has rank " << shape.size() << "; "
           << because << " needs rank " << rank;
  else
    fail() << "tensor '" << name << "' has a size of 0; it needs 1 or more";
  return std::nullopt;
}

std::optional<std::pair<int64_t, int64_t>>
TimmLayers::getProjectionShape(const Twine &weight) {
  std::string name = weight.str();
  bool isConv = checkpoint.getShape(name).size() == 4;
  auto shape = getWeightShape(name, isConv ? 4 : 2);
  if (!shape)
    return std::nullopt;
  if (isConv && ((*shape)[2] != 1 || (*shape)[3] != 1)) {
    fail() << "tensor '" << name << "' has shape " << formatShape(*shape)
           << "; its filters need to be of 1x1";
    return std::nullopt;
  }
  return std::pair((*shape)[0], (*shape)[1]);
}

std::optional<int64_t> TimmLayers::getDistanceSide(const Twine &weight) {
  std::string name = weight.str();
  auto shape = getWeightShape(name, 2);
  if (!shape)
    return std::nullopt;
  auto side = int64_t(std::llround(std::sqrt(double((*shape)[1]))));
  if (side * side == (*shape)[1])
    return side;
  fail() << "tensor '" << name << "' has " << (*shape)[1]
         << " distances; a square window needs a square";
  return std::nullopt;
}

std::optional<int64_t> TimmLayers::getMergedSide(Value tokens,
                                                 const Twine &matrix) {
  std::string name = matrix.str();
  auto shape = getWeightShape(name, 2);
  if (!tokens || !shape)
    return std::nullopt;
  int64_t width = getSize(tokens, 2), merged = (*shape)[1];
  auto side = int64_t(std::llround(std::sqrt(double(merged) / double(width))));
  if (side >= 1 && side * side * width == merged)
    return side;
  fail() << "tensor '" << name << "' has " << merged
         << " inputs; it needs a square times " << width;
  return std::nullopt;
}

Value TimmLayers::parameter(const Twine &weight, ArrayRef<int64_t> shape,
                            WeightRole role) {
  return layers.parameter(weight.str(), shape, because, role);
}

bool TimmLayers::hasBias(StringRef layer) const {
  return biases.contains(dropNumbers(layer.str() + ".bias"));
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

int64_t TimmLayers::getSize(Value value, int64_t dim) {
  return value ? ::getShape(value)[dim] : 1;
}

std::optional<std::array<int64_t, 4>>
TimmLayers::getPad(Value map, const Twine &layer, std::array<int64_t, 2> kernel,
                   const TimmSteps &steps) {
  std::array<int64_t, 4> pad;
  for (size_t side : {0, 1}) {
    int64_t size = getSize(map, side + 2);
    pad[side] = pad[side + 2] = steps.pad.value_or(kernel[side] / 2);
    if (steps.same) {
      int64_t positions = (size + steps.stride - 1) / steps.stride;
      int64_t total = std::max<int64_t>(
          (positions - 1) * steps.stride + kernel[side] - size, 0);
      pad[side] = total / 2;
      pad[side + 2] = total - total / 2;
    }
    if (size + pad[side] + pad[side + 2] < kernel[side]) {
      fail() << "the picture's size leaves '" << layer.str() << "' a map of "
             << getHeight(map) << "x" << getWidth(map) << "; its window of "
             << kernel[0] << "x" << kernel[1] << " needs a larger one";
      return std::nullopt;
    }
  }
  return pad;
}

Value TimmLayers::conv(Value map, const Twine &layer, const TimmSteps &steps,
                       std::optional<bool> hasBias) {
  if (!map)
    return {};
  std::string name = layer.str();
  std::optional<SmallVector<int64_t>> shape =
      getWeightShape(name + ".weight", 4);
  if (!shape)
    return {};
  if ((*shape)[2] != (*shape)[3])
    return fail() << "tensor '" << name << ".weight' has shape "
                  << formatShape(*shape) << "; its filters need to be square";
  if (steps.stride == 1 && !steps.pad && !steps.same && (*shape)[2] % 2 == 0)
    return fail() << "tensor '" << name << ".weight' has shape "
                  << formatShape(*shape)
                  << "; a map of the same size needs filters of an odd one";
  int64_t channels = getSize(map, 1), outputs = (*shape)[0];
  int64_t groups = channels / (*shape)[1];
  if (channels % (*shape)[1] != 0 || outputs % groups != 0)
    return fail() << "tensor '" << name << ".weight' has shape "
                  << formatShape(*shape) << "; of a map of " << channels
                  << " channels dim 1 needs to be a divisor, and dim 0 a "
                     "multiple of the groups";
  auto pad = getPad(map, name, {(*shape)[2], (*shape)[3]}, steps);
  if (!pad)
    return {};
  startLayer(name);
  Value filter = parameter(name + ".weight", *shape, WeightRole::Matrix), bias;
  if (hasBias.value_or(this->hasBias(name)))
    bias = parameter(name + ".bias", {outputs}, WeightRole::Bias);
  return vit::Conv2dOp::create(b, map, filter, bias, /*residual=*/Value(),
                               ArrayRef<int64_t>{steps.stride, steps.stride},
                               ArrayRef<int64_t>(*pad),
                               /*dilation=*/ArrayRef<int64_t>{1, 1}, groups);
}

Value TimmLayers::batchNorm(Value input, const Twine &layer, double epsilon) {
  if (!input)
    return {};
  return keepBatch(buildBatchNorm(layers, input, layer, epsilon, because),
                   input);
}

Value TimmLayers::convNorm(Value map, const Twine &conv, const Twine &norm,
                           TimmActivation activation, const TimmSteps &steps,
                           double epsilon) {
  std::string name = norm.str();
  map = batchNorm(this->conv(map, conv, steps), name, epsilon);
  return activate(map, activation, name + ".act");
}

Value TimmLayers::convNorm(Value map, const Twine &layer,
                           TimmActivation activation, int64_t stride,
                           StringRef conv) {
  std::string name = layer.str();
  return convNorm(map, name + "." + conv, name + ".bn", activation, {stride});
}

Value TimmLayers::mapNorm(Value map, const Twine &layer, double epsilon,
                          bool bias) {
  std::string name = layer.str();
  Value normed =
      layerNorm(transpose(map, {0, 2, 3, 1}, name), name, epsilon, bias);
  return transpose(normed, {0, 3, 1, 2}, name);
}

Value TimmLayers::groupNorm(Value map, const Twine &layer, double epsilon,
                            bool bias) {
  if (!map)
    return {};
  std::string name = layer.str();
  SmallVector<int64_t> inner(::getShape(map).drop_front());
  Value rows = reshape(map, {1, llvm::product_of(inner)}, name);
  rows =
      vit::LayerNormOp::create(b, rows.getType(), rows, /*scale=*/Value(),
                               /*shift=*/Value(), b.getF64FloatAttr(epsilon));
  Value normed = reshape(rows, inner, name);
  auto ofChannels = [&](const char *weight, WeightRole role) {
    return b.reshape(parameter(name + weight, {inner[0]}, role),
                     {inner[0], 1, 1});
  };
  Value scaled =
      combine(b, normed, ofChannels(".weight", WeightRole::NormScale),
              /*adds=*/false);
  if (!bias)
    return scaled;
  return combine(b, scaled, ofChannels(".bias", WeightRole::NormShift),
                 /*adds=*/true);
}

Value TimmLayers::squeezeExcite(Value map, const Twine &layer,
                                TimmActivation activation, const Twine &first,
                                const Twine &second) {
  std::string name = layer.str();
  Value gate = reshape(mean(map, name), {getSize(map, 1), 1, 1}, name);
  gate = conv(gate, name + "." + first);
  gate = activate(gate, activation, name + ".act");
  gate = sigmoid(conv(gate, name + "." + second), name + ".gate");
  return multiply(map, gate, name);
}

Value TimmLayers::resize(Value map, const Twine &layer, int64_t height,
                         int64_t width) {
  if (!map || (getHeight(map) == height && getWidth(map) == width))
    return map;
  return keepBatch(buildResizedMap(layers, map, height, width, layer), map);
}

Value TimmLayers::repeat(Value map, const Twine &layer, int64_t factor) {
  if (!map || factor == 1)
    return map;
  return keepBatch(buildRepeatedPixels(layers, map, factor, layer), map);
}

Value TimmLayers::mean(Value map, const Twine &layer) {
  if (!map)
    return {};
  std::string name = layer.str();
  return meanTokens(toTokens(map, name), name);
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

Value TimmLayers::linear(Value input, const Twine &layer,
                         std::optional<bool> hasBias) {
  if (!input)
    return {};
  std::string name = layer.str(), matrix = name + ".weight";
  auto shape = getProjectionShape(matrix);
  if (!shape)
    return {};
  int64_t outputs = shape->first;
  bool addsBias = hasBias.value_or(this->hasBias(name));
  if (checkpoint.getShape(matrix).size() == 2)
    return layers.linear(input, name, outputs, because, addsBias);
  startLayer(name);
  int64_t channels = ::getShape(input).back();
  vit::WeightExprAttr filter = layers.weight(matrix, {outputs, channels, 1, 1},
                                             because, WeightRole::Matrix);
  Value weight = layers.constant(
      vit::WeightExprAttr::reshape(filter, {outputs, channels}), matrix);
  Value bias;
  if (addsBias)
    bias = parameter(name + ".bias", {outputs}, WeightRole::Bias);
  return vit::LinearOp::create(b, input, weight, bias, /*residual=*/Value(),
                               vit::Activation::None, vit::NormAttr());
}

Value TimmLayers::layerNorm(Value input, const Twine &layer, double epsilon,
                            bool bias) {
  if (!input)
    return {};
  std::string name = layer.str();
  if (bias)
    return layers.layerNorm(input, name, epsilon, because);
  startLayer(name);
  Value factors = parameter(name + ".weight", {::getShape(input).back()},
                            WeightRole::NormScale);
  return vit::LayerNormOp::create(b, input.getType(), input, factors,
                                  /*shift=*/Value(),
                                  b.getF64FloatAttr(epsilon));
}

Value TimmLayers::mlp(Value tokens, const Twine &layer,
                      TimmActivation activation) {
  std::string name = layer.str();
  Value hidden = linear(tokens, name + ".fc1");
  return linear(activate(hidden, activation, name + ".act"), name + ".fc2");
}

Value TimmLayers::meanTokens(Value tokens, const Twine &layer, int64_t skip) {
  if (!tokens)
    return {};
  startLayer(layer);
  return vit::MeanTokensOp::create(b, tokens, skip);
}

Value TimmLayers::row(Value tokens, int64_t index, const Twine &layer) {
  std::string name = layer.str();
  return reshape(slice(tokens, 1, index, 1, name), {getSize(tokens, 2)}, name);
}

Value TimmLayers::classify(Value features, const Twine &head) {
  std::string name = head.str();
  return contains(name + ".weight") ? linear(features, name) : features;
}

Value TimmLayers::classifyDistilled(Value features, const Twine &head,
                                    const Twine &distilled) {
  std::string name = distilled.str();
  Value logits = classify(features, head);
  if (!contains(name + ".weight"))
    return logits;
  return average(logits, linear(features, name), name);
}

Value TimmLayers::normMlpHead(Value map, const Twine &head, double epsilon) {
  std::string name = head.str();
  Value features = layerNorm(mean(map, name), name + ".norm", epsilon);
  if (contains(name + ".pre_logits.fc.weight"))
    features = activate(linear(features, name + ".pre_logits.fc"),
                        TimmActivation::Tanh, name + ".pre_logits.act");
  return classify(features, name + ".fc");
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static Value buildActivation(LayerBuilder &layers, Value input,
                             TimmActivation activation, const Twine &layer) {
  switch (activation) {
  case TimmActivation::None:
    return input;
  case TimmActivation::Gelu:
    return layers.gelu(input, vit::GeluForm::Exact, layer);
  case TimmActivation::GeluTanh:
    return layers.gelu(input, vit::GeluForm::Tanh, layer);
  case TimmActivation::Relu:
    return buildRelu(layers, input, layer);
  case TimmActivation::Silu:
    return buildSilu(layers, input, layer);
  case TimmActivation::HardSwish:
    return buildHardSwish(layers, input, layer);
  case TimmActivation::Tanh:
    return layers.elementwise(
        input, layer,
        [](OpBuilder &body, Location loc, ValueRange args) -> Value {
          return math::TanhOp::create(body, loc, args[0]);
        });
  }
  llvm_unreachable("all activations are covered");
}

Value TimmLayers::activate(Value input, TimmActivation activation,
                           const Twine &layer) {
  if (!input)
    return {};
  if (activation == TimmActivation::None)
    return input;
  return keepBatch(buildActivation(layers, input, activation, layer), input);
}

Value TimmLayers::sigmoid(Value input, const Twine &layer) {
  return input ? keepBatch(buildSigmoid(layers, input, layer), input) : Value();
}

Value TimmLayers::add(Value lhs, Value rhs, const Twine &layer) {
  if (!lhs || !rhs)
    return {};
  if (lhs.getType() == rhs.getType())
    return layers.add(lhs, rhs, layer);
  auto format = [](Value value) {
    return formatShape(::getShape(value).drop_front());
  };
  return fail() << "'" << layer.str() << "' gives " << format(rhs)
                << " for each picture; it is added to " << format(lhs);
}

Value TimmLayers::subtract(Value lhs, Value rhs, const Twine &layer) {
  if (!lhs || !rhs)
    return {};
  if (lhs.getType() != rhs.getType())
    return fail() << "'" << layer.str() << "' gives "
                  << formatShape(::getShape(lhs).drop_front())
                  << " for each picture; it needs "
                  << formatShape(::getShape(rhs).drop_front());
  startLayer(layer);
  return b.elementwise(
      {lhs, rhs}, b.getF32Type(),
      [](ImplicitLocOpBuilder &body, ValueRange args) {
        return arith::SubFOp::create(body, args[0], args[1]).getResult();
      });
}

Value TimmLayers::average(Value lhs, Value rhs, const Twine &layer) {
  Value sum = add(lhs, rhs, layer);
  if (!sum)
    return {};
  Value halved = layers.elementwise(
      sum, layer, [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value half =
            arith::ConstantOp::create(body, loc, body.getF32FloatAttr(0.5));
        return arith::MulFOp::create(body, loc, args[0], half);
      });
  return keepBatch(halved, sum);
}

bool TimmLayers::checkBroadcast(Value lhs, Value rhs, const Twine &layer) {
  if (onnx::TensorBuilder::broadcast({b.getShape(lhs), b.getShape(rhs)}))
    return true;
  fail() << "'" << layer.str() << "' gives "
         << formatShape(::getShape(rhs).drop_front()) << "; it meets "
         << formatShape(::getShape(lhs).drop_front());
  return false;
}

Value TimmLayers::multiply(Value lhs, Value rhs, const Twine &layer) {
  if (!lhs || !rhs)
    return {};
  std::string name = layer.str();
  if (!checkBroadcast(lhs, rhs, name))
    return {};
  startLayer(name);
  return combine(b, lhs, rhs, /*adds=*/false);
}

Value TimmLayers::addWeight(Value input, const Twine &weight) {
  if (!input)
    return {};
  std::string name = weight.str();
  SmallVector<int64_t> shape(::getShape(input));
  shape[0] = 1;
  startLayer(name);
  return combine(b, input, parameter(name, shape), /*adds=*/true);
}

Value TimmLayers::scale(Value input, const Twine &weight) {
  std::string name = weight.str();
  if (!input || !contains(name))
    return input;
  ArrayRef<int64_t> shape = ::getShape(input);
  if (shape.size() != 4)
    return keepBatch(layers.scaleChannels(input, name, because), input);
  startLayer(name);
  SmallVector<int64_t> stored = {shape[1]};
  if (checkpoint.getShape(name).size() > 1)
    stored = {shape[1], 1, 1};
  if (checkpoint.getShape(name).size() > 3)
    stored.insert(stored.begin(), 1);
  Value factors = parameter(name, stored, WeightRole::NormScale);
  return combine(b, input, b.reshape(factors, {shape[1], 1, 1}),
                 /*adds=*/false);
}
