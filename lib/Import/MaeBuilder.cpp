//===- MaeBuilder.cpp - Builds a masked autoencoder's module --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaeBuilder.h"

#include "PatchMasking.h"
#include "VitEncoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Added to the variance of a patch's pixels.
static constexpr double kPixelEps = 1e-6;

namespace {

/// From the image and the noise to the outputs.
class MaeBuilder {
public:
  MaeBuilder(const MaeSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  SmallVector<Value> build(Value image, Value noise);

private:
  Value norm(Value tokens, const VitEncoder &encoder, const VitSpec &of);
  /// The pixels of all patches, [B, N, P * P * C], from the encoder's tokens.
  Value decode(Value latent, Value ranks);
  Value patchify(Value image);
  /// `predicted` as the image's pixels are, not normalised by patches.
  Value denormalise(Value predicted, Value image);
  /// The image with the predicted pixels where the mask is 1.
  Value reconstruct(Value image, Value predicted, Value mask);

  const MaeSpec &spec;
  LayerBuilder &layers;
  OpBuilder &b;
};

} // namespace

Value MaeBuilder::norm(Value tokens, const VitEncoder &encoder,
                       const VitSpec &of) {
  return layers.layerNorm(tokens, encoder.backbone(of.names.norm),
                          of.layerNormEps, encoder.becauseHidden());
}

Value MaeBuilder::decode(Value latent, Value ranks) {
  const VitSpec &decoder = *spec.decoder;
  VitEncoder blocks(decoder, layers);
  std::string because = blocks.becauseHidden();
  int64_t width = decoder.hiddenSize;
  int64_t numTokens = 1 + decoder.gridHeight() * decoder.gridWidth();

  Value tokens =
      layers.linear(latent, blocks.backbone("decoder_embed"), width, because);
  std::string maskName = blocks.backbone("mask_token");
  Value maskToken = layers.constant(
      vit::WeightExprAttr::reshape(
          layers.weight(maskName, {1, 1, width}, because, WeightRole::Token),
          {width}),
      maskName);
  tokens = buildRestoredTokens(layers, tokens, ranks, maskToken, maskName);
  std::string positionName = blocks.backbone("decoder_pos_embed");
  Value positions =
      layers.constant(vit::WeightExprAttr::reshape(
                          layers.weight(positionName, {1, numTokens, width},
                                        because, WeightRole::Token),
                          {numTokens, width}),
                      positionName);
  tokens = layers.addShared(tokens, positions, positionName);
  tokens = norm(blocks.buildBlocks(tokens), blocks, decoder);

  std::string layer = blocks.backbone("decoder_pred");
  Value patches = layers.slice(tokens, 1, 1, numTokens - 1, layer);
  return layers.linear(
      patches, layer,
      decoder.patchHeight * decoder.patchWidth * decoder.channels,
      llvm::formatv("{0}, patch_size = {1}, num_channels = {2}", because,
                    decoder.patchHeight, decoder.channels)
          .str());
}

/// [B, C, H, W] -> [B, N, P * P * C].
Value MaeBuilder::patchify(Value image) {
  const VitSpec &of = spec.encoder;
  Value map =
      layers.expand(image, 2, {of.gridHeight(), of.patchHeight}, "patchify");
  map = layers.expand(map, 4, {of.gridWidth(), of.patchWidth}, "patchify");
  map = layers.transpose(map, {0, 2, 4, 3, 5, 1}, "patchify");
  return layers.collapse(layers.collapse(map, 1, 2, "patchify"), 2, 3,
                         "patchify");
}

Value MaeBuilder::denormalise(Value predicted, Value image) {
  Value patches = patchify(image);
  Location loc = layers.getLoc("norm_pix_loss");
  auto type = cast<RankedTensorType>(patches.getType());
  int64_t numPixels = type.getDimSize(2);
  SmallVector<OpFoldResult> sizes = layers.getSizes(patches, loc);
  sizes.pop_back();
  AffineMap all = b.getMultiDimIdentityMap(3), patch = all.dropResult(2);
  SmallVector<utils::IteratorType> parallel(3, utils::IteratorType::parallel);
  SmallVector<utils::IteratorType> reduction(parallel);
  reduction.back() = utils::IteratorType::reduction;
  auto number = [&](OpBuilder &at, double value) -> Value {
    return arith::ConstantOp::create(at, loc, at.getF32FloatAttr(float(value)));
  };
  // The sum of (x - mean)^power, divided.
  auto moment = [&](ValueRange inputs, int64_t divisor) -> Value {
    Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
    Value zeros =
        linalg::FillOp::create(b, loc, number(b, 0.0), empty).getResult(0);
    SmallVector<AffineMap> maps = {all};
    maps.resize(inputs.size() + 1, patch);
    return linalg::GenericOp::create(
               b, loc, zeros.getType(), inputs, zeros, maps, reduction,
               [&](OpBuilder &body, Location loc, ValueRange args) {
                 Value term = args[0];
                 if (args.size() == 3) {
                   term = arith::SubFOp::create(body, loc, term, args[1]);
                   term = arith::MulFOp::create(body, loc, term, term);
                 }
                 term = arith::MulFOp::create(body, loc, term,
                                              number(body, 1.0 / divisor));
                 linalg::YieldOp::create(
                     body, loc,
                     arith::AddFOp::create(body, loc, term, args.back())
                         .getResult());
               })
        .getResult(0);
  };
  Value mean = moment(patches, numPixels);
  // Bessel's correction, as torch.var has it.
  Value variance = moment({patches, mean}, std::max<int64_t>(numPixels - 1, 1));
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(predicted, loc),
                                        b.getF32Type());
  return linalg::GenericOp::create(
             b, loc, predicted.getType(), ValueRange{predicted, mean, variance},
             empty, ArrayRef<AffineMap>{all, patch, patch, all}, parallel,
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(body, loc, args[2],
                                                 number(body, kPixelEps));
               Value deviation = math::SqrtOp::create(body, loc, sum);
               Value scaled =
                   arith::MulFOp::create(body, loc, args[0], deviation);
               linalg::YieldOp::create(
                   body, loc,
                   arith::AddFOp::create(body, loc, scaled, args[1])
                       .getResult());
             })
      .getResult(0);
}

Value MaeBuilder::reconstruct(Value image, Value predicted, Value mask) {
  const VitSpec &of = spec.encoder;
  const char *layer = "reconstruction";
  Location loc = layers.getLoc(layer);
  int64_t rows = of.gridHeight(), columns = of.gridWidth();
  Value pixels = layers.expand(image, 2, {rows, of.patchHeight}, layer);
  pixels = layers.expand(pixels, 4, {columns, of.patchWidth}, layer);
  Value patches = layers.expand(predicted, 1, {rows, columns}, layer);
  patches = layers.expand(patches, 3,
                          {of.patchHeight, of.patchWidth, of.channels}, layer);
  Value hidden = layers.expand(mask, 1, {rows, columns}, layer);

  // Loops: batch, channel, patch row, pixel row, patch column, pixel column.
  auto readBy = [&](ArrayRef<unsigned> loops) {
    return AffineMap::getMultiDimMapWithTargets(6, loops, b.getContext());
  };
  AffineMap all = b.getMultiDimIdentityMap(6);
  SmallVector<utils::IteratorType> iterators(6, utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(b, loc, layers.getSizes(pixels, loc),
                                        b.getF32Type());
  Value picture =
      linalg::GenericOp::create(
          b, loc, pixels.getType(), ValueRange{pixels, patches, hidden}, empty,
          ArrayRef<AffineMap>{all, readBy({0, 2, 4, 3, 5, 1}),
                              readBy({0, 2, 4}), all},
          iterators,
          [](OpBuilder &body, Location loc, ValueRange args) {
            Value half = arith::ConstantOp::create(body, loc,
                                                   body.getF32FloatAttr(0.5f));
            Value isHidden = arith::CmpFOp::create(
                body, loc, arith::CmpFPredicate::OGT, args[2], half);
            Value pixel =
                arith::SelectOp::create(body, loc, isHidden, args[1], args[0]);
            linalg::YieldOp::create(body, loc, pixel);
          })
          .getResult(0);
  return layers.collapse(layers.collapse(picture, 2, 2, layer), 3, 2, layer);
}

SmallVector<Value> MaeBuilder::build(Value image, Value noise) {
  VitEncoder encoder(spec.encoder, layers);
  std::string layer = encoder.backbone("embeddings.random_masking");
  Value ranks = buildNoiseRanks(layers, noise, layer);
  Value mask = buildMask(layers, ranks, spec.numVisible, layer);
  Value tokens = buildVisibleTokens(layers, encoder.embed(image), ranks,
                                    spec.numVisible, layer);
  Value latent = norm(encoder.buildBlocks(tokens), encoder, spec.encoder);
  if (!spec.decoder)
    return {latent, mask, ranks};
  Value logits = decode(latent, ranks);
  Value predicted = logits;
  if (spec.normalisedPixels)
    predicted = denormalise(predicted, image);
  return {logits, mask, ranks, reconstruct(image, predicted, mask)};
}

OwningOpRef<ModuleOp> import_::buildMae(const MaeSpec &spec,
                                        WeightSource &weights,
                                        const ModelInfo &info,
                                        const ImportOptions &options,
                                        Location loc) {
  const VitSpec &encoder = spec.encoder;
  ModelInterface interface;
  interface.architecture = encoder.architecture;
  interface.task = spec.decoder ? "picture" : "embedding";
  ModelInput image = getImageInput(options, encoder.channels,
                                   encoder.imageHeight, encoder.imageWidth);
  int64_t numPatches = encoder.gridHeight() * encoder.gridWidth();
  interface.inputs = {image, {kNoiseInput, {image.shape[0], numPatches}}};
  interface.outputs = {"last_hidden_state", "mask", "ids_restore"};
  if (spec.decoder)
    interface.outputs = {"logits", "mask", "ids_restore", "reconstruction"};
  interface.info = info;
  return buildModelModule(
      interface, weights, loc, [&](LayerBuilder &layers, ValueRange inputs) {
        return MaeBuilder(spec, layers).build(inputs[0], inputs[1]);
      });
}
