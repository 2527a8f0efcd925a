//===- VitBuilder.cpp - Builds a vision transformer's module --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// Builds the ops of one model, from its image to its outputs. Layer names are
/// those of the source's modules and become locations.
class VitBuilder {
public:
  VitBuilder(const VitSpec &spec, WeightSource &weights, OpBuilder &weightsAt,
             OpBuilder &bodyAt)
      : spec(spec), weights(weights), weightsAt(weightsAt), b(bodyAt) {}

  /// Builds everything below the function's arguments but the return.
  SmallVector<Value> build(Value image);
  static SmallVector<StringRef> getOutputNames(const VitSpec &spec);
  int64_t getNumParameters() const { return numParameters; }

private:
  Location getLoc(const Twine &layer) {
    return NameLoc::get(b.getStringAttr(layer));
  }
  std::string backbone(const Twine &layer) {
    return (spec.prefix + layer).str();
  }

  vit::WeightExprAttr weight(StringRef name, ArrayRef<int64_t> shape,
                             const Twine &because, WeightRole role);
  Value constant(vit::WeightExprAttr expr, StringRef name);
  Value linear(Value input, StringRef layer, int64_t outputs,
               const Twine &because, bool bias = true);
  Value layerNorm(Value input, StringRef layer);
  Value gelu(Value input, const Twine &layer);
  Value patchEmbed(Value image);
  Value attention(Value input, StringRef layer);
  Value encoderLayer(Value input, StringRef layer);
  Value tokenRow(Value tokens, int64_t index, StringRef layer);
  Value pool(Value tokens);
  Value classifier(Value pooled);
  Value teacherLogits(Value tokens);

  const VitSpec &spec;
  WeightSource &weights;
  OpBuilder &weightsAt;
  OpBuilder &b;
  OpFoldResult batch;
  int64_t numParameters = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Weights and single layers
//===----------------------------------------------------------------------===//

vit::WeightExprAttr VitBuilder::weight(StringRef name, ArrayRef<int64_t> shape,
                                       const Twine &because, WeightRole role) {
  RankedTensorType type = weights.define(weightsAt, name, shape, because, role);
  numParameters += type.getNumElements();
  auto ref = vit::WeightExprAttr::ref(
      FlatSymbolRefAttr::get(b.getContext(), name), type);
  return vit::WeightExprAttr::castTo(ref, b.getF32Type());
}

Value VitBuilder::constant(vit::WeightExprAttr expr, StringRef name) {
  return vit::ConstantOp::create(b, getLoc(name), expr);
}

Value VitBuilder::linear(Value input, StringRef layer, int64_t outputs,
                         const Twine &because, bool bias) {
  int64_t inputs = cast<RankedTensorType>(input.getType()).getShape().back();
  std::string name = (layer + ".weight").str();
  Value matrix = constant(
      weight(name, {outputs, inputs}, because, WeightRole::Matrix), name);
  Value shift;
  if (bias) {
    name = (layer + ".bias").str();
    shift = constant(weight(name, {outputs}, because, WeightRole::Bias), name);
  }
  return vit::LinearOp::create(b, getLoc(layer), input, matrix, shift,
                               /*residual=*/Value());
}

Value VitBuilder::layerNorm(Value input, StringRef layer) {
  std::string because =
      llvm::formatv("{0} = {1}", spec.keys.hiddenSize, spec.hiddenSize);
  std::string name = (layer + ".weight").str();
  Value scale = constant(
      weight(name, {spec.hiddenSize}, because, WeightRole::NormScale), name);
  name = (layer + ".bias").str();
  Value shift = constant(
      weight(name, {spec.hiddenSize}, because, WeightRole::NormShift), name);
  return vit::LayerNormOp::create(b, getLoc(layer), input.getType(), input,
                                  scale, shift,
                                  b.getF64FloatAttr(spec.layerNormEps));
}

Value VitBuilder::gelu(Value input, const Twine &layer) {
  return vit::GeluOp::create(b, getLoc(layer), input, spec.tanhGelu);
}

Value VitBuilder::tokenRow(Value tokens, int64_t index, StringRef layer) {
  auto type = cast<RankedTensorType>(tokens.getType());
  Location loc = getLoc(layer);
  auto result = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2)},
                                      type.getElementType());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(
      b, loc, result, tokens,
      ArrayRef<OpFoldResult>{zero, b.getIndexAttr(index), zero},
      ArrayRef<OpFoldResult>{batch, one, b.getIndexAttr(type.getDimSize(2))},
      ArrayRef<OpFoldResult>{one, one, one});
}

//===----------------------------------------------------------------------===//
// The encoder
//===----------------------------------------------------------------------===//

Value VitBuilder::patchEmbed(Value image) {
  int64_t width = spec.hiddenSize;
  std::string because = llvm::formatv("{0} = {1}", spec.keys.hiddenSize, width);
  std::string layer = backbone("embeddings.patch_embeddings.projection");

  std::string name = layer + ".weight";
  Value filter = constant(
      weight(name, {width, spec.channels, spec.patchHeight, spec.patchWidth},
             because + llvm::formatv(", {0} = {1}, {2} = {3}x{4}",
                                     spec.keys.numChannels, spec.channels,
                                     spec.keys.patchSize, spec.patchHeight,
                                     spec.patchWidth)
                           .str(),
             WeightRole::Matrix),
      name);
  name = layer + ".bias";
  Value bias = constant(weight(name, {width}, because, WeightRole::Bias), name);

  std::string tokenName = backbone("embeddings.cls_token");
  SmallVector<vit::WeightExprAttr, 2> rows;
  auto addToken = [&](StringRef name) {
    rows.push_back(vit::WeightExprAttr::reshape(
        weight(name, {1, 1, width}, because, WeightRole::Token), {1, width}));
  };
  addToken(tokenName);
  if (spec.distillationToken)
    addToken(backbone("embeddings.distillation_token"));
  Value tokens = constant(vit::WeightExprAttr::concat(rows), tokenName);

  int64_t count = spec.numTokens() + spec.gridHeight() * spec.gridWidth();
  name = backbone("embeddings.position_embeddings");
  Value position = constant(
      vit::WeightExprAttr::reshape(
          weight(name, {1, count, width},
                 because + llvm::formatv(", {0} = {1}x{2}, {3} = {4}x{5}",
                                         spec.keys.imageSize, spec.imageHeight,
                                         spec.imageWidth, spec.keys.patchSize,
                                         spec.patchHeight, spec.patchWidth)
                               .str(),
                 WeightRole::Token),
          {count, width}),
      name);
  return vit::PatchEmbedOp::create(b, getLoc(layer), image, filter, bias,
                                   tokens, position);
}

Value VitBuilder::attention(Value input, StringRef layer) {
  std::string because =
      llvm::formatv("{0} = {1}", spec.keys.hiddenSize, spec.hiddenSize);
  auto project = [&](StringRef role) -> Value {
    std::string name = (layer + ".attention." + role).str();
    Value rows = linear(input, name, spec.hiddenSize, because, spec.qkvBias);
    return vit::SplitHeadsOp::create(b, getLoc(name), rows, spec.numHeads);
  };
  Value query = project("query");
  Value key = project("key");
  Value value = project("value");
  double headDim = double(spec.hiddenSize / spec.numHeads);
  Location loc = getLoc(layer + ".attention");
  Value heads =
      vit::AttentionOp::create(b, loc, query, key, value, /*bias=*/Value(),
                               b.getF64FloatAttr(1.0 / std::sqrt(headDim)));
  Value merged = vit::MergeHeadsOp::create(b, loc, heads);
  return linear(merged, (layer + ".output.dense").str(), spec.hiddenSize,
                because);
}

Value VitBuilder::encoderLayer(Value input, StringRef layer) {
  std::string because = llvm::formatv(
      "{0} = {1}, {2} = {3}", spec.keys.hiddenSize, spec.hiddenSize,
      spec.keys.intermediateSize, spec.intermediateSize);
  Value normed = layerNorm(input, (layer + ".layernorm_before").str());
  Value attended = attention(normed, (layer + ".attention").str());
  Value tokens = arith::AddFOp::create(b, getLoc(layer + ".attention.output"),
                                       attended, input);

  normed = layerNorm(tokens, (layer + ".layernorm_after").str());
  Value hidden = linear(normed, (layer + ".intermediate.dense").str(),
                        spec.intermediateSize, because);
  hidden = gelu(hidden, layer + ".intermediate.intermediate_act_fn");
  Value output =
      linear(hidden, (layer + ".output.dense").str(), spec.hiddenSize, because);
  return arith::AddFOp::create(b, getLoc(layer + ".output"), output, tokens);
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

Value VitBuilder::pool(Value tokens) {
  switch (spec.pooling) {
  case VitPooling::ClassToken:
    return tokenRow(tokens, 0, "classifier");
  case VitPooling::MeanTokens:
    return vit::MeanTokensOp::create(b, getLoc("classifier"), tokens,
                                     /*skip=*/0);
  case VitPooling::MeanPatches:
    return vit::MeanTokensOp::create(b, getLoc("classifier"), tokens,
                                     /*skip=*/spec.numTokens());
  }
  llvm_unreachable("all poolings are covered");
}

Value VitBuilder::classifier(Value pooled) {
  std::string because =
      llvm::formatv("{0} = {1}, {2} = {3}", spec.keys.hiddenSize,
                    spec.hiddenSize, spec.keys.numClasses, spec.numClasses);
  if (spec.headLayers == 1)
    return linear(pooled, "classifier", spec.numClasses, because);
  // The names of a torch.nn.Sequential of linear layers and GELUs.
  for (int64_t layer = 0; layer < spec.headLayers; ++layer) {
    bool last = layer + 1 == spec.headLayers;
    std::string index = std::to_string(2 * layer);
    pooled = linear(pooled, "classifier." + index,
                    last ? spec.numClasses : spec.hiddenSize, because);
    if (!last)
      pooled = gelu(pooled, "classifier." + Twine(2 * layer + 1));
  }
  return pooled;
}

Value VitBuilder::teacherLogits(Value tokens) {
  std::string because =
      llvm::formatv("{0} = {1}, {2} = {3}", spec.keys.hiddenSize,
                    spec.hiddenSize, spec.keys.numClasses, spec.numClasses);
  Value fromClass = linear(tokenRow(tokens, 0, "cls_classifier"),
                           "cls_classifier", spec.numClasses, because);
  Value fromTeacher =
      linear(tokenRow(tokens, 1, "distillation_classifier"),
             "distillation_classifier", spec.numClasses, because);

  Location loc = getLoc("logits");
  auto type = cast<RankedTensorType>(fromClass.getType());
  Value empty = tensor::EmptyOp::create(
      b, loc, ArrayRef<OpFoldResult>{batch, b.getIndexAttr(spec.numClasses)},
      type.getElementType());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  auto mean = linalg::GenericOp::create(
      b, loc, type, ValueRange{fromClass, fromTeacher}, ValueRange{empty},
      ArrayRef<AffineMap>{identity, identity, identity}, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        Value sum = arith::AddFOp::create(body, loc, args[0], args[1]);
        Value half =
            arith::ConstantOp::create(body, loc, body.getF32FloatAttr(0.5f));
        Value mean = arith::MulFOp::create(body, loc, sum, half);
        linalg::YieldOp::create(body, loc, mean);
      });
  return mean.getResult(0);
}

SmallVector<StringRef> VitBuilder::getOutputNames(const VitSpec &spec) {
  if (spec.output != VitOutput::HiddenStates)
    return {"logits"};
  if (spec.pooler)
    return {"last_hidden_state", "pooler_output"};
  return {"last_hidden_state"};
}

SmallVector<Value> VitBuilder::build(Value image) {
  batch = tensor::getMixedSize(b, getLoc("pixel_values"), image, 0);
  Value tokens = patchEmbed(image);
  for (int64_t layer = 0; layer < spec.numLayers; ++layer)
    tokens = encoderLayer(tokens, backbone("encoder.layer." + Twine(layer)));
  tokens = layerNorm(tokens, backbone("layernorm"));

  switch (spec.output) {
  case VitOutput::Logits:
    return {classifier(pool(tokens))};
  case VitOutput::TeacherLogits:
    return {teacherLogits(tokens)};
  case VitOutput::HiddenStates: {
    if (!spec.pooler)
      return {tokens};
    std::string layer = backbone("pooler.dense");
    std::string because =
        llvm::formatv("{0} = {1}", spec.keys.hiddenSize, spec.hiddenSize);
    Value pooled =
        linear(tokenRow(tokens, 0, layer), layer, spec.hiddenSize, because);
    pooled =
        math::TanhOp::create(b, getLoc(backbone("pooler.activation")), pooled);
    return {tokens, pooled};
  }
  }
  llvm_unreachable("all outputs are covered");
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

static vit::ModelAttr getModelAttr(const VitSpec &spec,
                                   const VitModelInfo &info,
                                   const std::string &hash,
                                   int64_t numParameters,
                                   MLIRContext *context) {
  bool embedding = spec.output == VitOutput::HiddenStates;
  auto grid = vit::TokenGridAttr::get(context, spec.numTokens(),
                                      spec.gridHeight(), spec.gridWidth(),
                                      /*classToken=*/true);
  return vit::ModelAttr::get(
      context, StringAttr::get(context, spec.architecture),
      StringAttr::get(context, embedding ? "embedding" : "classification"),
      StringAttr::get(context, hash), numParameters, /*licence=*/StringAttr(),
      info.labels, info.preprocess, grid);
}

OwningOpRef<ModuleOp> import_::buildVit(const VitSpec &spec,
                                        WeightSource &weights,
                                        const VitModelInfo &info,
                                        const ImportOptions &options,
                                        Location loc) {
  MLIRContext *context = loc.getContext();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder weightsAt = OpBuilder::atBlockEnd(module->getBody());
  Location modelLoc = NameLoc::get(StringAttr::get(context, spec.architecture));

  OpBuilder b(context);
  auto imageType =
      RankedTensorType::get({options.batch.value_or(ShapedType::kDynamic),
                             spec.channels, spec.imageHeight, spec.imageWidth},
                            b.getF32Type());
  auto function = func::FuncOp::create(modelLoc, "forward",
                                       b.getFunctionType({imageType}, {}));
  function.setArgAttr(0, vit::VitDialect::kNameAttr,
                      b.getStringAttr("pixel_values"));
  b.setInsertionPointToEnd(function.addEntryBlock());

  VitBuilder builder(spec, weights, weightsAt, b);
  SmallVector<Value> results = builder.build(function.getArgument(0));
  func::ReturnOp::create(b, modelLoc, results);
  weightsAt.insert(function);
  function.setFunctionType(
      b.getFunctionType({imageType}, TypeRange(ValueRange(results))));
  for (auto [index, name] : llvm::enumerate(VitBuilder::getOutputNames(spec)))
    function.setResultAttr(index, vit::VitDialect::kNameAttr,
                           b.getStringAttr(name));

  if (failed(weights.verify()))
    return nullptr;
  (*module)->setAttr(vit::VitDialect::kModelAttr,
                     getModelAttr(spec, info, weights.hash(),
                                  builder.getNumParameters(), context));
  if (failed(mlir::verify(*module)))
    return nullptr;
  return module;
}
