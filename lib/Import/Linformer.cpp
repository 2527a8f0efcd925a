//===- Linformer.cpp - Linformer vision transformers ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linformer.h"

#include "AttentionLayer.h"
#include "ModelLimits.h"
#include "ModelModule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr double kNormEps = 1e-5; // torch.nn.LayerNorm's
static constexpr int64_t kMlpRatio = 4;

LogicalResult import_::verifyLinformer(const LinformerSpec &spec,
                                       const ImportOptions &options,
                                       Location loc) {
  if (options.imageSize &&
      *options.imageSize != std::pair(spec.imageHeight, spec.imageWidth))
    return emitError(loc) << "image size " << options.imageSize->first << "x"
                          << options.imageSize->second
                          << " was asked for; the projections along the "
                             "sequence need "
                          << spec.imageHeight << "x" << spec.imageWidth;
  if (spec.dim % spec.numHeads != 0)
    return emitError(loc) << "dim = " << spec.dim
                          << " is not a multiple of heads = " << spec.numHeads;
  if (spec.imageHeight % spec.patchHeight != 0 ||
      spec.imageWidth % spec.patchWidth != 0)
    return emitError(loc) << "image = " << spec.imageHeight << "x"
                          << spec.imageWidth << " is not a multiple of patch = "
                          << spec.patchHeight << "x" << spec.patchWidth;
  if (spec.getNumTokens() > kMaxTokens)
    return emitError(loc) << "image = " << spec.imageHeight << "x"
                          << spec.imageWidth << " gives "
                          << spec.getNumTokens() - 1
                          << " patches; vitc compiles at most "
                          << kMaxTokens - 1;
  return success();
}

namespace {

/// From the image to the logits.
class LinformerBuilder {
public:
  LinformerBuilder(const LinformerSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  Value build(Value image);

private:
  std::string because() const { return llvm::formatv("dim = {0}", spec.dim); }
  Value norm(Value tokens, const Twine &layer) {
    return layers.layerNorm(tokens, layer, kNormEps, because());
  }
  Value splitHeads(Value rows, int64_t numHeads, const std::string &layer) {
    return vit::SplitHeadsOp::create(b, layers.getLoc(layer), rows, numHeads);
  }
  Value embedPatches(Value image);
  /// The class token before `patches`, and positions on all.
  Value addTokenAndPositions(Value patches);
  /// rows [B, N, C] to [B, K, C] by the weight `name` [N, K].
  Value projectSequence(Value rows, const std::string &name);
  Value attention(Value tokens, const std::string &layer);
  Value mlp(Value tokens, const std::string &layer);

  const LinformerSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};

} // namespace

/// Patches as rows, the channel varying fastest.
Value LinformerBuilder::embedPatches(Value image) {
  std::string name = "to_patch_embedding.";
  std::string rearrange = name + "0";
  Value rows = layers.expand(image, 3, {spec.getGridWidth(), spec.patchWidth},
                             rearrange);
  rows = layers.expand(rows, 2, {spec.getGridHeight(), spec.patchHeight},
                       rearrange);
  rows = layers.transpose(rows, {0, 2, 4, 3, 5, 1}, rearrange);
  rows = layers.collapse(rows, 3, 3, rearrange);
  rows = layers.collapse(rows, 1, 2, rearrange);
  rows = layers.layerNorm(rows, name + "1", kNormEps,
                          llvm::formatv("channels = {0}, patch = {1}x{2}",
                                        spec.channels, spec.patchHeight,
                                        spec.patchWidth)
                              .str());
  rows = layers.linear(rows, name + "2", spec.dim, because());
  return norm(rows, name + "3");
}

Value LinformerBuilder::addTokenAndPositions(Value patches) {
  int64_t numTokens = spec.getNumTokens();
  std::string tokenName = "cls_token", positionName = "pos_embedding";
  Location loc = layers.getLoc(positionName);
  auto rows = [&](const std::string &name, int64_t count) {
    return layers.constant(
        vit::WeightExprAttr::reshape(
            layers.weight(name, {1, count, spec.dim},
                          llvm::formatv("{0}, {1} tokens", because(), count),
                          WeightRole::Token),
            {count, spec.dim}),
        name);
  };
  // result[b, t, c] = first[t, c], for each item of the batch.
  auto type = cast<RankedTensorType>(patches.getType());
  SmallVector<OpFoldResult> sizes = layers.getSizes(patches, loc);
  sizes[1] = b.getIndexAttr(1);
  AffineMap all = b.getMultiDimIdentityMap(3);
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  Value token =
      linalg::GenericOp::create(
          b, layers.getLoc(tokenName), empty.getType(), rows(tokenName, 1),
          empty, ArrayRef<AffineMap>{all.dropResult(0), all}, iterators,
          [](OpBuilder &body, Location loc, ValueRange args) {
            linalg::YieldOp::create(body, loc, args[0]);
          })
          .getResult(0);
  Value tokens = layers.concat({token, patches}, 1, tokenName);
  sizes[1] = b.getIndexAttr(numTokens);
  Value sums = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  return linalg::GenericOp::create(
             b, loc, sums.getType(),
             ValueRange{tokens, rows(positionName, numTokens)}, sums,
             ArrayRef<AffineMap>{all, all.dropResult(0), all}, iterators,
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(body, loc, args[0], args[1]);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

Value LinformerBuilder::projectSequence(Value rows, const std::string &name) {
  Location loc = layers.getLoc(name);
  auto type = cast<RankedTensorType>(rows.getType());
  int64_t numTokens = spec.getNumTokens(), length = spec.projectedLength;
  Value projection = layers.parameter(
      name, {numTokens, length},
      llvm::formatv("{0} tokens, k = {1}", numTokens, length).str(),
      WeightRole::TransposedMatrix);
  SmallVector<OpFoldResult> sizes = layers.getSizes(rows, loc);
  sizes[1] = b.getIndexAttr(length);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  Value zero =
      arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  // Loops b, k, c, n.
  auto map = [&](ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(4, dims, b.getContext());
  };
  return linalg::ContractOp::create(
             b, loc, init.getType(), ValueRange{rows, projection}, init,
             b.getAffineMapArrayAttr(
                 {map({0, 3, 2}), map({3, 1}), map({0, 1, 2})}))
      .getResult(0);
}

Value LinformerBuilder::attention(Value tokens, const std::string &layer) {
  int64_t headDim = spec.dim / spec.numHeads;
  int64_t keyHeads = spec.oneKeyValueHead ? 1 : spec.numHeads;
  auto project = [&](const std::string &name, int64_t width) {
    return layers.linear(tokens, layer + name, width, because(),
                         /*bias=*/false);
  };
  Value query =
      splitHeads(project("to_q", spec.dim), spec.numHeads, layer + "to_q");
  Value key =
      projectSequence(project("to_k", keyHeads * headDim), layer + "proj_k");
  key = splitHeads(key, keyHeads, layer + "to_k");
  Value value = key;
  if (!spec.shareKeyValue) {
    value =
        projectSequence(project("to_v", keyHeads * headDim), layer + "proj_v");
    value = splitHeads(value, keyHeads, layer + "to_v");
  }
  Value merged = attendHeads(layers, query, key, value, layer + "attention");
  return layers.linear(merged, layer + "to_out", spec.dim, because());
}

Value LinformerBuilder::mlp(Value tokens, const std::string &layer) {
  Value hidden =
      layers.linear(tokens, layer + "w1", kMlpRatio * spec.dim, because());
  hidden = layers.gelu(hidden, vit::GeluForm::Exact, layer + "act");
  return layers.linear(hidden, layer + "w2", spec.dim, because());
}

Value LinformerBuilder::build(Value image) {
  Value tokens = addTokenAndPositions(embedPatches(image));
  for (int64_t index = 0; index < spec.depth; ++index) {
    std::string block = llvm::formatv("transformer.net.layers.{0}.", index);
    Value normed = norm(tokens, block + "0.norm");
    tokens = layers.add(attention(normed, block + "0.fn."), tokens,
                        block + "0.residual");
    normed = norm(tokens, block + "1.norm");
    tokens =
        layers.add(mlp(normed, block + "1.fn."), tokens, block + "1.residual");
  }
  std::string pool = "to_latent", head = "mlp_head.";
  Value pooled = spec.meanPooling
                     ? vit::MeanTokensOp::create(b, layers.getLoc(pool), tokens,
                                                 /*skip=*/0)
                           .getResult()
                     : layers.slice(tokens, 1, 0, 1, pool, /*drop=*/true);
  return layers.linear(
      norm(pooled, head + "0"), head + "1", spec.numClasses,
      llvm::formatv("{0}, classes = {1}", because(), spec.numClasses).str());
}

OwningOpRef<ModuleOp> import_::buildLinformer(const LinformerSpec &spec,
                                              WeightSource &weights,
                                              vit::PreprocessAttr preprocess,
                                              const ImportOptions &options,
                                              Location loc) {
  ModelInterface interface;
  interface.architecture = "Linformer";
  interface.task = "classification";
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs = {"logits"};
  interface.info.preprocess = preprocess;
  return buildModelModule(
      interface, weights, loc,
      [&](LayerBuilder &layers, ValueRange inputs) -> SmallVector<Value> {
        return {LinformerBuilder(spec, layers).build(inputs[0])};
      });
}
